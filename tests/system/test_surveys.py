"""Surveys from a real registry to the verdict: by one-shot commands at once, by the service between its scans."""

from __future__ import annotations

import asyncio
import json

import pytest

from scanner import cli
from scanner.app import commands
from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.facts import Engine, EngineKind, EngineState, HostFacts, ImageStore
from scanner.domain.host import Host
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.plain import plain_host
from scanner.domain.verdict.reason import Reason
from scanner.metrics.metrics import Metrics
from scanner.service.configuration import Configuration
from scanner.service.service import Service
from scanner.settings.schema import Settings
from scanner.store.store import Store
from tests.real.elf import executable
from tests.real.zips import a_zip
from tests.service.environment import scanned

pytestmark = pytest.mark.system

AMD64, ARM64 = executable("amd64"), executable("arm64")
DECIDES = b'#!/bin/sh\nexec "$(cat /run/choice)"\n'
BASE = {"bin/sh": AMD64, "usr/bin/cat": AMD64, "usr/bin/curl": AMD64}
PLATFORM = Platform("linux", "amd64")


@pytest.fixture
def archscan(tmp_path, monkeypatch, capsys, registry):
    monkeypatch.setenv("HOME", str(tmp_path))
    address = f"{registry.host}:{registry.port}"
    (tmp_path / "archscan.yml").write_text(f'registries: {{"{address}": {{plain_http: true}}}}')

    def run(*words):
        code = cli.run(commands.Application, lambda: "0", [*words, "--config", str(tmp_path / "archscan.yml")])
        return int(code), capsys.readouterr().out

    return run


def reason_of(shown):
    return [finding["reason"] for finding in json.loads(shown)["findings"]]


def test_a_check_surveys_what_a_script_decides_at_once(archscan, pusher, image_factory):
    made = image_factory.image(BASE, {"start.sh": DECIDES}, entrypoint=["/start.sh"])
    name = pusher.push("surveys/plain", "1", made)
    code, shown = archscan("check", name, "--platform", "linux/amd64", "--format", "json")
    assert (code, reason_of(shown)) == (0, ["native"])


def test_a_check_is_held_by_a_foreign_program_that_a_script_may_start(archscan, pusher, image_factory):
    made = image_factory.image(BASE, {"start.sh": DECIDES, "opt/server": ARM64}, entrypoint=["/start.sh"])
    name = pusher.push("surveys/foreign", "1", made)
    code, shown = archscan("check", name, "--platform", "linux/amd64", "--format", "json")
    assert (code, reason_of(shown)) == (3, ["foreign_binaries"])
    code, shown = archscan("image", name, "--all-binaries")
    assert "1 files for another CPU than the image says, 1 of them on a way\n  /opt/server: ELF linux/arm64" in shown


def test_a_base_for_another_cpu_is_found_from_the_layer_that_both_halves_share(archscan, pusher, image_factory):
    halves = [
        image_factory.image(BASE, {"app": program}, entrypoint=["/app"], architecture=cpu)
        for cpu, program in (("amd64", AMD64), ("arm64", ARM64))
    ]
    name = pusher.push("surveys/base", "1", image_factory.index(*halves))
    _, shown = archscan("check", name, "--platform", "linux/arm64", "--format", "json")
    assert reason_of(shown) == ["foreign_userland"]
    _, shown = archscan("check", name, "--platform", "linux/amd64", "--format", "json")
    assert reason_of(shown) == ["native"]


def test_libraries_and_modules_for_another_cpu_are_listed(archscan, pusher, image_factory):
    file = image_factory.File
    foreign = {
        "usr/lib/libx.so.1": file(ARM64, mode=0o644),
        "app/node_modules/x/x.node": file(ARM64, mode=0o644),
        "opt/jni/libjni.so": file(ARM64, mode=0o644),
        "opt/app.jar": file(a_zip({"lib/x.jar": a_zip({"linux/libx.so": ARM64}, streamed=True)}), mode=0o644),
    }
    name = pusher.push(
        "surveys/libraries", "1", image_factory.image({"app/run": AMD64, **foreign}, entrypoint=["/app/run"])
    )
    _, shown = archscan("image", name, "--all-binaries")
    assert "4 files for another CPU than the image says, 3 of them on a way" in shown
    assert "/opt/app.jar!/lib/x.jar!/linux/libx.so: ELF linux/arm64 (a Java machine may load it)" in shown
    assert "/opt/jni/libjni.so: ELF linux/arm64 (nothing takes it)" in shown


async def test_the_service_makes_surveys_between_its_scans(pusher, image_factory):
    name = pusher.push(
        "surveys/service", "1", image_factory.image(BASE, {"start.sh": DECIDES}, entrypoint=["/start.sh"])
    )
    settings = Settings.model_validate(
        {
            "registries": {name.partition("/")[0]: {"plain_http": True}},
            "scan": {"interval": "1h", "jitter": "0s"},
        }
    )
    engine = Engine(EngineKind.DOCKER, EngineState.UP, "27.0", PLATFORM, ImageStore.CLASSIC)
    facts = HostFacts("a", plain_host(PLATFORM), (engine,))
    metrics = Metrics("0")

    class Here(Adapters):
        async def read(self, host):
            return facts

    store = await Store.open("sqlite://")
    context = AdapterContext("0", store, on_survey_read=metrics.survey_read)
    configuration = Configuration(settings, (Host("a", "10.0.0.1", planned=(Plan(name),)),))
    service = Service(lambda: configuration, lambda given: Here(given, context), store, metrics)
    try:
        await scanned(service)
        assert [f.verdict.reason for f in service.publication.report().findings] == [Reason.SURVEY_PENDING]
        async with asyncio.timeout(120):
            while service.surveys.pending:
                await asyncio.sleep(0.01)
        await scanned(service)
        assert [f.verdict.reason for f in service.publication.report().findings] == [Reason.NATIVE]
        page = metrics.render(service.publication.report(), None)[1].decode()
        assert "archscan_surveys_pending 0.0" in page
        assert "archscan_survey_bytes_total 0.0" not in page
    finally:
        await service.stop()
        await store.close()
