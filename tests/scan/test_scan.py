"""One scan, with readers and registries of a few lines each."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from scanner.domain import facts
from scanner.domain.facts import Process, Source
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.plan import Plan
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.verdict.verdict import Depth, Fix
from scanner.scan.scan import ScanLimits, Scanner
from tests import builders
from tests.builders import AMD64, ARM64, INDEX

host, host_facts = builders.host, builders.host_facts


class Registry:
    """Offers every repository for the platform it is named after."""

    def __init__(self):
        self.asked = []

    async def resolve(self, reference, *, depth, wanted=None):
        self.asked.append((str(reference), depth))
        if reference.repository.endswith("gone"):
            return Failure(Reason.IMAGE_TAG_MISSING, "manifest unknown")
        if reference.repository.endswith("bug"):
            raise RuntimeError("a fault of ours")
        platform = ARM64 if reference.repository.endswith("arm64") else AMD64
        return builders.image_facts(builders.offer(platform), reference=reference)


async def inspect(_reference, offer, _override, _host=""):
    return builders.program(offer.entry)


def a_scanner(read, registry=None, **limits):
    return Scanner(read, registry or Registry(), inspect, ScanLimits(**limits), clock=lambda: 1000.0)


async def read(one):
    return host_facts(one.name, ARM64 if one.name.startswith("arm") else AMD64)


def told(report):
    return [(f.workload.host, f.workload.image, str(f.verdict.reason)) for f in report.findings]


async def test_every_host_of_the_plan_has_exactly_one_reading_in_the_order_of_the_plan():
    hosts = [host(f"h{number}") for number in range(50)]
    report = await a_scanner(read, concurrency=7).scan(hosts)
    assert [reading.name for reading in report.hosts] == [one.name for one in hosts]
    assert report.complete


async def test_planned_images_are_judged_against_each_host():
    report = await a_scanner(read).scan([host("amd", "r.example/arm64"), host("arm", "r.example/arm64")])
    assert told(report) == [
        ("amd", "r.example/arm64", "platform_missing"),
        ("arm", "r.example/arm64", "native"),
    ]


async def test_a_missing_platform_names_the_hosts_where_the_image_fits():
    report = await a_scanner(read).scan([host("amd", "r.example/arm64"), host("arm-7")])
    assert "Or run it where it fits (linux/arm64): arm-7." in report.findings[0].verdict.fix.summary


async def test_nothing_is_asked_of_the_registry_for_workloads_that_nobody_asks_about():
    registry, planned = Registry(), [f"r.example/app{number}" for number in range(9)]
    scanner = replace(a_scanner(read, registry), only=lambda workload: workload.image.endswith("app5"))
    assert told(await scanner.scan([host("amd", *planned)])) == [("amd", "r.example/app5", "native")]
    assert {reference for reference, _ in registry.asked} == {"r.example/app5"}


async def test_a_host_that_is_not_read_leaves_its_plan_unknown_and_the_others_alone():
    async def only_one(one):
        return Failure(Reason.HOST_TIMEOUT, "no answer") if one.name == "b" else host_facts(one.name)

    report = await a_scanner(only_one).scan([host(name, "r.example/amd64") for name in "abc"])
    assert [str(f.verdict.reason) for f in report.findings] == ["native", "host_timeout", "native"]


async def test_a_fault_of_ours_stays_with_its_workload_or_its_host():
    async def faulty(one):
        if one.name == "b":
            raise RuntimeError("a fault of ours")
        return host_facts(one.name)

    bugs = []
    scanner = Scanner(faulty, Registry(), inspect, clock=lambda: 1.0, on_bug=bugs.append)
    report = await scanner.scan([host("a", "r.example/bug", "r.example/amd64"), host("b", "r.example/amd64")])
    assert [str(f.verdict.reason) for f in report.findings] == ["internal_bug", "native", "internal_bug"]
    assert sorted(bugs) == ["judge", "scan"]


async def test_the_deadline_ends_a_scan_and_what_it_cuts_off_is_unknown():
    async def hangs(one):
        if one.name == "slow":
            await asyncio.Event().wait()
        return host_facts(one.name)

    report = await a_scanner(hangs, deadline_s=2.0).scan([host("fast"), host("slow", "r.example/amd64")])
    assert told(report) == [("slow", "r.example/amd64", "internal_deadline")]


async def test_a_host_that_was_read_keeps_its_facts_when_its_images_come_too_late():
    class Slow(Registry):
        async def resolve(self, reference, *, depth, wanted=None):
            await asyncio.Event().wait()

    async def one_container(one):
        return host_facts(one.name, workloads=[running()])

    report = await a_scanner(one_container, Slow(), deadline_s=2.0).scan([host("a", "r.example/amd64")])
    assert isinstance(report.hosts[0].reading, facts.HostFacts)
    assert [(f.workload.name, str(f.verdict.reason)) for f in report.findings] == [
        ("api", "internal_deadline"),
        ("r.example/amd64", "internal_deadline"),
    ]


async def test_an_engine_that_does_not_answer_is_a_finding_of_its_own():
    async def silent(one):
        return host_facts(one.name, gaps={"podman": Failure(Reason.ENGINE_DENIED, "not allowed to ask")})

    report = await a_scanner(silent).scan([host("a")])
    assert [(f.workload.name, str(f.verdict.reason)) for f in report.findings] == [("podman", "engine_denied")]
    assert report.counts[Status.UNKNOWN] == 1


def running(**more):
    local = facts.LocalImage("sha256:" + "c" * 64, (f"r.example/amd64@{INDEX}",), platform=AMD64)
    return builders.workload(
        "api", "r.example/amd64:1", host="a", engine="docker", local=local, state="running", **more
    )


async def test_a_container_is_looked_up_by_its_tag_then_by_the_digest_it_was_made_from():
    registry = Registry()

    async def one_container(one):
        return host_facts(one.name, workloads=[running()])

    report = await a_scanner(one_container, registry).scan([host("a")])
    assert told(report) == [("a", "r.example/amd64:1", "native")]
    assert registry.asked[0] == ("r.example/amd64:1", "index")
    assert registry.asked[-1] == (f"r.example/amd64@{INDEX}", "config")
    assert ("r.example/amd64:1", "index") in registry.asked


async def test_an_image_that_was_built_on_the_host_is_never_asked_of_a_registry():
    registry = Registry()
    built = facts.LocalImage("sha256:" + "c" * 64, (), platform=AMD64)
    workload = facts.Workload(
        "a", "api", facts.Source.DOCKER, facts.Stage.RUNNING, "api:latest", "docker", local=built, state="running"
    )

    async def one_container(one):
        return host_facts(one.name, workloads=[workload])

    report = await a_scanner(one_container, registry).scan([host("a")])
    assert registry.asked == []
    assert told(report) == [("a", "api:latest", "native")]


@pytest.mark.parametrize("image", ["shop/UPPER", "a b", "x@sha256:12", "<none>:<none>", "-x"])
async def test_what_is_no_reference_is_unknown_and_never_sent_anywhere(image):
    registry = Registry()
    report = await a_scanner(read, registry).scan([host("a", image)])
    assert registry.asked == []
    assert told(report) == [("a", image, "image_reference_invalid")]


async def test_an_image_planned_for_two_platforms_is_judged_for_each():
    plans = (Plan("r.example/amd64:1"), Plan("r.example/amd64:1", pinned=ARM64), Plan("r.example/amd64:1"))
    report = await a_scanner(read).scan([Host("a", "127.0.0.1", planned=plans)])
    assert [(f.workload.name, str(f.verdict.reason)) for f in report.findings] == [
        ("r.example/amd64:1", "native"),
        ("r.example/amd64:1#2", "platform_missing"),
    ]


async def test_containers_of_one_name_under_two_owners_are_two_findings():
    two = [replace(running(), source=facts.Source.PODMAN, engine=engine) for engine in ("podman", "podman:alice")]

    async def engines(one):
        known = host_facts(one.name, workloads=two)
        podmans = (builders.podman(owner=owner) for owner in ("", "alice"))
        return replace(known, engines=(*known.engines, *podmans))

    report = await a_scanner(engines).scan([host("a")])
    assert len({finding.key for finding in report.findings}) == 2


@pytest.mark.parametrize("step", [-86400.0, 86400.0])
async def test_a_clock_that_is_set_during_a_scan_does_not_change_how_long_it_took(step):
    wall, ticks = [1000.0], iter([50.0, 53.0])

    async def read_while_set(one):
        wall[0] += step
        return host_facts(one.name)

    scanner = Scanner(read_while_set, Registry(), inspect, clock=lambda: wall[0], ticks=lambda: next(ticks))
    report = await scanner.scan([host("a")])
    assert (report.started_at, report.finished_at) == (1000.0 + step - 3.0, 1000.0 + step)


async def test_a_shallow_scan_reads_no_config_and_no_binary():
    registry = Registry()

    async def never(*_):
        raise AssertionError("the binary was opened")

    scanner = Scanner(read, registry, never, ScanLimits(depth=Depth.INDEX))
    report = await scanner.scan([host("a", "r.example/amd64:1")])
    assert {depth for _, depth in registry.asked} == {"index"}
    assert told(report)[0][2] == "native"


@pytest.mark.parametrize("again", [0, 1, 2])
async def test_what_is_planned_again_is_judged_once_and_another_of_its_name_is_numbered(again):
    plan = Plan("r.example/amd64:1", "web")
    other = replace(plan, process=Process(cmd=("other",)))
    plans = (plan, *[plan] * again, other, *[other, plan] * again)
    report = await a_scanner(read).scan([Host("a", "127.0.0.1", planned=plans)])
    assert [one.workload.name for one in report.findings] == ["web", "web#2"]


async def test_a_listener_hears_of_every_host_once():
    heard = []
    await a_scanner(read).scan(
        [host(n) for n in "abc"], listen=lambda done, total, one: heard.append((done, total, one.name))
    )
    assert [(done, total) for done, total, _ in heard] == [(1, 3), (2, 3), (3, 3)]
    assert sorted(name for *_, name in heard) == ["a", "b", "c"]


async def test_what_is_built_where_it_runs_for_another_platform_is_told_and_any_other_is_left_to_its_host():
    plans = [Plan("b", f"w{at}", pinned=pinned, build_only=True) for at, pinned in enumerate((None, AMD64, ARM64))]
    plans += [plans[-1], replace(plans[-1], process=Process(cmd=("other",)))]
    report = await a_scanner(read).scan([Host("a", "127.0.0.1", planned=tuple(plans))])
    told = [(one.workload.name, str(one.verdict.reason)) for one in report.findings]
    assert told == [("w2", "image_local_only"), ("w2#2", "image_local_only")]
    assert "pin that of the host" in report.findings[0].verdict.fix.summary


async def test_a_plan_may_name_the_engine_where_a_host_has_two():
    async def two_engines(one):
        known = host_facts(one.name)
        down = facts.Engine(facts.EngineKind.DOCKER, facts.EngineState.DOWN)
        return replace(known, engines=(down, builders.podman(version="4.3.1")))

    plans = (Plan("r.example/amd64"), Plan("r.example/amd64", "named", engine="podman"))
    report = await a_scanner(two_engines).scan([Host("a", "127.0.0.1", planned=plans)])
    assert [(f.workload.name, str(f.verdict.reason)) for f in report.findings] == [
        ("r.example/amd64", "engine_down"),
        ("named", "native"),
    ]


class Refusing:
    """A registry that may not be asked."""

    async def resolve(self, reference, *, depth, wanted=None):
        return Failure(Reason.IMAGE_NOT_ALLOWED, "no", host=reference.registry, setting="only_listed")


async def test_what_the_configuration_could_do_joins_every_finding_that_it_would_mend():
    asked = []

    def configured(fix, reason, failure, image):
        asked.append((reason, failure.setting, image.registry))
        return replace(fix, summary=f"list {image.registry}", commands=())

    scanner = replace(a_scanner(read, Refusing()), configured=configured)
    reports = (
        await scanner.scan([host("amd", "r.example/app")]),
        await scanner.against([AMD64], [Plan("r.example/app")]),
    )
    for report in reports:
        assert [finding.verdict.fix for finding in report.findings] == [Fix("list r.example")]
    assert asked == [("image_not_allowed", "only_listed", "r.example")] * 2


@pytest.mark.parametrize(
    ("engine", "source", "reason"),
    [
        ("", Source.QUADLET, "native"),
        ("podman", Source.SYSTEMD, "native"),
        ("podman:ann", Source.QUADLET, "native"),
        ("docker:ann", Source.INVENTORY, "native"),
        ("containerd", Source.SYSTEMD, "native"),
        ("cri", Source.INVENTORY, "engine_absent"),
    ],
)
async def test_a_plain_host_has_the_engine_that_a_plan_asks_for(engine, source, reason):
    plans = [Plan("r.example/amd64", "one", source=source, engine=engine), Plan("r.example/amd64", "other")]
    report = await a_scanner(read).against([AMD64], plans)
    assert [(f.workload.name, str(f.verdict.reason)) for f in report.findings] == [("one", reason), ("other", "native")]


async def test_the_deadline_keeps_what_was_judged():
    class Stalls(Registry):
        async def resolve(self, reference, *, depth, wanted=None):
            if reference.repository == "stalls":
                await asyncio.Event().wait()
            return await super().resolve(reference, depth=depth, wanted=wanted)

    images = [*(f"r.example/n{number}-amd64" for number in range(114)), "r.example/stalls"]
    report = await a_scanner(read, Stalls(), deadline_s=3).scan([host("a", *images), host("b", images[0])])
    reasons = [str(found.verdict.reason) for found in report.findings]
    assert reasons == ["native"] * 114 + ["internal_deadline", "native"]
    assert report.findings[114].verdict.detail == "the scan's deadline came before its image was looked into"
    assert report.hosts[0].platform == AMD64
