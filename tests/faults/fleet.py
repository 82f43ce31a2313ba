"""A healthy fleet on loopback with hosts and images that have faults; what must hold whatever the faults are.

Everything of archscan is real from the settings to the report, so are SSH and HTTP; only what the hosts answer is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.util
import io
import json
import os
import struct
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import asyncssh

from scanner.app import wiring
from scanner.app.adapters import AdapterContext, Adapters
from scanner.cli.options import Format
from scanner.cli.output import output
from scanner.domain.failure import Failure
from scanner.domain.report_text import shown
from scanner.domain.verdict.reason import Status
from scanner.metrics.metrics import Metrics
from scanner.service.configuration import limits
from scanner.settings.load import load
from tests.real import leaks
from tests.real.images import ImageFactory
from tests.real.process import free_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scanner.domain.report import Report
    from tests.real.images import Image

_SPEC = importlib.util.spec_from_file_location("build", Path(__file__).parents[1] / "data/hosts/build.py")
build = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(build)

HEALTHY = ("good-1", "good-2", "shop")
SHOP = "shop"
"""The host on which the faulty images are planned."""

SECRET = "hunter2-is-the-password"
DEADLINE_S = 20.0
SPARE_S = 5.0
"""From the deadline to the end (the promise of the design)."""


@functools.cache
def patience() -> float:
    """Times as long as on a quiet machine: where more programs want to run than there are cores, each waits for the others.

    As it is when a fleet is first asked for: while tests are collected a machine does not do yet what it does then.
    """
    return min(5.0, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))


PROGRAM = (
    b"\x7fELF\x02\x01\x01" + bytes(9)
    + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 64, 0, 0)
    + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 200, 200, 4096) + bytes(100)
)  # fmt: skip
"""A program for amd64 that needs nothing."""

IMAGE = ImageFactory.image({"app": PROGRAM}, entrypoint=["/app"])
WRONG = ImageFactory.image({"app": PROGRAM, "note": b"another image, lest what is known of the good one serve it"}, entrypoint=["/app"])  # fmt: skip


def answer(**more):
    """What a healthy host says, or one that differs by ``more``."""
    engines = build.docker("amd64")
    return build.host("x86_64", "amd64", build.flags(2), compat=build.X86, engines=engines) | more


async def told(stream: asyncssh.SSHWriter[bytes], raw: bytes) -> None:
    """Write as long as somebody is there: only between two pieces does a server notice that its client has gone."""
    for at in range(0, len(raw), 1 << 15):
        stream.write(raw[at : at + (1 << 15)])
        await stream.drain()
        await asyncio.sleep(0)


@dataclass
class Reply:
    """What the registry says to one path; ``send`` writes it by itself instead."""

    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    send: Callable[[asyncio.StreamWriter], Awaitable[None]] | None = None


class Registry:
    """Serves one image as ``said`` says, which may lie as it likes."""

    def __init__(self, said: Callable[[str, str], Reply | None]) -> None:
        self._said = said
        self.seen: list[str] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> str:
        """Listen; the address."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return f"127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """End every connection."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.add(asyncio.current_task())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._answered(reader, writer):
                pass
        writer.transport.abort()

    async def _answered(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        method, target, _ = head.split("\r\n", 1)[0].split(" ")
        self.seen.append(head)
        said = Reply(body=b"{}") if target in {"/v2/", "/v2"} else self._said(method, target)
        if said.send is not None:
            await said.send(writer)
            return False
        told = {"Content-Length": str(len(said.body)), **said.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
        writer.write(f"HTTP/1.1 {said.status}\r\n{lines}\r\n".encode("latin-1"))
        if method != "HEAD":
            writer.write(said.body)
        await writer.drain()
        return True


def whole(target: str, image: Image = WRONG) -> Reply:
    """An image's part at a path, whatever repository that names."""
    name = target.rpartition("/")[2]
    parts = (image.config, *image.layers)
    document = image.manifest if "/manifests/" in target else next(each for each in parts if each.digest == name)
    headers = {"Content-Type": document.media_type, "Docker-Content-Digest": document.digest}
    return Reply(headers=headers, body=document.body)


class _Account(asyncssh.SSHServer):
    def __init__(self, accepts: bool) -> None:
        self._accepts = accepts

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: object) -> bool:
        return self._accepts


