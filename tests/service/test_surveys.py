"""Surveys are made between scans, in their order, within the day's budget."""

import asyncio

import pytest

from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts, Layer, Offer
from scanner.domain.image.reference import parse
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.scan.images.image_surveys import Rank, Wanted
from tests.service.environment import gate, scanned, settled

AMD64 = Platform("linux", "amd64")
DAY = 86400.0


def wanted(name, rank=Rank.PLANNED, *, size=10, registry="r.example"):
    offer = Offer(f"sha256:{name:0>64}", AMD64, AMD64, layers=(Layer(f"sha256:{name:f>64}", "tar", size),))
    facts = ImageFacts(name, offer.digest, is_index=False, offers=(offer,))
    return Wanted(parse(f"{registry}/{name}:1"), facts, offer, True, rank)


def made(environment):
    return [each.reference.repository for each in environment.surveyed]


@pytest.fixture
def settings(environment):
    return environment.document["scan"].setdefault("surveys", {})


async def drained(service, left=0):
    """Until nothing is under way and so many wait."""
    async with asyncio.timeout(60):
        while service.surveys.pending > left or service.surveys._under_way:
            await asyncio.sleep(0.001)


async def test_a_scan_asks_for_what_it_lacks_while_the_gate_makes_what_it_can_at_once(environment, service):
    await scanned(service)
    await gate(service, "a")
    assert environment.surveys_asked == [(False, True), (True, True)]


async def test_what_is_wanted_is_made(environment, service):
    service.surveys.want(wanted("a"))
    await drained(service)
    assert made(environment) == ["a"]


async def test_nothing_begins_while_a_scan_runs(environment, service):
    with service.surveys.paused():
        service.surveys.want(wanted("a"))
        await settled()
        assert (made(environment), service.surveys.pending) == ([], 1)
    await drained(service)
    assert made(environment) == ["a"]


async def test_planned_comes_before_moved_tags_before_what_is_stopped(environment, service, settings):
    settings["per_registry"] = 1
    service.reloading.reload("test")
    with service.surveys.paused():
        for name, rank in [("c", Rank.EXISTING), ("a", Rank.PLANNED), ("b", Rank.MOVED), ("d", Rank.PLANNED)]:
            service.surveys.want(wanted(name, rank))
    await drained(service)
    assert made(environment) == ["a", "d", "b", "c"]


async def test_the_most_urgent_who_wants_it_counts_and_it_is_made_once(environment, service, settings):
    settings["per_registry"] = 1
    service.reloading.reload("test")
    with service.surveys.paused():
        service.surveys.want(wanted("a", Rank.EXISTING))
        service.surveys.want(wanted("b", Rank.MOVED))
        service.surveys.want(wanted("a", Rank.PLANNED))
        service.surveys.want(wanted("a", Rank.EXISTING))
    await drained(service)
    assert made(environment) == ["a", "b"]


async def test_of_one_registry_two_are_made_at_once(environment, service):
    environment.go.clear()
    for name in "abc":
        service.surveys.want(wanted(name))
    service.surveys.want(wanted("d", registry="other.example"))
    await settled()
    assert sorted(made(environment)) == ["a", "b", "d"]
    environment.go.set()
    await drained(service)
    assert len(made(environment)) == 4


async def test_the_day_s_budget_ends_and_the_next_day_goes_on(environment, service, settings):
    settings["daily_bytes"] = "25B"
    service.reloading.reload("test")
    for name in "abcd":
        service.surveys.want(wanted(name))
    await drained(service, left=2)
    assert (made(environment), service.surveys.pending) == (["a", "b"], 2)
    service.surveys.want(wanted("small", size=5))
    await drained(service, left=2)
    assert made(environment) == ["a", "b", "small"]
    environment.now += DAY
    with service.surveys.paused():
        pass
    await drained(service)
    assert sorted(made(environment)) == ["a", "b", "c", "d", "small"]


async def test_a_restart_does_not_grant_the_budget_again(environment, service, store, settings):
    settings["daily_bytes"] = "25B"
    for name in "ab":
        service.surveys.want(wanted(name))
    await drained(service)
    again = environment.service(store)
    await again.surveys.load()
    again.surveys.want(wanted("c"))
    await drained(again, left=1)
    assert (made(environment), again.surveys.pending) == (["a", "b"], 1)
    await again.stop()


async def test_a_budget_of_nothing_makes_nothing(environment, service, settings):
    settings["daily_bytes"] = "0B"
    service.reloading.reload("test")
    service.surveys.want(wanted("a"))
    await settled()
    assert (made(environment), service.surveys.pending) == ([], 1)


async def test_a_survey_that_fails_makes_room_for_the_next(environment, service):
    plain = environment.survey

    async def survey(each, grant):
        if each.reference.repository == "bad":
            return Failure(Reason.IMAGE_TIMEOUT, "too slow")
        if each.reference.repository == "bug":
            raise ValueError("a bug")
        return await plain(each, grant)

    environment.survey = survey
    for name in ("bad", "bug", "good"):
        service.surveys.want(wanted(name))
    await drained(service)
    assert made(environment) == ["good"]


async def test_a_stop_gives_up_what_is_under_way(environment, service):
    environment.go.clear()
    service.surveys.want(wanted("a"))
    await settled()
    await service.stop()
    assert service.surveys.pending == 0


async def test_the_metrics_tell_how_many_wait(environment, service):
    with service.surveys.paused():
        service.surveys.want(wanted("a"))
        service.surveys.want(wanted("b"))
    pages = []
    service.surveys._observer.surveys_pending = pages.append
    await drained(service)
    assert pages[-1] == 0
