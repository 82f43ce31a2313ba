"""From hosts to a decision, over everything that can be known or not: totals add up, nothing unknown goes through."""

from __future__ import annotations

import asyncio
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.cli.outcome import FailOn, exit_code
from scanner.domain import facts
from scanner.domain.decision import Decision, decide
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.image import offers as image_offers
from scanner.domain.image.reference import Digest
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Report
from scanner.domain.report_json import document
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status, leaves_incomplete
from scanner.domain.verdict.verdict import Depth
from scanner.scan.scan import ScanLimits, Scanner
from scanner.service.publication import merged
from tests import builders
from tests.builders import AMD64, ARM64, ARM_V7

MACHINES = (AMD64, ARM64, ARM_V7)
PLATFORMS = st.sampled_from(MACHINES)
IMAGES = tuple(f"r.example/image-{letter}:1" for letter in "abc")
NAMES = ("a", "b", "c")

UNKNOWN = [reason for reason in Reason if STATUS_OF[reason] is Status.UNKNOWN]
FAILURES = st.sampled_from(UNKNOWN).map(Failure)


def mostly(usual, *others):
    """One value in three cases of four, so that much of what is drawn is right."""
    return st.sampled_from([usual] * max(1, 3 * len(others)) + list(others))


PROBLEMS = st.sampled_from([r for r in Reason if STATUS_OF[r] in (Status.UNKNOWN, Status.BROKEN)]).map(Failure)


def _digest(number):
    return Digest(f"sha256:{number:064x}")


@st.composite
def images(draw, image):
    """What a registry says of one image: facts, whose offers have programs of their own, or a failure."""
    if draw(st.booleans()) and draw(st.booleans()):
        return draw(FAILURES), {}
    offers, programs = [], {}
    for number in range(draw(mostly(1, 2, 3, 0))):
        entry = draw(mostly(AMD64, ARM64, ARM_V7, None))
        config = draw(mostly(entry or AMD64, ARM64, None)) or draw(FAILURES)
        digest = _digest(100 * (1 + IMAGES.index(image)) + number)
        offers.append(image_offers.Offer(digest, entry, config))
        needs = draw(mostly(config if isinstance(config, Platform) else entry, None, *MACHINES))
        chain = (builders.executable(needs),) if needs else ()
        programs[digest] = image_offers.Program(("/app",), chain, draw(mostly(None) | PROBLEMS))
    found = image_offers.ImageFacts(image, _digest(1 + IMAGES.index(image)), is_index=True, offers=tuple(offers))
    return found, programs


@st.composite
def workloads(draw, host):
    """A container or a plan of a file on the host."""
    stage = draw(st.sampled_from(list(facts.Stage)))
    local = None
    if stage is not facts.Stage.PLANNED and draw(st.booleans()):
        image = draw(st.sampled_from(IMAGES))
        repository = image.removesuffix(":1")
        known = (f"{repository}@{_digest(1 + IMAGES.index(image))}",) if draw(st.booleans()) else ()
        local = facts.LocalImage(_digest(7), known, platform=draw(st.none() | PLATFORMS))
    return facts.Workload(
        host,
        draw(st.sampled_from(["api", "db"])),
        draw(st.sampled_from(list(facts.Source))),
        stage,
        draw(st.sampled_from([*IMAGES, "<none>", "sha256:" + "0" * 64, "localhost/built:1"])),
        engine=draw(mostly("", "docker", "podman", "podman:alice")),
        pinned=draw(mostly(None, *MACHINES)),
        local=local,
        state=draw(st.sampled_from(["running", "exited", "created", "restarting"]))
        if stage is not facts.Stage.PLANNED
        else "",
        exit_code=draw(st.none() | st.sampled_from([0, 1, 127])),
        restart_count=draw(st.integers(0, 1)),
    )


@st.composite
def readings(draw, host):
    """What one host says: facts, or why there are none."""
    if draw(st.booleans()) and draw(st.booleans()):
        return draw(FAILURES)
    platform = draw(mostly(AMD64, ARM64, ARM_V7, None))
    machine = builders.MACHINES[platform.architecture] if platform else "quantum"
    level, binfmt = draw(st.none() | st.just(1)), draw(mostly(facts.Binfmt(enabled=True), None))
    kernel = facts.Kernel("Linux", machine, platform=platform, cpu_level=level, binfmt=binfmt)
    engines = tuple(
        facts.Engine(
            kind,
            draw(mostly(facts.EngineState.UP, *facts.EngineState)),
            "27.0",
            draw(mostly(platform, None, ARM_V7)),
            store,
            owner,
        )
        for kind, store, owner in (
            (facts.EngineKind.DOCKER, facts.ImageStore.CLASSIC, ""),
            (facts.EngineKind.PODMAN, facts.ImageStore.PODMAN, ""),
            (facts.EngineKind.PODMAN, facts.ImageStore.PODMAN, "alice"),
        )
        if kind is facts.EngineKind.DOCKER or draw(st.booleans())
    )
    gaps = (
        {}
        if draw(st.booleans())
        else draw(st.dictionaries(st.sampled_from(["docker", "podman", "workloads", "engines"]), FAILURES, max_size=1))
    )
    return facts.HostFacts(host, kernel, engines, tuple(draw(st.lists(workloads(host), max_size=4))), gaps)


