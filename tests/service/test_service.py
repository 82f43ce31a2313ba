"""The service without its web server: what it publishes, what its gate answers, how it takes reloads, how it ends."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager

import pytest

from scanner.app import serve as running
from scanner.domain.facts import (
    Binfmt,
    Elf,
    Engine,
    EngineKind,
    EngineState,
    Executable,
    Failure,
    FileKind,
    HostFacts,
    ImageFacts,
    ImageStore,
    Kernel,
    Offer,
    Program,
)
from scanner.domain.host import Host, Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason, Status
from scanner.errors import ServiceError
from scanner.metrics.metrics import Metrics
from scanner.scan.plans import NO_DEPLOYMENTS
from scanner.scan.scan import Scanner
from scanner.service import service as module
from scanner.service.answers import Refusal, ScanState
from scanner.service.configuration import Configuration
from scanner.service.service import Service
from scanner.settings.problem import Problem, SettingsError
from scanner.settings.schema import Settings
from scanner.store.error import StoreError
from scanner.store.store import Store

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
MACHINES = {AMD64: "x86_64", ARM64: "aarch64"}
NOW = 1_700_000_000.0


class World:
    """Hosts by address and a registry; ``go`` holds scans back, ``reaches`` are all that were opened."""

    def __init__(self):
        self.machines, self.reaches, self.go = {}, [], asyncio.Event()
        self.go.set()
        self.now = NOW
        self.bad = None
        self.document, self.hosts = {}, ()

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
        return ImageFacts(str(reference), "sha256:" + "f" * 64, is_index=True, offers=(offer,))

    async def inspect(self, _reference, offer, _override):
        return Program(("/app",), (Executable("/app", "entrypoint", FileKind.ELF, Elf(62, 64, "little", offer.entry)),))

    def configuration(self):
        if self.bad:
            raise self.bad
        return Configuration(Settings.model_validate(self.document), tuple(self.hosts))


class Adapters:
    """What one configuration can ask, in the made-up world."""

    def __init__(self, world):
        self.world, self.closed, self.registry = world, 0, self
        world.reaches.append(self)

    @contextmanager
    def scan(self):
        yield

    def credential_ends(self):
        return {}

    async def plans(self, _hosts):
        return NO_DEPLOYMENTS

    def scanner(self, limits, *, read=None, on_bug=lambda _where: None, plans=NO_DEPLOYMENTS):
        world = self.world
        return Scanner(read or world.read, world, world.inspect, limits, world.clock, on_bug, plans)

    async def close(self):
        self.closed += 1


def host(name, address="10.0.0.1", *images):
    return Host(name, address, planned=tuple(Plan(image) for image in images))


@pytest.fixture
def world(monkeypatch):
    made = World()
    made.machines = {"10.0.0.1": AMD64, "10.0.0.2": ARM64}
    made.hosts = (host("a"), host("b", "10.0.0.2"))
    made.document = {"scan": {"interval": "1h", "deadline": "30s", "jitter": "0s"}}
    monkeypatch.setattr(module, "Adapters", lambda _settings, _around: Adapters(made))
    return made


@pytest.fixture
async def store(world):
    opened = await Store.open("sqlite://", clock=world.clock)
    yield opened
    await opened.close()


@pytest.fixture
async def service(world, store):
    made = Service(world.configuration, store, Metrics("0"), "0", world.clock)
    yield made
    world.go.set()
    await made.stop()


async def scanned(service, *patterns):
    """Scan now; wait for the end."""
    ticket = await service.request_scan(patterns, "test")
    async with asyncio.timeout(10):
        async for state in service.scan_events(ticket.id):
            ticket = state
    return ticket


async def gate(service, name):
    answer = await service.check(("r.example/app:1",), (name,), None, "test")
    return answer.decision, [str(finding.verdict.reason) for finding in answer.report.findings]


def reasons(service):
    return {reading.name: getattr(reading.reading, "reason", "read") for reading in service.report().hosts}


async def settled():
    for _ in range(20):
        await asyncio.sleep(0)


# ---------------------------------------------------------------- the gate


async def test_the_gate_holds_before_the_first_scan_then_decides_by_what_was_read(service):
    assert await gate(service, "a") == ("hold", ["host_stale"])
    await scanned(service)
    assert await gate(service, "a") == ("allow", ["native"])
    assert await gate(service, "b") == ("deny", ["platform_missing"])


async def test_the_gate_holds_for_hosts_that_a_partial_scan_left_out(service):
    await scanned(service, "a")
    assert await gate(service, "a") == ("allow", ["native"])
    assert await gate(service, "b") == ("hold", ["host_stale"])


@pytest.mark.parametrize("step", [16 * 60, 86400, -1, -86400])
async def test_the_gate_holds_where_the_clock_says_that_facts_are_old_or_not_taken_yet(service, world, step):
    await scanned(service)
    world.now += step
    assert await gate(service, "a") == ("hold", ["host_stale"])
    await scanned(service)
    assert await gate(service, "a") == ("allow", ["native"])


async def test_the_gate_never_uses_facts_of_another_machine_that_had_the_name(service, world):
    await scanned(service)
    world.hosts = (host("a", "10.0.0.2"), host("b", "10.0.0.2"))
    assert service.reload("test").successful
    assert await gate(service, "a") == ("hold", ["host_stale"])
    await scanned(service, "b")
    assert reasons(service) == {"b": "read"}  # what was read of the other machine is gone
    await scanned(service)
    assert await gate(service, "a") == ("deny", ["platform_missing"])


async def test_the_gate_waits_for_the_new_machine_s_report_to_be_published(service, world, store, monkeypatch):
    await scanned(service)
    world.hosts = (host("a", "10.0.0.2"),)
    assert service.reload("test").successful
    saving, go, save = asyncio.Event(), asyncio.Event(), store.save

    async def slowly(report):
        saving.set()
        await go.wait()
        return await save(report)

    monkeypatch.setattr(store, "save", slowly)
    scan = asyncio.create_task(scanned(service))
    await saving.wait()
    assert await gate(service, "a") == ("hold", ["host_stale"])
    go.set()
    await scan
    assert await gate(service, "a") == ("deny", ["platform_missing"])


async def test_the_gate_refuses_a_host_that_left_the_inventory(service, world):
    await scanned(service)
    world.hosts = (host("b", "10.0.0.2"),)
    assert service.reload("test").successful
    answer = await service.check(("r.example/app:1",), ("a",), None, "test")
    assert isinstance(answer, Refusal)
    await scanned(service)
    assert reasons(service) == {"b": "read"}


async def test_the_gate_holds_after_a_restart_until_the_hosts_are_read_again(service, world, store):
    await scanned(service)
    again = Service(world.configuration, store, Metrics("0"), "0", world.clock)
    world.go.clear()
    await again.start()
    assert reasons(again) == {"a": "read", "b": "read"}  # shown, as history
    assert await gate(again, "a") == ("hold", ["host_stale"])
    world.go.set()
    await scanned(again)
    assert await gate(again, "a") == ("allow", ["native"])
    await again.stop()


async def test_a_host_that_stops_answering_holds_the_gate_at_once(service, world):
    await scanned(service)
    world.machines["10.0.0.1"] = Failure(Reason.HOST_TIMEOUT)
    await scanned(service)
    assert await gate(service, "a") == ("hold", ["host_timeout"])
    assert await gate(service, "*") == ("deny", ["host_timeout", "platform_missing"])


async def test_a_store_that_cannot_be_read_at_the_start_is_told_in_one_line(service, store, monkeypatch):
    async def damaged(_kind):
        raise StoreError("store archscan.db: malformed: restore a backup")

    monkeypatch.setattr(store, "records", damaged)
    with pytest.raises(ServiceError, match="restore a backup"):
        await running._started(service)


async def test_a_store_that_fails_holds_the_gate_while_reports_go_on(service, world, store, monkeypatch):
    async def full(_report):
        raise StoreError("the disk is full", fatal=False)

    await scanned(service)
    kept = store.save
    monkeypatch.setattr(store, "save", full)
    world.now += 60
    assert (await scanned(service)).state is ScanState.DONE
    assert service.report().finished_at == world.now
    assert isinstance(await service.check(("r.example/app:1",), ("a",), None, "test"), Refusal)
    monkeypatch.setattr(store, "save", kept)
    await scanned(service)
    assert await gate(service, "a") == ("allow", ["native"])


# ---------------------------------------------------------------- scans


async def test_a_partial_scan_keeps_the_last_reading_of_everybody_else(service, world):
    await scanned(service)
    world.machines = {"10.0.0.2": ARM64}
    world.now += 60
    await scanned(service, "b")
    assert reasons(service) == {"a": "read", "b": "read"}
    assert [reading.taken_at for reading in service.report().hosts] == [NOW, NOW + 60]


async def test_an_interrupted_scan_publishes_nothing(service, world):
    await scanned(service)
    published = service.report()
    world.go.clear()
    ticket = await service.request_scan((), "test")
    await settled()
    await service.stop()
    assert service.scan(ticket.id).state is ScanState.FAILED
    assert service.report() is published


async def test_a_scan_that_hangs_ends_at_its_deadline_with_its_hosts_unknown(service, world):
    world.document = {"scan": {"interval": "1h", "deadline": "500ms", "jitter": "0s"}, "ssh": {
        "connect_timeout": "100ms", "probe_timeout": "100ms"}}  # fmt: skip
    world.hosts = (host("a", "10.0.0.1", "r.example/app:1"),)
    assert service.reload("test").successful
    world.go.clear()
    assert (await scanned(service)).state is ScanState.DONE
    assert reasons(service) == {"a": Reason.INTERNAL_DEADLINE}
    assert service.report().counts[Status.UNKNOWN] == 1


async def test_the_service_is_ready_once_there_is_a_report(service):
    assert not service.ready().ready
    await scanned(service)
    assert service.ready().ready


async def test_health_goes_by_scans_of_the_fleet_and_not_by_the_wall_clock(service, world, monkeypatch):
    def healthy_after(seconds):
        loop = asyncio.get_running_loop()
        later = loop.time() + seconds
        with monkeypatch.context() as patch:
            patch.setattr(loop, "time", lambda: later)
            return service.healthy().ready

    limit_s = 3 * (3600 + 30)
    assert (healthy_after(limit_s - 60), healthy_after(limit_s + 60)) == (True, False)
    for step in (-86400.0, 86400.0):
        world.now = NOW + step
        assert (healthy_after(limit_s - 60), healthy_after(limit_s + 60)) == (True, False)
    service._alive_at -= limit_s + 60
    await scanned(service, "a")
    assert not healthy_after(0)
    await scanned(service)
    assert healthy_after(0)


# ---------------------------------------------------------------- reloads


async def test_a_running_scan_ends_on_the_settings_it_began_with(service, world):
    world.go.clear()
    first = world.reaches[0]
    ticket = await service.request_scan((), "test")
    await settled()
    world.hosts = (host("a"), host("c"))
    assert service.reload("test").successful
    await settled()
    assert first.closed == 0
    world.go.set()
    async for state in service.scan_events(ticket.id):
        ticket = state
    await settled()
    assert list(reasons(service)) == ["a", "b"]
    assert (first.closed, world.reaches[1].closed) == (1, 0)


async def test_twenty_reloads_close_what_each_of_them_replaced_once(service, world):
    for _ in range(20):
        assert service.reload("test").successful
        await settled()
    assert [reach.closed for reach in world.reaches] == [1] * 20 + [0]


async def test_reloads_from_many_threads_leave_one_reach_open_and_close_none_twice(service, world):
    await asyncio.gather(*(asyncio.to_thread(service.reload, "test") for _ in range(100)))
    await settled()
    assert world.reaches[0].closed == 1
    assert service._reach.closed == 0
    assert max(reach.closed for reach in world.reaches) == 1
    assert (await scanned(service)).state is ScanState.DONE


async def test_a_fleet_that_shrinks_by_more_than_half_is_refused(service, world):
    world.hosts = tuple(host(name) for name in "abc")
    assert service.reload("test").successful
    world.hosts = (host("a"),)
    refused = service.reload("test")
    assert (refused.successful, "allow_shrink" in refused.detail) == (False, True)
    assert [one.name for one in service.hosts()] == ["a", "b", "c"]


@pytest.mark.parametrize("bad", [SettingsError([Problem("f", 1, "scan", "bad")]), OSError("no such file")])
async def test_a_configuration_that_cannot_be_read_changes_nothing(service, world, bad):
    world.bad = bad
    assert not service.reload("test").successful
    await scanned(service)
    assert reasons(service) == {"a": "read", "b": "read"}


# ---------------------------------------------------------------- waivers


async def test_a_waiver_says_until_when_and_never_changes_what_is_found_or_decided(service, world):
    world.hosts = (host("b", "10.0.0.2", "r.example/app:1"),)
    assert service.reload("test").successful
    await scanned(service)
    made = await service.add_waiver(module.Waived("", "me", "why", NOW + 100, image="r.example/*"), "test")
    [finding] = service.report().findings
    assert (finding.waived_until, finding.verdict.status) == (NOW + 100, Status.MISMATCH)
    assert (await gate(service, "b"))[0] == "deny"
    world.now += 101
    await scanned(service)
    assert (service.report().findings[0].waived_until, list(service.waivers())) == (None, [])
    assert await service.delete_waiver(made.id, "test") is True


async def test_a_bug_while_the_gate_judges_is_counted_and_holds(service, world, monkeypatch):
    await scanned(service)

    async def faulty(*_, **__):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(world, "resolve", faulty)
    counted = []
    monkeypatch.setattr(service._metrics, "internal_error", lambda: counted.append(1))
    assert await gate(service, "a") == ("hold", ["internal_bug"])
    assert counted == [1]
