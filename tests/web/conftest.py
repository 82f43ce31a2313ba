import asyncio
import fnmatch
import hashlib
import secrets
from dataclasses import replace

import httpx
import pytest

from scanner.domain.decision import Decision
from scanner.domain.facts import Binfmt, BinfmtEntry, Engine, EngineKind, EngineState, Stage
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.plan import Plan
from scanner.domain.report import Report
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.verdict.verdict import Evidence, Fix
from scanner.metrics import Metrics
from scanner.service.answers import (
    Checked,
    Probed,
    Readiness,
    Refusal,
    RefusalReason,
    Reloaded,
)
from scanner.service.gate.admission import Admitted
from scanner.service.gate.question import Destination
from scanner.service.history import Day, PastScan
from scanner.service.platform_moves import PlatformMoves
from scanner.service.recording import Recording
from scanner.service.scan_queue import QueueFullError, ScanQueue
from scanner.settings.schema import Settings
from scanner.store.findings import Architecture
from scanner.web.api.app import create_app, prepare
from scanner.web.http.access import Access, Scope, Token
from tests import builders
from tests.builders import AMD64, ARM64

NOW = 1_780_000_000.0


def reading(name, platform=AMD64, failed=None, **kernel):
    if failed:
        return builders.unread(
            name,
            failed,
            "no answer within 10 s",
            labels={"site": "berlin"},
            taken_at=NOW - 60,
            last_success_at=NOW - 7300,
        )
    qemu = Binfmt(True, (BinfmtEntry("qemu-aarch64", True, "/usr/bin/qemu-aarch64", "F"),))
    known = builders.host_facts(
        name,
        platform,
        gaps={"containerd": Failure(Reason.ENGINE_DENIED, "not allowed to ask containerd")} if name == "edge-1" else {},
        engines=(builders.docker(platform, "28.1.1"), Engine(EngineKind.PODMAN, EngineState.ABSENT)),
        release="6.1.0-28",
        userland_bits=64,
        page_size=4096,
        **{"ia32": None, "binfmt": qemu, **kernel},
    )
    known = replace(
        known,
        discrepancies=("kernel says arm64, userland is 32 bit",) if name == "edge-1" else (),
        os_release="Debian GNU/Linux 12 (bookworm)",
    )
    return builders.read_host(known, labels={"team": "web"}, taken_at=NOW - 60, last_success_at=NOW - 60)


def finding(host, name, reason, image, platform=AMD64, offered=(AMD64, ARM64), stage=Stage.RUNNING, age=7200.0, **more):
    fix = Fix()
    if reason is not Reason.NATIVE:
        build = f"docker buildx build --platform linux/amd64,linux/arm64 --tag {image} --push ."
        fix = Fix(f"Build {image} for the platforms of all its hosts.", (build,))
    said = {
        "detail": more.pop("detail", ""),
        "evidence": (Evidence("host", str(platform)), Evidence("index", ", ".join(map(str, offered)) or "nothing")),
        "fix": fix,
        "offered": offered,
        "digest": "sha256:" + hashlib.sha256(image.encode()).hexdigest(),
    }
    of = builders.workload(name, image, stage, host=host)
    return builders.finding(reason, of, said, host_platform=platform, first_seen=NOW - age, **more)


def a_report():
    hosts = (
        reading("web-1"),
        reading("web-2"),
        reading("edge-1", ARM64, aarch32=True),
        reading("edge-2", failed=Reason.HOST_TIMEOUT),
    )
    findings = (
        finding("web-1", "api", Reason.NATIVE, "registry.example:5000/shop/api:1.4"),
        finding("web-2", "api", Reason.NATIVE, "registry.example:5000/shop/api:1.4"),
        finding(
            "edge-1",
            "api",
            Reason.PLATFORM_MISSING,
            "registry.example:5000/shop/worker:2.0",
            ARM64,
            (AMD64,),
            detail="offers linux/amd64, this host runs linux/arm64",
        ),
        finding("edge-1", "agent", Reason.WRONG_BINARY, "ghcr.io/acme/agent:7", ARM64, (AMD64, ARM64), Stage.STOPPED, 300.0,
                detail="/usr/bin/agent is an x86-64 binary although the index says linux/arm64"),
        finding("web-1", "cron", Reason.CRLF_SHEBANG, "registry.example:5000/shop/cron:3", detail="/entrypoint.sh begins with '#!/bin/sh\\r'"),
        finding("web-2", "report", Reason.EMULATED, "old/report:1", offered=(ARM64,)),
        finding("web-2", "backup", Reason.IMAGE_RATE_LIMITED, "docker.io/library/backup:1", offered=()),
        finding("web-1", '"><script>alert(1)</script>', Reason.PLATFORM_LOST, "legacy/{{7*7}}:1", stage=Stage.PLANNED),
    )  # fmt: skip
    return Report("scan-1", NOW - 70, NOW - 60, hosts, findings)


