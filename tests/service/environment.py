"""A made-up inventory with a registry, as the service sees them, and what its tests ask of it."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from dataclasses import replace

from scanner.domain.facts import Binfmt, Engine, EngineKind, EngineState, HostFacts, ImageStore, Kernel, Process
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.image.offers import Elf, Executable, FileKind, ImageFacts, Offer, Program
from scanner.domain.image.reference import Digest
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.metrics.metrics import Metrics
from scanner.scan.plans.plans import NO_DEPLOYMENTS
from scanner.scan.scan import Scanner
from scanner.service.configuration import Configuration
from scanner.service.service import Service
from scanner.settings.schema import Settings
from tests import builders
from tests.builders import digest

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
MACHINES = {AMD64: "x86_64", ARM64: "aarch64"}
NOW = 1_700_000_000.0


class Environment:
    """Hosts by address and a registry; ``go`` holds scans back, ``opened`` are all adapters that ever were."""

    def __init__(self):
        self.machines, self.opened, self.go = {"10.0.0.1": AMD64, "10.0.0.2": ARM64}, [], asyncio.Event()
        self.go.set()
        self.now = NOW
        self.bad = None
        self.surveys_asked, self.surveyed = [], []
        self.document = {"scan": {"interval": "1h", "deadline": "30s", "jitter": "0s"}}
        self.hosts = (host("a"), host("b", "10.0.0.2"))
        self.skipped = ()
        self.tags = ()

    def clock(self):
        return self.now

    async def read(self, host):
        await self.go.wait()
        platform = self.machines.get(host.address, Failure(Reason.HOST_REFUSED))
        if isinstance(platform, Failure):
            return platform
        kernel = Kernel("Linux", MACHINES[platform], platform=platform, cpu_level=1, ia32=True, binfmt=Binfmt(True))
        engine = Engine(EngineKind.DOCKER, EngineState.UP, "27.0", platform, ImageStore.CLASSIC)
        return HostFacts(host.name, kernel, (engine,))

    async def resolve(self, reference, *, depth, wanted=None):
        offer = Offer("sha256:" + "a" * 64, AMD64, AMD64)
        return ImageFacts(str(reference), Digest("sha256:" + "f" * 64), is_index=True, offers=(offer,))

    async def inspect(self, _reference, offer, _override, _host=""):
        return Program(("/app",), (Executable("/app", "entrypoint", FileKind.ELF, Elf(62, 64, "little", offer.entry)),))

    async def survey(self, wanted, grant):
        if not grant(wanted.offer.layers[0].size):
            return Failure(Reason.SURVEY_PENDING, "too much for today")
        self.surveyed.append(wanted)
        await self.go.wait()
        return wanted.offer.layers[0].size

    def configuration(self):
        if self.bad:
            raise self.bad
        return Configuration(Settings.model_validate(self.document), tuple(self.hosts), self.skipped)

    def service(self, store, trail=None):
        """A service here, with metrics of its own."""
        return Service(
            self.configuration, lambda _settings: Adapters(self), store, Metrics("0"), self.clock, trail=trail
        )


class Adapters:
    """What one configuration can ask, in the made-up environment."""

    def __init__(self, environment):
        self.environment, self.closed = environment, 0
        environment.opened.append(self)

    def one_scan(self):
        return nullcontext()

    def one_check(self):
        return nullcontext()

    async def read(self, host):
        return await self.environment.read(host)

    async def tags(self, reference):
        return self.environment.tags

    def credential_ends(self):
        return {}

    async def plans(self, _hosts, _within_s):
        return NO_DEPLOYMENTS

    def scanner(
        self,
        limits,
        *,
        read=None,
        on_bug=lambda _where: None,
        plans=NO_DEPLOYMENTS,
        survey_now=False,
        want_survey=None,
    ):
        here = self.environment
        here.surveys_asked.append((survey_now, want_survey is not None))
        return Scanner(read or here.read, here, here.inspect, limits, here.clock, on_bug, plans)

    async def survey(self, wanted, grant):
        return await self.environment.survey(wanted, grant)

    async def close(self):
        self.closed += 1


def host(name, address="10.0.0.1", *images):
    return Host(name, address, planned=tuple(Plan(image) for image in images))


async def scanned(service, *patterns):
    """Scan now; wait for the end."""
    request = await service.scans.request(patterns, "test")
    async with asyncio.timeout(60):
        async for state in service.scans.watch(request.id):
            request = state
    return request


async def gate(service, name):
    """The gate's decision on an image for amd64, with the reasons for it."""
    answer = await service.gate.check(("r.example/app:1",), (name,), None, "test")
    return answer.decision, [str(finding.verdict.reason) for finding in answer.report.findings]


def reasons(service):
    """Why each host was not read, or that it was."""
    report = service.publication.report()
    return {reading.name: getattr(reading.reading, "reason", "read") for reading in report.hosts}


async def settled():
    for _ in range(20):
        await asyncio.sleep(0)


def container(letter, **changes):
    known = {"name": "api", "host": "a", "settled": True, "mounts": (), "process": Process(), **changes}
    return builders.container(letter, f"r.example/app@{digest(letter)}", local={"platform": None}, **known)


class WithContainers(Environment):
    """Hosts that also say which containers they have."""

    def __init__(self):
        super().__init__()
        self.document["rollback"] = {"enabled": True}
        self.containers = (container("1"),)

    async def read(self, host):
        facts = await super().read(host)
        if host.name != "a" or isinstance(facts, Failure):
            return facts
        return replace(facts, workloads=tuple(self.containers))
