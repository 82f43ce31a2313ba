"""A service that is stopped, reloaded, besieged, shown a thousand hosts which are all hostile: what it takes and lets pass."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults import hostile_service, soak
from tests.faults.test_bombs import BOMBS
from tests.faults.test_fleet_faults import FAULTS
from tests.real import command
from tests.real.process import Daemon, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

STOP_WITHIN_S = 10.0
OTHER = "u" * 43
BAD = "inventory: [{kind: static"
HOSTS = 1000
DEADLINE_S = 60
SPARE_S = 5.0
MORE_MIB = 64.0
BESIEGED_S = 12.0
"""Slow clients are closed after ten seconds."""


@dataclass
class Running:
    """One service on this machine."""

    folder: Path
    document: dict
    asker: soak.Asker
    daemon: Daemon | None = None

    def write(self) -> None:
        """Its configuration, as it is now."""
        (self.folder / "archscan.yml").write_text(json.dumps(self.document))

    def start(self) -> None:
        """Start it; it answers."""
        words = ("serve", "--config", self.folder / "archscan.yml")
        self.daemon = command.daemon(*words, folder=self.folder, ready=lambda: self.asker.ask("/-/healthy")[0] == 200)

    def stop(self) -> float:
        """SIGTERM; the seconds to its end."""
        began = time.monotonic()
        self.daemon.process.send_signal(signal.SIGTERM)
        self.daemon.process.wait(60)
        took_s = time.monotonic() - began
        self.daemon.stop()
        log = self.daemon.log.read_text(errors="replace")
        assert "Traceback" not in log, log[-3000:]
        return took_s


@contextmanager
def prepared(**sections: object) -> Iterator[Running]:
    """A service over this machine, not started yet."""
    with tempfile.TemporaryDirectory() as name, command.parent():
        folder, listen = Path(name), f"127.0.0.1:{free_port()}"
        for file, text in (("token", soak.TOKEN), ("other", OTHER)):
            (folder / file).write_text(text)
            (folder / file).chmod(0o600)
        token = {"name": "soak", "token_file": "token", "scopes": ["read", "gate", "operate"]}
        document = {
            "inventory": [{"kind": "local", "name": "box"}],
            "scan": {"interval": "1h", "deadline": "30s"},
            "ssh": {"connect_timeout": "5s", "probe_timeout": "15s"},
            "store": {"url": f"sqlite:///{folder}/archscan.db"},
            "web": {"listen": listen, "tokens": [token]},
            **sections,
        }
        made = Running(folder, document, soak.Asker(f"http://{listen}"))
        made.write()
        yield made


def stopped(times: int, seed: int) -> list[float]:
    """Stop services in the midst of a scan of plans that are bombs; the seconds that each took."""
    chance, took_s = random.Random(seed), []
    with prepared(plans={"directory": "plans"}) as service:
        for number, (name, content) in enumerate(BOMBS.values()):
            where = service.folder / f"plans/box/{number}"
            where.mkdir(parents=True)
            (where / name).write_text(content)
        for _ in range(times):
            service.start()
            service.asker.ask("/api/v1/scans", "POST", {})
            time.sleep(chance.uniform(0.0, 1.0))
            took_s.append(service.stop())
    return took_s


def reloaded(times: int) -> Counter[str]:
    """Reload good and bad configurations in turn; how often what is in force was the last good one, or not."""
    with prepared() as service:
        service.start()
        first, found = service.document["web"]["tokens"][0], Counter()
        other = {"name": "other", "token_file": "other", "scopes": ["read"]}
        guest = soak.Asker(service.asker.url, OTHER)
        for number in range(times):
            is_good, is_let_in = number % 2 == 0, number % 4 < 2
            service.document["web"]["tokens"] = [first, other] if is_let_in else [first]
            service.write()
            if not is_good:
                (service.folder / "archscan.yml").write_text(BAD)
            status = service.asker.ask("/-/reload", "POST")[0]
            lets_in = guest.ask("/api/v1/hosts")[0] != 401
            found["as it must be" if (status, lets_in) == (200 if is_good else 422, is_let_in) else "not"] += 1
        service.stop()
    return found


def besieged(clients: int) -> tuple[float, int]:
    """Half a request from each of so many clients: the slowest answer of health, how many were closed in time."""
    with prepared() as service:
        service.start()
        address = ("127.0.0.1", int(service.asker.url.rpartition(":")[2]))
        opened = [socket.create_connection(address, timeout=10) for _ in range(clients)]
        slowest, over = 0.0, time.monotonic() + BESIEGED_S
        for one in opened:
            one.sendall(b"GET / HTTP/1.1\r\nHost: local")
        while (began := time.monotonic()) < over:
            assert service.asker.ask("/-/healthy")[0] == 200
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.03)
        closed = 0
        for one in opened:
            with one:
                one.settimeout(1.0)
                closed += one.recv(100) == b""
        service.stop()
    return slowest, closed


@dataclass(frozen=True)
class Fleet:
    """A scan of hosts that are all hostile: seconds, MiB over idle, slices of the loop of over 50 ms, of how many at least."""

    hosts: int
    took_s: float
    grown_mib: float
    long: int
    of: int


def thousand() -> Fleet:
    """Scan a thousand hosts, each with one of the faults.

    Raises:
        AssertionError: it did not end at its deadline, or used more than it may.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with hostile_service.HostileFleet(folder, crowd=0).running() as (ports, addresses):
            listen = f"127.0.0.1:{free_port()}"
            faults = [each for each in FAULTS if each in ports]
            fleet = {f"h{number}": ports[faults[number % len(faults)]] for number in range(HOSTS)}
            path, asker = _with(folder, fleet, addresses, listen), soak.Asker(f"http://{listen}")
            slices = folder / "slices"
            daemon = Daemon.start(
                [sys.executable, "-m", "tests.faults.slices", slices, "serve", "--config", path], folder,
                lambda: asker.ask("/-/healthy")[0] == 200, {**os.environ, "PYTHONPATH": str(command.ROOT)},
            )  # fmt: skip
            try:
                slices.write_text("")
                pid = daemon.process.pid
                idle = _kib(pid, "VmRSS")
                Path(f"/proc/{pid}/clear_refs").write_text("5")  # the highest is from now on
                began = time.monotonic()
                asker.scan()
                took_s = time.monotonic() - began
                grown_mib = (_kib(pid, "VmHWM") - idle) / 1024
                hosts = json.loads(asker.ask("/api/v1/report")[1])["hosts"]
            finally:
                log = daemon.log.read_text(errors="replace")
                daemon.stop()
            long = [json.loads(line)["of"] for line in slices.read_text().splitlines()]
    assert "Traceback" not in log, log[-3000:]
    assert took_s < DEADLINE_S + SPARE_S, f"took {took_s:.1f} s"
    assert grown_mib < MORE_MIB, f"{grown_mib:.0f} MiB over idle"
    return Fleet(len(hosts), took_s, grown_mib, len(long), max(long, default=0))


def _with(folder: Path, fleet: dict[str, int], addresses: dict[str, str], listen: str) -> Path:
    """Each host has an account of its own, so that those behind one port stay several."""
    path = hostile_service.configured(folder, fleet, addresses, listen)
    document = json.loads(path.read_text())
    for name, host in document["inventory"][0]["hosts"].items():
        host |= {"user": name, "planned": []}
    document["scan"] |= {"deadline": f"{DEADLINE_S}s", "interval": "1h"}
    document.pop("plans")
    path.write_text(json.dumps(document))
    return path


def _kib(pid: int, what: str) -> int:
    told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(told[what].split()[0])
