"""Verdicts that hosts share, verdicts that they never do."""

from __future__ import annotations

import asyncio
from dataclasses import fields, replace

import pytest

from scanner.domain.facts import HostFacts, LiveProcess, Mount, Process, Since, Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts, Offer
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.plain import plain_engine, plain_host
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.scan.images.images import Images
from scanner.scan.judgements import Judgements
from scanner.scan.standing_verdicts import MAX_SUBJECT_CHARS, StandingVerdicts

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
IMAGE = ImageFacts(
    "r.example/app:1", "sha256:" + "f" * 64, is_index=True, offers=(Offer("sha256:" + "a" * 64, AMD64, AMD64),)
)


class Counting(Images):
    """Knows one image; counts how often it is asked."""

    __slots__ = ("asked",)

    async def known(self, host, workload, note=None):
        object.__setattr__(self, "asked", getattr(self, "asked", 0) + 1)
        return await super().known(host, workload, note)


class Registry:
    """Has the one image, behind a gate that tests may close."""

    def __init__(self):
        self.gate = asyncio.Event()
        self.gate.set()
        self.image = IMAGE

    async def resolve(self, reference, *, depth, wanted=None):
        await self.gate.wait()
        return self.image


@pytest.fixture
def registry():
    return Registry()


@pytest.fixture
def judgements(registry):
    return Judgements(Counting(registry, None, Depth.CONFIG))


def facts(name, platform=AMD64, **engine):
    return HostFacts(name, plain_host(platform), (replace(plain_engine(platform), **engine),))


def workload(host, name="api", **more):
    return Workload(host, name, Source.INVENTORY, Stage.PLANNED, "r.example/app:1", **more)


async def judged(judgements, host, one):
    return await judgements.verdict(judgements.of(judgements.kind(host), one), host, one)


async def test_what_is_right_is_judged_once_for_all_hosts_alike(judgements):
    verdicts = [await judged(judgements, facts(name), workload(name, f"api-{name}")) for name in "abc"]
    assert {verdict.reason for verdict in verdicts} == {Reason.NATIVE}
    assert judgements.images.asked == 1
    assert verdicts[2] == judge(facts("c"), workload("c", "api-c"), IMAGE, Depth.CONFIG)


async def test_what_is_wrong_names_its_own_host(judgements):
    verdicts = [await judged(judgements, facts(name, ARM64), workload(name)) for name in ("left", "right")]
    assert {verdict.reason for verdict in verdicts} == {Reason.PLATFORM_MISSING}
    for name, verdict in zip(("left", "right"), verdicts, strict=True):
        assert verdict == judge(facts(name, ARM64), workload(name), IMAGE, Depth.CONFIG)


async def asked_at_once(judgements, registry, hosts):
    """One task a host, all of them under way while the registry thinks."""
    registry.gate.clear()
    tasks = [asyncio.create_task(judged(judgements, host, workload(host.host))) for host in hosts]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_what_many_ask_at_the_same_time_is_found_out_once(judgements, registry):
    tasks = await asked_at_once(judgements, registry, [facts(name) for name in "abcd"])
    registry.gate.set()
    assert {verdict.reason for verdict in await asyncio.gather(*tasks)} == {Reason.NATIVE}
    assert judgements.images.asked == 1


async def test_those_who_waited_for_what_is_not_right_are_each_told_of_their_own_host(judgements, registry):
    hosts = [facts(name, ARM64) for name in "abcd"]
    tasks = await asked_at_once(judgements, registry, hosts)
    assert judgements.images.asked == 1
    registry.gate.set()
    expected = [judge(host, workload(host.host), IMAGE, Depth.CONFIG) for host in hosts]
    assert await asyncio.gather(*tasks) == expected


async def test_those_who_waited_go_on_where_who_asked_first_is_cut_off(judgements, registry):
    first, *others = await asked_at_once(judgements, registry, [facts(name) for name in "abcd"])
    first.cancel()
    await asyncio.wait([first])
    registry.gate.set()
    assert {verdict.reason for verdict in await asyncio.gather(*others)} == {Reason.NATIVE}


async def test_hosts_of_another_cpu_or_engine_share_nothing(judgements):
    for host in (
        facts("a"),
        facts("b", version="20.10"),
        facts("c", ARM64),
        facts("d", Platform("linux", "amd64", "v3")),
    ):
        verdict = await judged(judgements, host, workload(host.host))
        assert verdict == judge(host, workload(host.host), IMAGE, Depth.CONFIG)
    assert judgements.images.asked == 4