class FakeHistory:
    """A month that got worse, then better; one host that was something else."""

    async def days(self):
        return [
            Day(NOW - day * 86400, 4, dict.fromkeys(Status, 0) | {Status.MISMATCH: day % 7, Status.DEGRADED: day % 3})
            for day in range(29, -1, -1)
        ]

    async def scans(self, limit):
        return [PastScan("scan-1", NOW - 70, NOW - 60, True, 4, dict.fromkeys(Status, 1))]

    async def platform_changes(self, host):
        if host != "edge-1":
            return []
        return [
            Architecture("linux/arm64", "linux/amd64", NOW - 86400),
            Architecture("linux/amd64", "linux/arm/v7", NOW - 9 * 86400),
        ]


class FakeRollbacks:
    """None was ever planned."""

    async def plan(self, host, workload, to, by, *, dry_run=False):
        return Refusal(RefusalReason.WORKLOAD_NOT_FOUND, f"{host} has no container {workload!r}")

    async def confirm(self, rollback_id, by, *, accept_cautions=False):
        return Refusal(RefusalReason.ROLLBACK_NOT_FOUND, "there is no such rollback")

    async def step(self, rollback_id, step, detail, by):
        return await self.confirm(rollback_id, by)

    async def end(self, rollback_id, outcome, detail, by):
        return await self.confirm(rollback_id, by)

    async def releases(self, host, workload=""):
        return []

    def all(self):
        return []

    def find(self, rollback_id):
        return None


class FakeOverrides:
    """Nobody answers for anything yet."""

    def __init__(self):
        self.given = {}

    async def in_force(self):
        return tuple(self.given.values())

    async def add(self, wanted, by):
        added = replace(wanted, id=secrets.token_hex(4))
        self.given[added.id] = added
        return added

    async def delete(self, override_id, by):
        return self.given.pop(override_id, None) is not None


class FakeAdmission:
    """Every pod may be made."""

    async def review(self, namespace, body, by):
        return Admitted(allowed=True)


