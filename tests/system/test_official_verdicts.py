"""The verdicts about much pulled images: with the server of their host's CPU, with another CPU's, with none at all."""

import json
from collections import Counter
from unittest.mock import patch

import pytest

from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.registry.http import pinned_transport
from scanner.scan.scan import ScanLimits
from scanner.settings import load
from tests.binary.program.shell.official import OFFICIAL
from tests.real.lenient import InProcess, LenientRegistry
from tests.system.day.stock import BODY, official_image

pytestmark = pytest.mark.system

MOST_UNKNOWN = {"right": 0.03, "foreign": 0.03, "missing": 0.12}
"""Of all images, by what their server is. Where it is missing some scripts end by themselves, others may install it."""
PORT = 5000
"""Where nobody listens: the registry is asked in this process."""
SERVERS = {"right": BODY["amd64"], "foreign": BODY["arm64"], "missing": None}
WANTED = {"right": "ok", "foreign": "mismatch", "missing": "broken"}


@pytest.fixture(scope="module")
def registry():
    return LenientRegistry(PORT)


@pytest.fixture
async def verdicts(registry, tmp_path):
    """``await verdicts(server)``: what we say of each image with such a server."""

    async def judged(server):
        named = {
            registry.push(
                f"{server}/{name.replace(' ', '-')}", "1", official_image(image, "amd64", SERVERS[server])
            ): name
            for name, image in OFFICIAL.items()
        }
        config = tmp_path / "archscan.yml"
        config.write_text(
            json.dumps({"registries": {registry.address: {"plain_http": True, "rate": 10000, "burst": 10000}}})
        )
        adapters = Adapters(load(config, {}, need_hosts=False), AdapterContext("0"))
        try:
            with patch.object(pinned_transport, "Connections", lambda *_, **__: InProcess(registry)):
                scanner = adapters.scanner(ScanLimits(deadline_s=600))
                report = await scanner.against(
                    [Platform("linux", "amd64")], [Plan(name, engine="docker") for name in named]
                )
        finally:
            await adapters.close()
        return {named[each.workload.image]: each.verdict for each in report.findings}

    return judged


@pytest.mark.parametrize("server", SERVERS)
async def test_hardly_any_official_image_is_unknown_and_none_is_judged_wrongly(verdicts, server):
    found = await verdicts(server)
    assert found.keys() == OFFICIAL.keys()
    if server == "missing":
        assert str(found.pop("bash").reason) == "native", "it has another one in the next directory of PATH"
    told = {name: each for name, each in found.items() if str(each.status) != "unknown"}
    assert len(found) - len(told) <= MOST_UNKNOWN[server] * len(found), Counter(
        str(each.reason) for each in found.values()
    )
    wrong = {
        name: f"{each.status} {each.reason}: {each.detail}"
        for name, each in told.items()
        if str(each.status) != WANTED[server]
    }
    assert wrong == {}