@dataclass
class Fault:
    """One way in which something is wrong, with a host or an image.

    ``host`` is what the host's command does; ``raw`` a listener instead of its SSH server; ``ssh`` options of that server;
    ``sections`` what its answer has beside a healthy one; ``known`` whose key known_hosts has; ``image`` what a registry
    says of an image of its own.
    """

    host: Callable[[asyncssh.SSHServerProcess], Awaitable[None]] | None = None
    raw: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]] | None = None
    ssh: dict[str, object] = field(default_factory=dict)
    accepts: bool = True
    known: str = "own"
    image: Callable[[str, str], Reply | None] | None = None
    sections: dict[str, object] = field(default_factory=dict)
    is_closed: bool = False


@dataclass
class Outcome:
    """What one scan came to."""

    report: Report
    bugs: list[str]
    log: str
    took_s: float
    seen: list[str]
    left: list[str] = field(default_factory=list)

    def host(self, name: str):
        """The reading of a host."""
        return next(each for each in self.report.hosts if each.name == name)

    def finding(self, host: str, workload: str):
        """The verdict on a workload."""
        return next(
            each for each in self.report.findings if (each.workload.host, each.workload.name) == (host, workload)
        )


class _Hosts:
    """The SSH servers of the fleet, one a host."""

    def __init__(self, folder: Path) -> None:
        self.key, self.other = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
        (folder / "id").write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
        (folder / "id").chmod(0o600)
        self.ports: dict[str, int] = {}
        self.known: list[str] = []
        self._servers: list[asyncio.Server | asyncssh.SSHAcceptor] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self, name: str, fault: Fault) -> None:
        """One host."""
        if fault.is_closed:
            port = free_port()  # one that was listened on may be given to the next who listens
        else:
            server, port = await (self._listener(fault) if fault.raw else self._sshd(fault))
            self._servers.append(server)
        self.ports[name] = port
        key = self.other if fault.known == "other" else self.key
        if fault.known != "unknown":
            self.known.append(f"[127.0.0.1]:{port} {key.export_public_key().decode().strip()}\n")

    async def _listener(self, fault: Fault) -> tuple[asyncio.Server, int]:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._tasks.add(asyncio.current_task())
            self._writers.append(writer)
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await fault.raw(reader, writer)
            writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        return server, server.sockets[0].getsockname()[1]

    async def _sshd(self, fault: Fault) -> tuple[asyncssh.SSHAcceptor, int]:
        async def act(process: asyncssh.SSHServerProcess) -> None:
            self._tasks.add(asyncio.current_task())
            with contextlib.suppress(asyncssh.Error, OSError, asyncssh.BreakReceived, asyncio.CancelledError):
                if fault.host is not None:
                    await fault.host(process)
                    return
                await process.stdin.read()
                await told(process.stdout, build.framed(answer(**fault.sections)))
                process.exit(0)

        server = await asyncssh.create_server(
            lambda: _Account(fault.accepts), "127.0.0.1", 0, encoding=None, config=None, process_factory=act,
            **{"server_host_keys": [self.key], **fault.ssh},
        )  # fmt: skip
        return server, server.get_port()

    async def stop(self) -> None:
        """End every connection."""
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()
        for server in self._servers:
            await server.wait_closed()


async def scanned(folder: Path, faults: Mapping[str, Fault], log: Callable[[], str]) -> Outcome:
    """Scan the fleet once with these faults in it; each is a host, or a workload of ``SHOP``, of its name."""
    hosts, registries = _Hosts(folder), {"web": Registry(lambda _method, target: whole(target, IMAGE))}
    registries |= {name: Registry(fault.image) for name, fault in faults.items() if fault.image}
    bugs: list[str] = []
    try:
        for name in HEALTHY:
            await hosts.start(name, Fault())
        for name, fault in faults.items():
            if not fault.image:
                await hosts.start(name, fault)
        addresses = {name: await registry.start() for name, registry in registries.items()}
        (folder / "known_hosts").write_text("".join(hosts.known))
        settings = load(_configured(folder, hosts.ports, addresses), {})
        adapters = Adapters(settings, AdapterContext("test"))
        began = time.monotonic()
        try:
            with adapters.one_scan():
                scanner = adapters.scanner(limits(settings, None), on_bug=bugs.append)
                report = await scanner.scan(wiring.hosts(settings).hosts)
            took_s = time.monotonic() - began
        finally:
            await adapters.close()
    finally:
        await hosts.stop()
        for registry in registries.values():
            if registry.port:
                await registry.stop()
    return Outcome(report, bugs, log(), took_s, [head for each in registries.values() for head in each.seen])