class FakeService:
    """The smallest service that behaves, all use cases in one: real values, a real queue, no hosts."""

    def __init__(self):
        self.rollbacks = FakeRollbacks()
        self.overrides, self.admission = FakeOverrides(), FakeAdmission()
        self.publication = self.reloading = self.scans = self
        self.gate = self.waivers = self.health = self.probe = self
        self.recording = Recording(None, lambda: NOW)
        self.history = FakeHistory()
        self.moves = PlatformMoves(self, self, None, None)
        self.settings = Settings.default()
        self.store_error = ""
        self.latest = a_report()
        self.asked = []
        self.given = {}
        self.finish = asyncio.Event()
        self.queue = ScanQueue(self._run)
        self.good_config = True
        self.policy = {
            Status.OK: Decision.ALLOW,
            Status.EMULATED: Decision.WARN,
            Status.DEGRADED: Decision.WARN,
            Status.UNKNOWN: Decision.HOLD,
        }
        self.broken = False

    async def _run(self, request):
        self.queue.progress(request.id, 1, request.total)
        await self.finish.wait()
        return self.latest

    def report(self):
        if self.broken:
            raise RuntimeError("secret inside")
        return self.latest

    def hosts(self):
        return [Host(r.name, "10.0.0.1", labels=r.labels) for r in a_report().hosts]

    def ready(self):
        return Readiness(self.latest is not None, "" if self.latest else "the first scan has not ended yet")

    def healthy(self):
        return Readiness(True)

    def reload(self, by):
        self.asked.append(("reload", by))
        return Reloaded(self.good_config, "" if self.good_config else "archscan.yml:3: unknown key")

    def _matching(self, patterns):
        names = [host.name for host in self.hosts()]
        return tuple(n for n in names if not patterns or any(fnmatch.fnmatchcase(n, p) for p in patterns))

    async def request(self, patterns, by):
        self.asked.append(("scan", by))
        hosts = self._matching(patterns)
        if not hosts:
            return Refusal(RefusalReason.HOST_NOT_IN_INVENTORY, "no inventory host matches")
        known = set(self.queue._entries)
        try:
            request = self.queue.request(hosts, by)
        except QueueFullError as full:
            return Refusal(RefusalReason.TOO_MANY_SCANS, str(full), full.retry_after_s)
        return replace(request, joined=request.id in known)

    def find(self, request_id):
        return self.queue.find(request_id)

    def watch(self, request_id):
        return self.queue.watch(request_id)

    async def check(self, images, hosts, platform, by):
        return await self.ask_files(tuple(map(Plan, images)), {}, Destination(hosts), by)

    async def ask_files(self, images, files, destination, by):
        images, hosts = tuple(plan.image for plan in images), destination.hosts
        self.asked.append(("check", by))
        if self.latest is None:
            return Refusal(RefusalReason.NOT_READY, "the first scan has not ended yet", 10)
        if hosts and not self._matching(hosts):
            return Refusal(RefusalReason.HOST_NOT_IN_INVENTORY, "no inventory host matches")
        found = tuple(f for f in self.latest.findings if f.workload.image in images)
        if not found:
            return Refusal(RefusalReason.REGISTRY_NOT_ALLOWED, "this registry is not configured")
        decision = self.policy.get(found[0].verdict.status, Decision.DENY)
        return Checked(replace(self.latest, hosts=(), findings=found), decision)

    async def scan(self, target, deadline_s, by):
        self.asked.append(("probe", by))
        known = next((r for r in self.latest.hosts if r.name == target), None)
        if known is None:
            return Refusal(RefusalReason.HOST_NOT_IN_INVENTORY, f"{target!r} is not in the inventory")
        if target == "web-2":
            await asyncio.sleep(3600)
        failed = isinstance(known.reading, Failure)
        shown = replace(known, last_success_at=None) if failed else known
        return Probed(replace(self.latest, hosts=(shown,), findings=()), ("connected", "read 2 KiB"))

    async def in_force(self):
        return list(self.given.values())

    async def add(self, waiver, by):
        added = replace(waiver, id=secrets.token_hex(4))
        self.given[added.id] = added
        return added

    async def delete(self, waiver_id, by):
        if waiver_id == "from-config":
            return Refusal(RefusalReason.WAIVER_INVALID, "it stands in the configuration file")
        return self.given.pop(waiver_id, None) is not None


TOKENS = {scope: f"{scope}-{'x' * 40}" for scope in ("read", "gate", "operate", "rollback", "rollback_agent")}


@pytest.fixture
def tokens():
    return dict(TOKENS)


@pytest.fixture
def token_list():
    return [
        Token(f"{scope}er", hashlib.sha256(text.encode()).hexdigest(), frozenset({Scope(scope)}))
        for scope, text in TOKENS.items()
    ]


@pytest.fixture
async def service():
    made = FakeService()
    yield made
    await made.queue.close()


@pytest.fixture
def metrics():
    return Metrics("0.1.0")


_READY = []
"""What FastAPI makes of the routes: a quarter of a second of a processor for each application, the same for all of them."""


def ready_app(service, metrics, access, **more):
    """An application of its own state; its routes, which hold none, are made ready once for all."""
    app = create_app(service, metrics, access, **more)
    if not _READY:
        prepare(app)
        _READY.extend(app.router.routes)
    app.router.routes[:] = _READY
    return app


@pytest.fixture
def app_with(service, metrics):
    def make(access=None):
        service.app = ready_app(service, metrics, access or Access(), version="0.1.0", clock=lambda: NOW)
        return service.app

    return make


@pytest.fixture
async def client_of():
    opened = []

    def make(app, token=None, base_url="http://localhost:9719"):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=base_url, headers=headers)
        opened.append(client)
        return client

    yield make
    for client in opened:
        await client.aclose()


@pytest.fixture
def client(client_of, app_with):
    """Anybody on loopback, no tokens configured."""
    return client_of(app_with())


@pytest.fixture
def as_(client_of, app_with, token_list):
    """A caller with the token of one scope."""
    app = app_with(Access(token_list))
    return lambda scope: client_of(app, TOKENS[scope] if scope else None)
