"""What `archscan check` makes of files and tags, against a real registry."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.image.reference import image_reference
from scanner.domain.verdict.verdict import Depth
from scanner.errors import UsageError
from scanner.service.check_document import document, text
from scanner.service.check_reading import checked_of
from scanner.service.gate.pins import pin
from scanner.settings.schema import Settings
from tests.app.archived import checked
from tests.real.images import File

BOTH = ("linux/amd64", "linux/arm64")


@pytest.fixture(scope="module")
def pushed(pusher, image_factory, elf_factory):
    """The repository, with a way to push an image for a CPU, or labelled for another, under a tag."""

    def push(tag, architecture, label=None, repository="gate/app"):
        image = image_factory.image(
            {"app": File(elf_factory(architecture)), "name": File(tag.encode())},
            entrypoint=["/app"], architecture=label or architecture,
        )  # fmt: skip
        return pusher.push(repository, tag, image)

    return push


@pytest.fixture
def settings(registry):
    registries = {registry.address: {"plain_http": True, "allow_networks": ("127.0.0.0/8",)}, "cache_age": "1h"}
    return Settings.model_validate({"registries": registries})


def rulings(answer):
    return {(r.finding.workload.name, r.finding.workload.host): str(r.decision) for r in answer.rulings}


# ---------------------------------------------------------------- tags that move


async def test_a_tag_that_moves_between_check_and_pull_changes_nothing_for_whoever_pulls_by_the_pin(pushed, settings):
    image = pushed("moves", "amd64")
    first = await checked(image, settings=settings)
    pushed("moves", "arm64", "amd64")
    second = await checked(image, settings=settings)
    assert [str(answer.decision) for answer in (first, second)] == ["allow", "deny"]
    assert first.pins[image] != second.pins[image]
    again = await checked(first.pins[image], settings=settings)
    assert (str(again.decision), again.pins) == ("allow", {first.pins[image]: first.pins[image]})


async def test_a_tag_that_moved_is_seen_by_the_next_question_of_the_same_service(pushed, settings):
    image = pushed("service", "amd64")
    adapters = Adapters(settings, AdapterContext("0"))
    try:
        found = []
        for architecture in ("amd64", "arm64"):
            pushed("service", architecture)
            with adapters.one_check():
                found.append(await pin(adapters.registry, image_reference(image)))
                pushed("service", "386")
                assert await pin(adapters.registry, image_reference(image)) == found[-1]
        assert found[0] != found[1]
    finally:
        await adapters.close()


async def test_a_tag_is_believed_for_as_long_as_the_settings_say_and_no_longer(pushed, settings, monkeypatch):
    image = pushed("believed", "amd64")
    gate = settings.gate.model_copy(update={"max_tag_age": 10.0})
    adapters = Adapters(settings.model_copy(update={"gate": gate}), AdapterContext("0"))
    try:
        found = []
        for ahead in (0.0, 9.0, 11.0):
            monkeypatch.setattr(
                adapters.registry._clock, "monotonic", lambda by=ahead: time.monotonic() + by, raising=False
            )
            with adapters.one_check():
                found.append(await pin(adapters.registry, image_reference(image)))
            pushed("believed", "arm64" if ahead < 9 else "386")
        assert found[0] == found[1] != found[2]
    finally:
        await adapters.close()


# ---------------------------------------------------------------- what others would run


async def test_a_label_that_is_right_lets_no_wrong_binary_through(pushed, settings):
    image = pushed("arm-update", "arm64", "amd64")
    answer = await checked(image, settings=settings)
    assert str(answer.decision) == "deny"
    assert answer.report.findings[0].verdict.reason == "wrong_binary"
    lenient = await checked(image, settings=settings, depth=Depth.CONFIG)
    assert str(lenient.decision) == "allow", "a check of labels alone lets it pass"


# ---------------------------------------------------------------- files


async def test_every_service_of_a_compose_project_is_judged_as_compose_reads_it(pushed, settings, tmp_path):
    good, bad = pushed("good", "amd64"), pushed("bad", "arm64")
    (tmp_path / "compose.yml").write_text(
        "include: [sub/more.yml]\n"
        "services:\n"
        "  web: {image: '${REGISTRY}/gate/app:good'}\n"
        "  db: {extends: {file: base.yml, service: any}}\n"
        "  debug: {image: nowhere.example/x, profiles: [debug]}\n"
    )
    (tmp_path / "base.yml").write_text(f"services: {{any: {{image: '{bad}', env_file: [some.env]}}}}\n")
    (tmp_path / "some.env").write_text("A=b\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "more.yml").write_text(f"services: {{log: {{image: '{good}', platform: linux/amd64}}}}\n")
    (tmp_path / ".env").write_text(f"REGISTRY={good.partition('/')[0]}\nCOMPOSE_PROJECT_NAME=shop\n")
    for named in (tmp_path, tmp_path / "compose.yml"):
        answer = await checked(compose=(named,), settings=settings)
        assert rulings(answer) == {
            ("shop/web", "linux/amd64"): "allow",
            ("shop/db", "linux/amd64"): "deny",
            ("shop/log", "linux/amd64"): "allow",
        }
        assert set(answer.pins) == {good, bad}


@pytest.mark.parametrize("named", [".", "compose.yml", "../Shop.de"])
async def test_what_is_built_where_it_runs_holds_and_says_how_to_check_it(settings, tmp_path, monkeypatch, named):
    folder = tmp_path / "Shop.de"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("compose.yml").write_text("services: {web: {build: .}}\n")
    answer = await checked(compose=(Path(named),), settings=settings)
    [finding] = answer.report.findings
    assert (str(answer.decision), finding.workload.name) == ("hold", "shopde/web")
    assert "oci-archive:FILE" in finding.verdict.detail
    assert finding.verdict.fix.summary.endswith("push it, or save what was built and check that file.")


@pytest.mark.parametrize(
    ("asked", "told"), [({"is_here": True}, ["shop/web"]), ({"hosts": ("box",)}, ["shop/own", "shop/web"])]
)
async def test_what_is_built_for_another_platform_than_its_host_s_is_told_once(tmp_path, asked, told):
    (tmp_path / "compose.yml").write_text(
        "name: shop\nservices: {web: {build: ., platform: linux/s390x}, own: {build: .}}\n"
    )
    settings = Settings.model_validate({"inventory": ({"kind": "local", "name": "box"},)})
    answer = await checked(compose=(tmp_path / "compose.yml",), platforms=(), settings=settings, **asked)
    assert (str(answer.decision), sorted(f.workload.name for f in answer.report.findings)) == ("hold", told)


async def test_a_file_that_a_project_needs_and_that_is_not_there_holds(settings, tmp_path, pushed):
    image = pushed("good", "amd64")
    (tmp_path / "compose.yml").write_text(f"services: {{web: {{image: '{image}', env_file: [gone.env]}}}}\n")
    answer = await checked(compose=(tmp_path / "compose.yml",), settings=settings)
    assert str(answer.decision) == "hold"
    assert any("gone.env" in finding.verdict.detail for finding in answer.report.findings)


async def test_a_folder_of_plans_of_every_kind_is_judged_as_a_whole(pushed, settings, tmp_path):
    good, bad = pushed("good", "amd64"), pushed("bad", "arm64")
    (tmp_path / "k8s").mkdir()
    container = {"name": "c", "image": bad}
    spec = {"template": {"spec": {"nodeSelector": {"kubernetes.io/arch": "arm64"}, "containers": [container]}}}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "spec": spec}
    (tmp_path / "k8s" / "d.json").write_text(json.dumps(deployment))
    (tmp_path / "web.container").write_text(f"[Container]\nImage={good}\n")
    (tmp_path / "stack.yml").write_text(f"version: '3.8'\nservices: {{s: {{image: '{good}'}}}}\n")
    (tmp_path / "README.md").write_text("no plan\n")
    answer = await checked(manifests=(tmp_path,), platforms=BOTH, settings=settings)
    told = rulings(answer)
    assert {name for name, host in told if host == "linux/amd64"} == {"web.service", f"{tmp_path.name}/s"}
    assert told[("web.service", "linux/amd64")] == "allow", "a plain host has the engine that a quadlet asks for"
    assert told[("default/d/c", "linux/arm64")] == "allow", "the object is for nodes of its CPU alone"
    assert str(answer.decision) == "deny", "the others are not"
    only = await checked(manifests=(tmp_path / "k8s" / "d.json",), platforms=BOTH, settings=settings)
    assert str(only.decision) == "allow"
    elsewhere = await checked(manifests=(tmp_path / "k8s" / "d.json",), settings=settings)
    assert (str(elsewhere.decision), elsewhere.pins) == ("hold", {}), "what nobody judged there has no pin"
    assert "plans say their nodes" in text(elsewhere)


async def test_a_folder_without_any_plan_holds(settings, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing\n")
    answer = await checked(manifests=(tmp_path,), settings=settings)
    assert str(answer.decision) == "hold"
    assert ["there is no plan in it" in finding.verdict.detail for finding in answer.report.findings] == [True]


async def test_files_that_are_not_there_are_wrong_usage(settings, tmp_path):
    for more in ({"compose": (tmp_path / "x.yml",)}, {"compose": (tmp_path,)}, {"manifests": (tmp_path / "x.yml",)}):
        with pytest.raises(UsageError):
            await checked(settings=settings, **more)


@pytest.mark.parametrize(("entrypoint", "decision"), [(("/app", "--now"), "allow"), (("/nothing",), "hold")])
async def test_arguments_beside_the_image_are_judged(pushed, settings, entrypoint, decision):
    """What the image does not hold may come with a volume that nobody told of."""
    answer = await checked(pushed("good", "amd64"), entrypoint=entrypoint, settings=settings)
    assert str(answer.decision) == decision


# ---------------------------------------------------------------- what to do instead


async def test_a_denied_image_comes_with_the_nearest_tag_whose_binary_fits(pushed, settings):
    for tag, architecture, label in (
        ("2.0", "arm64", None), ("2.0-amd64", "arm64", "amd64"), ("2.1", "arm64", None), ("1.9", "amd64", None),
        ("1.8", "amd64", None), ("2.2-rc1", "amd64", None),
    ):  # fmt: skip
        image = pushed(tag, architecture, label, "gate/tags")
    name = image.rpartition(":")[0]
    answer = await checked(f"{name}:2.0", settings=settings)
    instead = answer.instead[f"{name}:2.0", "linux/amd64"]
    assert (instead.tag, instead.looked_at) == (f"{name}:1.9", 3)
    assert checked_of(document(answer)).instead == answer.instead
    assert (await checked(instead.pin, settings=settings)).decision == "allow"