OTHERS = {
    "source": Source.COMPOSE, "stage": Stage.STOPPED, "image": "r.example/other:1", "engine": "docker", "pinned": ARM64,
    "state": "exited", "exit_code": 1, "restart_count": 3, "error": "exec format error", "log": ("exec format error",),
    "build_only": True, "mounts": (Mount("/data"),), "settled": True, "live": (LiveProcess("app", "/app", b"\x7fELF"),),
    "checks": (("/bin/check",),), "since": Since((5, 0), "Pod="),
}  # fmt: skip


@pytest.mark.parametrize("field", OTHERS)
async def test_a_workload_that_differs_in_anything_is_judged_by_itself(judgements, field):
    host = facts("a")
    await judged(judgements, host, workload("a"))
    await judged(judgements, host, replace(workload("a"), **{field: OTHERS[field]}))
    assert judgements.images.asked == 2


def test_every_field_of_a_workload_but_its_names_is_told_apart():
    others = set(OTHERS) | {"local", "process"}  # values of their own, compared like all the others
    assert others == {field.name for field in fields(Workload) if field.compare} - {
        "host",
        "name",
        "started_at",
        "finished_at",
        "maker",
        "pinned_at",
    }


async def test_of_two_moments_only_what_lies_between_them_tells_workloads_apart(judgements):
    host, ended = facts("a"), replace(workload("a"), state="exited", exit_code=1)
    await judged(judgements, host, replace(ended, started_at=100.0, finished_at=103.0))
    await judged(judgements, host, replace(ended, started_at=200.0, finished_at=203.4))
    assert judgements.images.asked == 1
    await judged(judgements, host, replace(ended, started_at=200.0, finished_at=290.0))
    assert judgements.images.asked == 2


# ---------------------------------------------------------------- from one check to the next


@pytest.fixture
def check(registry):
    """``await check(host, depth=...)``: its verdict in a check of its own, and whether it was found out there."""
    standing = StandingVerdicts()

    async def one(host, depth=Depth.CONFIG, **more):
        made = Judgements(Counting(registry, None, depth), standing)
        return await judged(made, host, workload(host.host, **more)), getattr(made.images, "asked", 0) == 1

    return one


async def test_a_verdict_stands_while_its_tag_means_the_same(check):
    first, _ = await check(facts("a"))
    assert await check(facts("b")) == (first, False)


async def test_a_tag_that_moved_is_judged_anew(check, registry):
    await check(facts("a"))
    registry.image = replace(
        IMAGE, digest="sha256:" + "e" * 64, offers=(replace(IMAGE.offers[0], entry=ARM64, config=ARM64),)
    )
    verdict, found_out = await check(facts("a"))
    assert (verdict.reason, found_out) == (Reason.PLATFORM_MISSING, True)


async def test_what_a_registry_cannot_tell_any_more_does_not_stand(check, registry):
    await check(facts("a"))
    registry.image = Failure(Reason.IMAGE_UNREACHABLE, "it is down")
    verdict, _ = await check(facts("a"))
    assert verdict.reason is Reason.IMAGE_UNREACHABLE


async def test_what_is_wrong_another_host_or_another_depth_is_found_out_each_time(check):
    for host, depth in ((facts("a", ARM64), Depth.CONFIG), (facts("a"), Depth.CONFIG), (facts("a"), Depth.INDEX)):
        assert (await check(host, depth))[1]
    assert (await check(facts("a", ARM64)))[1]


async def test_the_verdict_asked_for_longest_ago_makes_room(check, monkeypatch):
    monkeypatch.setattr("scanner.scan.standing_verdicts.MAX_STANDING", 1)
    await check(facts("a"))
    await check(facts("b", version="20.10"))
    assert (await check(facts("a")))[1]


@pytest.mark.parametrize(("chars", "stands"), [(1000, True), (MAX_SUBJECT_CHARS, False)])
async def test_what_says_too_much_is_not_kept(check, chars, stands):
    said = {"process": Process(cmd=("app", "x" * chars))}
    await check(facts("a"), **said)
    assert (await check(facts("a"), **said))[1] is not stands