@st.composite
def worlds(draw):
    """Hosts with what they say and plan, images with what a registry says of them."""
    hosts = [
        Host(name, "127.0.0.1", planned=tuple(map(Plan, draw(st.lists(st.sampled_from(IMAGES), max_size=2)))))
        for name in NAMES[: draw(st.integers(0, 3))]
    ]
    return hosts, {host.name: draw(readings(host.name)) for host in hosts}, {i: draw(images(i)) for i in IMAGES}


def scanner(readings, known, depth):
    """A scanner of this fleet."""

    async def read(host):
        return readings[host.name]

    class Registry:
        async def resolve(self, reference, *, depth, wanted=None):
            found = next((known[i][0] for i in IMAGES if i.removesuffix(":1") == reference.name), None)
            return found or Failure(Reason.IMAGE_NOT_FOUND)

    async def inspect(_reference, offer, _override, _host=""):
        return next(programs[offer.digest] for _, programs in known.values() if offer.digest in programs)

    return Scanner(read, Registry(), inspect, ScanLimits(depth=depth), clock=lambda: 1000.0)


def scanned(fleet, depth, **how):
    hosts, said, known = fleet
    return asyncio.run(scanner(said, known, depth).scan(hosts, **how))


SLOWLY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


IDLE = {facts.EngineState.DOWN, facts.EngineState.UNUSED}
"""Engines whose rules are known although they do not run."""


@SLOWLY
@given(worlds(), st.sampled_from(list(Depth)))
def test_every_host_has_one_reading_every_workload_one_finding_and_the_totals_add_up(fleet, depth):
    hosts, said, _ = fleet
    report = scanned(fleet, depth)
    assert [one.name for one in report.hosts] == [host.name for host in hosts]
    keys = [finding.key for finding in report.findings]
    assert len(keys) == len(set(keys))
    for host in hosts:
        reading, images = said[host.name], [f.workload.image for f in report.findings if f.workload.host == host.name]
        assert {plan.image for plan in host.planned} <= set(images)
        if isinstance(reading, facts.HostFacts):
            distinct = {repr(workload) for workload in reading.workloads}
            assert len(images) == len(distinct) + len({plan.image for plan in host.planned}) + len(reading.gaps)
    made = json.loads(json.dumps(document(report)))
    assert made["summary"]["workloads"] == len(made["findings"]) == sum(made["summary"][str(s)] for s in Status)


@SLOWLY
@given(worlds(), st.sampled_from(list(Depth)))
def test_nothing_is_ok_without_a_host_an_engine_and_a_kernel_that_were_read(fleet, depth):
    _, said, known = fleet
    for finding in scanned(fleet, depth).findings:
        if finding.verdict.status is not Status.OK:
            continue
        reading = said[finding.workload.host]
        assert isinstance(reading, facts.HostFacts)
        assert reading.kernel.platform is not None
        is_planned = finding.workload.stage is facts.Stage.PLANNED
        assert any(
            engine.state is facts.EngineState.UP
            or (is_planned and engine.version and engine.platform and engine.state in IDLE)
            for engine in reading.engines
        )
        if finding.workload.stage is facts.Stage.PLANNED:
            found, programs = known[finding.workload.image]
            assert isinstance(found, image_offers.ImageFacts)
            assert depth is not Depth.BINARY or any(program.problem is None for program in programs.values())


@SLOWLY
@given(worlds(), st.sampled_from(list(Depth)), st.booleans(), st.sampled_from(list(FailOn)))
def test_neither_gate_nor_exit_code_lets_anything_unknown_through(fleet, depth, only_plans, fail_on):
    report = scanned(fleet, depth, only_plans=only_plans)
    decision = decide(report)
    unread = not report.hosts or any(isinstance(one.reading, Failure) for one in report.hosts)
    if unread or not report.findings or report.counts[Status.UNKNOWN]:
        assert decision in (Decision.HOLD, Decision.DENY)
    if unread or any(leaves_incomplete(finding.verdict.reason) for finding in report.findings):
        assert exit_code(report, fail_on) != 0
    if report.counts[Status.MISMATCH] or report.counts[Status.BROKEN]:
        assert decision is Decision.DENY


@SLOWLY
@given(worlds(), worlds(), st.sets(st.sampled_from(NAMES)))
def test_a_partial_report_is_merged_host_by_host(first, second, asked):
    last = scanned(first, Depth.CONFIG)
    hosts, said, known = second
    fresh = scanned(([host for host in hosts if host.name in asked], said, known), Depth.CONFIG)
    fleet = [host.name for host in hosts]
    both = merged(last, fresh, fleet)
    assert [one.name for one in both.hosts] == [
        name for name in fleet if any(name == one.name for report in (last, fresh) for one in report.hosts)
    ]
    for name in fleet:
        source: Report = fresh if name in {one.name for one in fresh.hosts} else last
        assert _of(both, name) == _of(source, name)


def _of(report, name):
    return [finding for finding in report.findings if finding.workload.host == name]
