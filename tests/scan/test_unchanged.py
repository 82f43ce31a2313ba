"""What a scan takes over from the one before it, what it judges anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain.facts import LocalImage
from scanner.domain.failure import Failure
from scanner.domain.image.image_survey import Survey
from scanner.domain.plan import Plan
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.scan.scan import ScanLimits, Scanner
from scanner.scan.unchanged import LastScan
from tests import builders
from tests.builders import AMD64, ARM64

IMAGE = "r.example/app:1"


class Fleet:
    """Hosts that run one image, its registry; everything can be changed between two scans."""

    def __init__(self, *names):
        self.hosts = [builders.host(name) for name in names]
        digests = (f"r.example/app@{builders.INDEX}",)
        local = LocalImage(builders.digest(), digests, platform=AMD64)
        self.facts = {
            name: builders.host_facts(
                name, workloads=[builders.workload(image=IMAGE, host=name, engine="docker", local=local)]
            )
            for name in names
        }
        self.offered = builders.image_facts(builders.offer(AMD64), reference=IMAGE)
        self.program = builders.program(AMD64)
        self.asked, self.opened, self.surveyed = [], 0, None
        self.missing = None
        self.last = LastScan()

    async def read(self, host):
        return self.facts[host.name]

    async def resolve(self, reference, *, depth, wanted=None):
        self.asked.append(str(reference))
        return self.offered

    async def inspect(self, _reference, _offer, _override, _host=""):
        self.opened += 1
        return self.program

    async def missing_part(self, _reference, _offer):
        return self.missing

    async def of(self, _wanted, _subject):
        return self.surveyed

    async def scan(self, depth=Depth.BINARY, **more):
        self.asked.clear()
        self.opened = 0
        parts = {"missing_part": self.missing_part, "surveys": self, "last": self.last} | more
        return await Scanner(self.read, self, self.inspect, ScanLimits(depth), clock=lambda: 9.0, **parts).scan(
            self.hosts
        )


@pytest.fixture
def fleet():
    return Fleet("a", "b")


def reasons(report):
    return {finding.verdict.reason for finding in report.findings}


def kept(before, after):
    return [name for name, found in after.by_host.items() if found is before.by_host[name]]


async def test_hosts_of_which_nothing_changed_keep_their_very_findings(fleet):
    before = await fleet.scan()
    after = await fleet.scan()
    assert kept(before, after) == ["a", "b"]
    assert fleet.opened == 0


async def test_each_question_is_asked_once_however_many_hosts_rest_on_it():
    fleet = Fleet(*(f"h{number}" for number in range(30)))
    await fleet.scan()
    await fleet.scan()
    assert fleet.asked == [IMAGE, f"r.example/app@{builders.INDEX}"]


async def test_a_host_that_says_something_else_is_judged_anew_alone(fleet):
    before = await fleet.scan()
    fleet.facts["b"] = replace(fleet.facts["b"], os_release="Debian GNU/Linux 13 (trixie)")
    assert kept(before, await fleet.scan()) == ["a"]


async def test_a_tag_that_moved_is_judged_anew_on_every_host(fleet):
    before = await fleet.scan()
    fleet.offered = replace(fleet.offered, digest=builders.digest("e"))
    after = await fleet.scan()
    assert kept(before, after) == []
    assert kept(after, await fleet.scan()) == ["a", "b"]


async def test_a_registry_that_fails_then_recovers_changes_what_is_known_both_times(fleet):
    good = await fleet.scan()
    offered, fleet.offered = fleet.offered, Failure(Reason.IMAGE_UNREACHABLE, "no route")
    bad = await fleet.scan()
    assert Reason.IMAGE_UNREACHABLE in reasons(bad)
    assert kept(bad, await fleet.scan()) == ["a", "b"]
    fleet.offered = offered
    assert reasons(await fleet.scan()) == reasons(good) == {Reason.NATIVE}


async def test_what_could_not_be_opened_is_opened_again(fleet):
    fleet.program = builders.program(AMD64, problem=Failure(Reason.IMAGE_UNREACHABLE, "cut off"))
    bad = await fleet.scan()
    fleet.program = builders.program(AMD64)
    assert reasons(await fleet.scan()) == {Reason.NATIVE} != reasons(bad)


async def test_a_config_that_could_not_be_read_is_read_again(fleet):
    whole = fleet.offered
    fleet.offered = replace(
        whole, offers=(replace(whole.offers[0], config=Failure(Reason.IMAGE_UNREACHABLE, "cut off")),)
    )
    bad = await fleet.scan()
    fleet.offered = whole  # under the same digest
    assert kept(bad, await fleet.scan()) == []


async def test_a_survey_that_is_there_now_is_looked_at(fleet):
    before = await fleet.scan()
    assert kept(before, await fleet.scan()) == ["a", "b"]
    fleet.surveyed = Survey()
    assert kept(before, await fleet.scan()) == []


async def test_a_part_that_went_missing_is_noticed_by_those_who_plan_to_pull_it(fleet):
    fleet.hosts[0] = builders.host("a", IMAGE)
    layers = (builders.image_offers.Layer(builders.digest("b"), "tar", 1),)
    fleet.offered = replace(fleet.offered, offers=(replace(fleet.offered.offers[0], layers=layers),))
    before = await fleet.scan()
    fleet.missing = Failure(Reason.LAYER_MISSING, "gone")
    after = await fleet.scan()
    assert kept(before, after) == ["b"]
    assert Reason.LAYER_MISSING in reasons(after)


async def test_another_plan_or_label_of_a_host_is_judged_anew(fleet):
    before = await fleet.scan()
    fleet.hosts = [replace(fleet.hosts[0], planned=(Plan(IMAGE),)), replace(fleet.hosts[1], labels={"team": "web"})]
    assert kept(before, await fleet.scan()) == []


async def test_another_depth_starts_from_nothing(fleet):
    before = await fleet.scan()
    assert kept(before, await fleet.scan(Depth.CONFIG)) == []


async def test_a_host_that_was_silent_once_is_judged_when_it_speaks(fleet):
    before = await fleet.scan()
    said, fleet.facts["a"] = fleet.facts["a"], Failure(Reason.HOST_TIMEOUT)
    assert not (await fleet.scan()).by_host["a"]
    fleet.facts["a"] = said
    assert kept(before, await fleet.scan()) == ["a", "b"]


async def test_a_fault_of_ours_in_a_question_costs_no_more_than_judging_anew(fleet):
    before = await fleet.scan()
    fine, fleet.resolve = fleet.resolve, None
    assert reasons(await fleet.scan()) == {Reason.INTERNAL_BUG}
    fleet.resolve = fine
    assert reasons(await fleet.scan()) == reasons(before)


async def test_a_missing_platform_names_hosts_of_today_though_its_host_is_unchanged(fleet):
    fleet.facts["b"] = replace(fleet.facts["b"], kernel=builders.kernel(ARM64), workloads=())
    fleet.offered = builders.image_facts(builders.offer(ARM64), reference=IMAGE)
    fleet.hosts[0] = builders.host("a", IMAGE)
    first = await fleet.scan()
    fleet.hosts = fleet.hosts[:1]
    second = await fleet.scan()
    fixes = [
        next(f.verdict.fix.summary for f in report.by_host["a"] if f.verdict.reason is Reason.PLATFORM_MISSING)
        for report in (first, second)
    ]
    assert "Or run it where it fits (linux/arm64): b." in fixes[0]
    assert "Or run it where" not in fixes[1]


async def test_an_answer_that_was_pushed_gets_older_with_each_scan_though_nothing_changed(fleet):
    fleet.facts = {name: replace(facts, answered_at=5.0) for name, facts in fleet.facts.items()}
    before, after = await fleet.scan(), await fleet.scan()
    assert kept(before, after) == ["a", "b"]
    assert {reading.last_success_at for report in (before, after) for reading in report.hosts} == {5.0}
