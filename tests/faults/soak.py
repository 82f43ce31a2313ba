"""Keeps ``archscan serve`` busy with hosts that come, go and change: ``python -m tests.faults.soak --minutes 10``.

What it uses of memory, its resident set, its descriptors must be flat by slope over the second half of the scans; the first
half fills caches, and it lasts until all is full that is kept of scans, however slow they are. The resident set tells of what is needed for a moment only, but more of it with each scan.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import asyncssh

from scanner.service.scan_queue import KEPT_REQUESTS
from tests.faults import fleet
from tests.faults.fleet import build
from tests.real.process import Daemon, free_port, until

HOSTS = 30
LISTED = 22
"""In the inventory at a time, always as many, others from time to time: more hosts need more memory, which is no growth."""

MAX_CONTAINERS = 20
LEAST = 2 * KEPT_REQUESTS
"""Scans: the service remembers so many of them, each some ten KiB, that the first half of the fewest only fills its memory."""

ASKED = 20
"""Images that the gate is asked about: it remembers what it said of each of 20,000."""

MEMORY_SLOPE_KIB = 8.0
"""Of one scan, at most, of bytes in use: as many scans are remembered at the end as after the first half."""

RESIDENT_SLOPE_KIB = 40.0
"""Of one scan, at most, of what the system has given: by a megabyte more or less from one moment to the next."""

DESCRIPTOR_SLOPE = 0.02
"""Of one scan, at most, beside the connections that are kept to hosts which answered: 1,000 in a month of scans an hour."""

TOKEN = "t" * 43


@dataclass(frozen=True)
class Sample:
    """How the service stood after so many scans."""

    scans: int
    used_kib: int
    resident_kib: int
    answered: int
    descriptors: int
    threads: int


class Churning:
    """Hosts which say something else each time; now and then one says nothing."""

    def __init__(self, seed: int, registry: str) -> None:
        self.dice, self.registry, self.made = random.Random(seed), registry, 0
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.ports: list[int] = []
        self._servers: list[asyncssh.SSHAcceptor] = []

    async def start(self) -> None:
        """All of them listen."""
        for _ in range(HOSTS):
            server = await asyncssh.create_server(
                lambda: fleet._Account(accepts=True), "127.0.0.1", 0, encoding=None, config=None, server_host_keys=[self.key],
                process_factory=self._act,
            )  # fmt: skip
            self._servers.append(server)
            self.ports.append(server.get_port())

    async def _act(self, process: asyncssh.SSHServerProcess) -> None:
        with contextlib.suppress(asyncssh.Error, OSError, asyncssh.BreakReceived):
            await process.stdin.read()
            if self.dice.random() < 0.05:
                process.exit(1)
                return
            containers = self._containers()
            await fleet.told(process.stdout, build.framed(fleet.answer(**build.docker("amd64", containers=containers))))
            process.exit(0)

    def _containers(self) -> tuple[str, ...]:
        found = []
        for _ in range(self.dice.randint(0, MAX_CONTAINERS)):
            self.made += 1
            ref = f"{self.registry}/app-{self.made % 500}:1"
            found.append(build.container(self.made, name=f"c-{self.made}", ref=ref))
        return tuple(found)


class Asker:
    """Somebody with a token and a page open."""

    def __init__(self, url: str, token: str = TOKEN) -> None:
        self.url, self.token = url, token

    def ask(self, path: str, method: str = "GET", body: object = None) -> tuple[int, str]:
        """Status and body."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def scan(self) -> None:
        """One scan to its end."""
        status, text = self.ask("/api/v1/scans", "POST", {})
        assert status == 202, text
        path = f"/api/v1/scans/{json.loads(text)['id']}"
        while json.loads(self.ask(path)[1])["state"] not in {"done", "failed"}:
            time.sleep(0.1)

    def round(self, image: str) -> int:
        """One scan with what people ask beside it; how many hosts answered."""
        self.scan()
        for each in ("/metrics", "/api/v1/findings", "/", "/hosts", "/findings"):
            assert self.ask(each)[0] in {200, 303}, each
        self.ask("/api/v1/check", "POST", {"images": [image], "hosts": ["*"]})
        return sum(bool(host["facts"]) for host in json.loads(self.ask("/api/v1/report")[1])["hosts"])


def sampled(pid: int, told_of: Path, scans: int, answered: int) -> Sample:
    """The process now; descriptors beside the connections to hosts that answered."""
    os.kill(pid, signal.SIGUSR2)
    used = int(until(lambda: told_of.exists() and told_of.read_text(), "what it uses"))
    told_of.unlink()
    told = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    resident = int(told["VmRSS"].split()[0])
    return Sample(scans, used >> 10, resident, answered, descriptors - answered, int(told["Threads"]))