def _configured(folder: Path, ports: dict[str, int], addresses: dict[str, str]) -> Path:
    planned = {name: {"image": f"{address}/app:1", "workload": name} for name, address in addresses.items()}
    hosts = {
        name: {
            "address": "127.0.0.1",
            "port": port,
            "planned": list(planned.values()) if name == SHOP else [planned["web"]],
        }
        for name, port in ports.items()
    }
    registry = {
        "plain_http": True, "allow_networks": ["127.0.0.0/8"], "username": "u", "password": SECRET, "early_stop": False,
    }  # fmt: skip
    document = {
        "inventory": [{"kind": "static", "hosts": hosts}],
        "ssh": {
            "identity_file": "id", "known_hosts_file": "known_hosts", "user": "scan",
            "connect_timeout": f"{int(2000 * patience())}ms", "probe_timeout": f"{int(4000 * patience())}ms", "max_output": "1MiB", "keep_connections": False,
        },
        "registries": {"timeout": f"{int(2000 * patience())}ms", "only_listed": True, **dict.fromkeys(addresses.values(), registry)},
        "scan": {"deadline": f"{int(DEADLINE_S * patience() * 1000)}ms", "interval": "1h"},
    }  # fmt: skip
    path = folder / "archscan.yml"
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return path


def run(folder: Path, faults: Mapping[str, Fault], log: Callable[[], str]) -> Outcome:
    """``scanned`` in a loop of its own, with what it left behind."""
    leaks._pending.clear()
    threads, descriptors, children = leaks._threads(), leaks._descriptors(), leaks._children()
    outcome = asyncio.run(scanned(folder, faults, log))
    outcome.left = [
        *leaks._pending,
        *map(str, leaks._settle(lambda: leaks._threads() - threads)),
        *map(str, leaks._settle(lambda: leaks._descriptors() - descriptors)),
        *map(str, leaks._settle(lambda: leaks._children() - children)),
    ]
    leaks._pending.clear()
    return outcome


def holds(outcome: Outcome, faults: Mapping[str, Fault]) -> None:
    """What must hold whatever the faults are."""
    report = outcome.report
    unwell = [name for name, fault in faults.items() if not fault.image]
    assert sorted(each.name for each in report.hosts) == sorted((*HEALTHY, *unwell)), "one reading a host"
    keys = [
        (each.workload.host, each.workload.name, each.workload.stage, each.workload.image) for each in report.findings
    ]
    assert len(keys) == len(set(keys)), "one verdict a workload"
    for name in HEALTHY:
        assert not isinstance(outcome.host(name).reading, Failure), f"{name} is unaffected"
        assert outcome.finding(name, "web").verdict.status is Status.OK, outcome.finding(name, "web").verdict
    for name in unwell:
        verdict = outcome.finding(name, "web").verdict
        if isinstance(outcome.host(name).reading, Failure):
            assert verdict.status is Status.UNKNOWN, f"{name}: never ok where the host was not read"
    for name in set(faults) - set(unwell):
        assert outcome.finding(SHOP, name).verdict.status is not Status.OK, f"{name}: never falsely ok"
    assert outcome.bugs == [], "no unhandled exception"
    assert outcome.left == [], "tasks, threads, descriptors, children back to the start"
    assert "Traceback" not in outcome.log
    assert outcome.took_s < DEADLINE_S * patience() + SPARE_S, f"took {outcome.took_s:.1f} s"
    everywhere = "".join((outcome.log, *_faces(report)))
    assert SECRET not in everywhere, "no secret in log, metric, page or answer"
    assert "PRIVATE KEY" not in everywhere
    assert not any(SECRET in head for head in outcome.seen), "nobody was asked to log in, so nobody is told"


def _faces(report: Report) -> list[str]:
    """The report as each face shows it; none may stumble over it."""
    found = []
    for form in Format:
        stream = io.StringIO()
        with redirect_stdout(stream):
            output.write(report, form, every=True)
        found.append(stream.getvalue())
    metrics = Metrics("1")
    metrics.prepare(shown(report))
    found.append(metrics.render(shown(report), None)[1].decode())
    return found
