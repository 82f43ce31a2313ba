"""How much a registry may be asked."""

import asyncio

import pytest

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.config import ClientConfig, RegistryConfig
from scanner.registry.http.budget import (
    BREAK_AFTER,
    BREAK_FOR_S,
    FORGET_REMAINING_S,
    MAX_PAUSE_S,
    RegistryBudget,
    TokenBucket,
)

DOWN = Failure(Reason.IMAGE_UNREACHABLE, "connection refused")


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    async def sleep(self, seconds):
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def budget(clock):
    limited = RegistryConfig("a.example", stop_below=10)
    return RegistryBudget(ClientConfig(concurrency=2), clock=clock, sleep=clock.sleep, registry=limited)


def test_a_bucket_lets_a_burst_pass_then_keeps_its_rate(clock):
    bucket = TokenBucket(10.0, 3, clock)
    assert [round(bucket.reserve(), 3) for _ in range(5)] == [0, 0, 0, 0.1, 0.2]
    clock.now += 100
    assert [round(bucket.reserve(), 3) for _ in range(4)] == [0, 0, 0, 0.1]


def test_a_bucket_does_not_mind_a_clock_that_stands(clock):
    bucket = TokenBucket(10.0, 1, clock)
    bucket.reserve()
    clock.now -= 50
    assert bucket.reserve() == pytest.approx(0.1)


@pytest.mark.parametrize("outcome", [DOWN, 500, 503, Failure(Reason.IMAGE_TLS_REJECTED), Failure(Reason.IMAGE_TIMEOUT)])
def test_failures_in_a_row_break_the_circuit(budget, clock, outcome):
    for _ in range(BREAK_AFTER):
        assert budget.refusal(counted=False) is None
        budget.note(outcome, {}, None)
    refused = budget.refusal(counted=False)
    assert refused.reason in {getattr(outcome, "reason", None), Reason.IMAGE_SERVER_ERROR}
    clock.now += BREAK_FOR_S
    assert budget.refusal(counted=False) is None


@pytest.mark.parametrize("outcome", [200, 404, 429, Failure(Reason.IMAGE_MALFORMED), Failure(Reason.IMAGE_TOO_LARGE)])
def test_an_answer_mends_the_circuit(budget, outcome):
    for _ in range(BREAK_AFTER - 1):
        budget.note(DOWN, {}, None)
    budget.note(outcome, {}, None)
    budget.note(DOWN, {}, None)
    assert budget.refusal(counted=False) is None


async def test_after_the_break_one_request_tries_for_all(budget, clock):
    for _ in range(BREAK_AFTER):
        budget.note(DOWN, {}, None)
    clock.now += BREAK_FOR_S
    async with budget.slot():
        assert budget.refusal(counted=False) is not None
        budget.note(200, {}, None)
    assert budget.refusal(counted=False) is None


async def test_a_short_pause_is_waited_for_by_everybody(budget, clock):
    budget.note(429, {}, 5.0)
    assert budget.refusal(counted=True) is None
    async with budget.slot():
        assert clock.now == pytest.approx(105.0)


def test_a_long_pause_refuses_and_is_bounded(budget, clock):
    budget.note(429, {}, 1e9)
    assert budget.refusal(counted=False).reason is Reason.IMAGE_RATE_LIMITED
    clock.now += MAX_PAUSE_S
    assert budget.refusal(counted=False) is None


def test_a_retry_after_beside_a_good_answer_means_nothing(budget):
    budget.note(200, {}, 1000.0)
    assert budget.refusal(counted=True) is None


@pytest.mark.parametrize(
    ("header", "remaining"), [("76;w=21600", 76), ("0", 0), (" 9 ;w=1", 9), ("x", None), ("", None)]
)
def test_what_remains_of_a_limit_is_read(budget, header, remaining):
    assert budget.note(200, {"ratelimit-remaining": header}, None) == remaining


def test_the_reserve_stops_what_is_counted_only(budget, clock):
    budget.note(200, {"x-ratelimit-remaining": "9"}, None)
    refused = budget.refusal(counted=True)
    assert (refused.reason, refused.setting) == (Reason.IMAGE_RATE_LIMITED, "stop_below")
    assert budget.refusal(counted=False) is None
    clock.now += FORGET_REMAINING_S + 1
    assert budget.refusal(counted=True) is None


async def test_slots_bound_what_is_in_flight(budget):
    most, now = 0, 0

    async def use():
        nonlocal most, now
        async with budget.slot():
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1

    await asyncio.gather(*(use() for _ in range(10)))
    assert most == 2


async def test_a_cancelled_wait_gives_its_slot_back(budget):
    async with budget.slot(), budget.slot():
        waiting = asyncio.create_task(budget.slot().__aenter__())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    async with budget.slot(), budget.slot():
        pass


# ---------------------------------------------------------------- one registry's own bounds


async def test_a_registrys_own_bounds_replace_the_usual_ones(clock):
    usual = ClientConfig(concurrency=2, rate_per_s=100.0, burst=100)
    strict = RegistryConfig("a.example", concurrency=1, rate_per_s=1.0, burst=1, stop_below=50)
    own = RegistryBudget(usual, clock=clock, sleep=clock.sleep, registry=strict)
    own.note(200, {"ratelimit-remaining": "30"}, None)
    assert own.refusal(counted=True).reason is Reason.IMAGE_RATE_LIMITED
    for _ in range(2):
        async with own.slot():
            pass
    assert clock.now == 101.0
    other = RegistryBudget(usual, clock=clock, sleep=clock.sleep, registry=RegistryConfig("b.example"))
    other.note(200, {"ratelimit-remaining": "30"}, None)
    assert other.refusal(counted=True) is None


@pytest.mark.parametrize("prefix", ["", "x-"])
async def test_half_of_an_announced_limit_is_left_to_the_hosts_unless_that_is_said(clock, prefix):
    budget = RegistryBudget(ClientConfig(), clock=clock, sleep=clock.sleep)
    for remaining, refused in ((60, False), (50, False), (49, True), (0, True)):
        said = {f"{prefix}ratelimit-limit": "100;w=21600", f"{prefix}ratelimit-remaining": f"{remaining};w=21600"}
        budget.note(200, said, None)
        assert (budget.refusal(counted=True) is not None) is refused
        assert budget.refusal(counted=False) is None
    budget.note(200, {"ratelimit-remaining": "0"}, None)
    assert budget.refusal(counted=True) is None  # of a limit that nobody names there is no half


async def test_a_bound_of_zero_is_a_bound(clock):
    own = RegistryConfig("a.example", stop_below=0)
    budget = RegistryBudget(ClientConfig(), clock=clock, sleep=clock.sleep, registry=own)
    budget.note(200, {"ratelimit-limit": "10", "ratelimit-remaining": "0"}, None)
    assert budget.refusal(counted=True) is None
