"""A service over a fleet in which everything is wrong, asked for much by many: how long its event loop works at a time."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults import fleet, soak
from tests.faults.test_bombs import BOMBS
from tests.faults.test_fleet_faults import FAULTS
from tests.real.process import Daemon, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ASKERS = 8
IMAGES = 64
"""As many as one question to the gate may name."""

CROWD = 20
"""Healthy hosts beside the faulty ones, each with a hundred containers."""


@dataclass(frozen=True)
class Slices:
    """Those of the loop that took long: seconds of a processor, what ran."""

    rounds: int
    long: tuple[tuple[float, list], ...]


def stored(_method: str, target: str) -> fleet.Reply:
    """The good image under every name; no other blob."""
    try:
        return fleet.whole(target, fleet.IMAGE)
    except StopIteration:
        return fleet.Reply("404 Not Found")


class HostileFleet:
    """The SSH servers and registries, alive in a thread of their own."""

    def __init__(self, folder: Path, crowd: int = CROWD) -> None:
        self._hosts, self._crowd = fleet._Hosts(folder), crowd
        self._registries = {"web": fleet.Registry(stored)}
        self._registries |= {name: fleet.Registry(fault.image) for name, fault in FAULTS.items() if fault.image}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._folder = folder

    @contextlib.contextmanager
    def running(self) -> Iterator[tuple[dict[str, int], dict[str, str]]]:
        """Ports of hosts, addresses of registries."""
        self._thread.start()
        try:
            yield self._hosts.ports, self._wait(self._start())
        finally:
            self._wait(self._stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _wait(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _start(self) -> dict[str, str]:
        addresses = {name: await registry.start() for name, registry in self._registries.items()}
        crowd = [
            fleet.build.container(number, name=f"c-{number}", ref=f"{addresses['web']}/app-{number % IMAGES}:1")
            for number in range(100)
        ]
        many = fleet.Fault(sections=fleet.build.docker("amd64", containers=tuple(crowd)))
        for number in range(self._crowd):
            await self._hosts.start(f"crowd-{number}", many)
        for name, fault in FAULTS.items():
            if not fault.image:
                await self._hosts.start(name, fault)
        await self._hosts.start(fleet.SHOP, fleet.Fault())
        (self._folder / "known_hosts").write_text("".join(self._hosts.known))
        return addresses

    async def _stop(self) -> None:
        await self._hosts.stop()
        for registry in self._registries.values():
            await registry.stop()


def configured(folder: Path, ports: dict[str, int], addresses: dict[str, str], listen: str) -> Path:
    """As ``fleet.scanned`` has it, with a web face and plans that are bombs."""
    path = fleet._configured(folder, ports, addresses)
    document = json.loads(path.read_text())
    document["web"] = {
        "listen": listen,
        "tokens": [{"name": "soak", "token_file": "token", "scopes": ["read", "gate", "operate"]}],
    }
    document["store"] = {"url": f"sqlite:///{folder}/archscan.db"}
    document["plans"] = {"directory": "plans"}
    for number, (name, content) in enumerate(BOMBS.values()):
        where = folder / f"plans/crowd-{number}"
        where.mkdir(parents=True)
        (where / name).write_text(content)
    (folder / "token").write_text(soak.TOKEN)
    (folder / "token").chmod(0o600)
    path.write_text(json.dumps(document))
    return path


def questions(web: str) -> list[tuple[str, str, object]]:
    """What people, pipelines and strangers with a token ask, each as large as may be."""
    images = [f"{web}/app-{number}:1" for number in range(IMAGES)]
    check = "/api/v1/check"
    files = {
        f"{number}/{name}": content for number, (name, content) in enumerate(BOMBS.values()) if len(content) < 200_000
    }
    return [
        (check, "POST", {"images": images, "hosts": ["*"]}),
        (check, "POST", {"images": images, "platforms": ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x"]}),
        *((check, "POST", {"images": [], "files": {name: text}, "hosts": ["*"]}) for name, text in files.items()),
        ("/api/v1/explain", "POST", {"text": "exec format error\n" * 3000}),
        ("/api/v1/explain", "POST", {"text": "a" * 60_000}),
        *((path, "GET", None) for path in (
            "/metrics", "/api/v1/report", "/api/v1/findings", "/api/v1/hosts", "/", "/hosts", "/findings", "/findings?q=*a*b*c*",
            "/readiness?to=linux/arm64", "/images", "/trail", "/scanner", "/api/v1/openapi.json", "/api/v1/sd/prometheus",
        )),
    ]  # fmt: skip


def measured(rounds: int) -> Slices:
    """Scan and ask so many times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with HostileFleet(folder).running() as (ports, addresses):
            listen = f"127.0.0.1:{free_port()}"
            path, asker = configured(folder, ports, addresses, listen), soak.Asker(f"http://{listen}")
            told = folder / "slices"
            daemon = Daemon.start(
                [sys.executable, "-m", "tests.faults.slices", told, "serve", "--config", path], folder,
                lambda: asker.ask("/-/healthy")[0] == 200, None,
            )  # fmt: skip
            try:
                told.write_text("")  # what it does before it serves nobody waits for
                for _ in range(rounds):
                    _one(asker, questions(addresses["web"]))
            finally:
                log = daemon.log.read_text(errors="replace")
                daemon.stop()
            lines = [json.loads(line) for line in told.read_text().splitlines()]
    assert "Traceback" not in log, log[-3000:]
    return Slices(
        rounds,
        tuple(
            sorted(((one["seconds"], [*one["seen"], ("collecting", one["collecting"])]) for one in lines), reverse=True)
        ),
    )


def _one(asker: soak.Asker, asked: list[tuple[str, str, object]]) -> None:
    with ThreadPoolExecutor(ASKERS) as askers:
        scan = askers.submit(asker.round, asked[0][2]["images"][0])
        for status, _ in askers.map(lambda one: asker.ask(*one), asked):
            assert status < 500 or status == 503
        scan.result()


if __name__ == "__main__":
    found = measured(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
    print(f"{len(found.long)} slices of more than 50 ms in {found.rounds} rounds")
    for seconds, seen in found.long[:40]:
        print(f"{seconds:.3f}", *(f"    {times} {where}" for where, times in seen), sep="\n")
