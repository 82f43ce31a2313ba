"""How wide a scan is while somebody waits for an answer."""

import asyncio
import time
from itertools import count

import pytest

from scanner.scan.fanout import fan_out
from scanner.scan.pace import LEAST, ROUND_S, Pace

MOST = 64


class Work:
    """Items at work until ``go``; how many there are at most."""

    def __init__(self, pace):
        self.pace, self.at_work, self.go = pace, 0, asyncio.Event()

    async def one(self):
        async with self.pace.place():
            self.at_work += 1
            await self.go.wait()
            self.at_work -= 1


@pytest.fixture
def paced():
    """``paced(round_s, looks)``: a pace in a loop whose rounds take so long, awaited, looked at so often."""

    async def made(round_s, looks, is_awaited=True):
        clock = count()
        pace = Pace(MOST, lambda: is_awaited, lambda: next(clock) * round_s)
        for _ in range(looks):
            await pace.look()
        return pace

    return made


async def at_work(pace):
    work = Work(pace)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2 * MOST):
            tasks.create_task(work.one())
        for _ in range(3):
            await asyncio.sleep(0)
        found = work.at_work
        work.go.set()
    return found


@pytest.mark.parametrize(
    ("round_s", "looks", "is_awaited", "width"),
    [
        (10 * ROUND_S, 1, True, MOST // 2),
        (10 * ROUND_S, 20, True, LEAST),
        (10 * ROUND_S, 20, False, MOST),
        (ROUND_S / 2, 20, True, MOST),
    ],
)
async def test_a_scan_is_as_wide_as_long_rounds_allow_while_somebody_waits(paced, round_s, looks, is_awaited, width):
    assert await at_work(await paced(round_s, looks, is_awaited)) == width


async def test_what_is_narrow_grows_wide_again_and_those_who_waited_are_let_in():
    awaited = [True]
    clock = count()
    pace = Pace(MOST, lambda: awaited[0], lambda: next(clock) * 10 * ROUND_S)
    for _ in range(20):
        await pace.look()
    work = Work(pace)
    async with asyncio.TaskGroup() as tasks:
        for _ in range(MOST):
            tasks.create_task(work.one())
        await asyncio.sleep(0)
        assert work.at_work == LEAST
        awaited.clear()
        awaited.append(False)
        await pace.look()
        await asyncio.sleep(0)
        assert work.at_work == MOST
        work.go.set()


async def middle_round_s(is_awaited):
    """Processor time of the middle one of the loop's rounds while 64 of 300 items at a time keep it busy."""
    rounds = []

    async def work(_item):
        for _ in range(5):
            until = time.thread_time() + 0.0002
            while time.thread_time() < until:
                pass
            await asyncio.sleep(0)

    async def who_waits():
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            rounds.append(time.thread_time() - began)

    waits = asyncio.create_task(who_waits())
    assert await fan_out(range(300), work, MOST, 30.0, lambda: is_awaited)
    waits.cancel()
    await asyncio.wait([waits])
    return sorted(rounds)[len(rounds) // 2]


async def test_rounds_are_shorter_while_somebody_waits():
    assert await middle_round_s(is_awaited=True) < await middle_round_s(is_awaited=False) / 2