def slope(samples: list[Sample], what: str) -> float:
    """What one scan adds, by the medians of both ends' thirds: a peak that one sample caught tells nothing."""
    third = max(1, len(samples) // 3)
    first, last = samples[:third], samples[-third:]
    middle = [statistics.median(one.scans for one in part) for part in (first, last)]
    value = [statistics.median(getattr(one, what) for one in part) for part in (first, last)]
    return (value[1] - value[0]) / max(1.0, middle[1] - middle[0])


def configured(folder: Path, ports: list[int], registry: str, listen: str) -> Path:
    """The inventory as it is now, in one file with everything else."""
    hosts = {f"h{port}": {"address": "127.0.0.1", "port": port} for port in ports}
    listed = {registry: {"plain_http": True, "allow_networks": ["127.0.0.0/8"]}}
    document = {
        "inventory": [{"kind": "static", "hosts": hosts}],
        "ssh": {"identity_file": "id", "known_hosts_file": "known_hosts", "user": "scan"},
        "registries": {"only_listed": True, **listed},
        "scan": {"interval": "1h", "deadline": "60s", "allow_shrink": True},
        "store": {"url": f"sqlite:///{folder}/archscan.db"},
        "web": {
            "listen": listen,
            "tokens": [{"name": "soak", "token_file": "token", "scopes": ["read", "gate", "operate"]}],
        },
    }
    path = folder / "archscan.yml"
    path.write_text(json.dumps(document))
    return path


def soaked(folder: Path, minutes: float, seed: int) -> list[Sample]:
    """The samples, one a scan."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    registry = fleet.Registry(lambda _method, target: fleet.whole(target, fleet.IMAGE))
    address = asyncio.run_coroutine_threadsafe(registry.start(), loop).result()
    hosts = Churning(seed, address)
    asyncio.run_coroutine_threadsafe(hosts.start(), loop).result()
    (folder / "id").write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    public = hosts.key.export_public_key().decode().strip()
    (folder / "known_hosts").write_text("".join(f"[127.0.0.1]:{port} {public}\n" for port in hosts.ports))
    (folder / "token").write_text(TOKEN)
    for name in ("id", "token"):
        (folder / name).chmod(0o600)
    listen = f"127.0.0.1:{free_port()}"
    path, asker, dice = (
        configured(folder, hosts.ports[:LISTED], address, listen),
        Asker(f"http://{listen}"),
        random.Random(seed),
    )
    used = folder / "used"
    daemon = Daemon.start(
        [sys.executable, "-m", "tests.faults.inside", used, "serve", "--config", path], folder, lambda: asker.ask("/-/healthy")[0] == 200, None
    )  # fmt: skip
    samples: list[Sample] = []
    try:
        over = time.monotonic() + minutes * 60
        while time.monotonic() < over or len(samples) < LEAST:
            answered = asker.round(f"{address}/app-{dice.randrange(ASKED)}:1")
            samples.append(sampled(daemon.process.pid, used, len(samples), answered))
            if len(samples) % 10 == 0:
                print(samples[-1], flush=True)
            if dice.random() < 0.2:
                configured(folder, dice.sample(hosts.ports, LISTED), address, listen)
                asker.ask("/-/reload", "POST")
    finally:
        log = daemon.log.read_text(errors="replace")
        daemon.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
    assert "Traceback" not in log, log[-3000:]
    return samples


def main() -> int:
    """Soak, then say what grew."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--minutes", type=float, default=10.0)
    words.add_argument("--seed", type=int, default=1)
    said = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples = soaked(Path(folder), said.minutes, said.seed)
    half = samples[len(samples) // 2 :]
    memory, descriptors, resident = (slope(half, what) for what in ("used_kib", "descriptors", "resident_kib"))
    last = samples[-1]
    print(f"{len(samples)} scans of {LISTED} out of {HOSTS} churning hosts, seed {said.seed}: "
          f"{last.used_kib / 1024:.1f} MiB used, {memory:+.1f} KiB a scan; "
          f"{last.resident_kib / 1024:.0f} MiB resident, {resident:+.0f} KiB a scan; "
          f"{last.descriptors} descriptors beside kept connections, {descriptors:+.3f} a scan; {last.threads} threads")  # fmt: skip
    return int(memory > MEMORY_SLOPE_KIB or resident > RESIDENT_SLOPE_KIB or descriptors > DESCRIPTOR_SLOPE)


if __name__ == "__main__":
    sys.exit(main())
