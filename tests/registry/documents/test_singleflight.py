"""Equal questions share one flight."""

import asyncio

import pytest

from scanner.registry.documents.singleflight import Singleflight


class Work:
    def __init__(self):
        self.begun, self.cancelled = 0, 0
        self.gate = asyncio.Event()

    async def __call__(self):
        self.begun += 1
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.begun


async def _begin(flights, work, count, key="k"):
    tasks = [asyncio.create_task(flights.join(key, work)) for _ in range(count)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return tasks


async def test_everybody_gets_the_one_result():
    flights, work = Singleflight(), Work()
    tasks = await _begin(flights, work, 5)
    work.gate.set()
    assert await asyncio.gather(*tasks) == [1] * 5


async def test_after_a_landing_the_next_question_flies_anew():
    flights, work = Singleflight(), Work()
    work.gate.set()
    assert [await flights.join("k", work), await flights.join("k", work)] == [1, 2]
    assert flights._tasks == {}
    assert flights._waiting == {}


async def test_who_asks_between_a_landing_and_its_waiters_is_given_the_same():
    flights, asked = Singleflight(), []

    async def work():
        asyncio.get_running_loop().call_soon(lambda: asked.append(asyncio.create_task(flights.join("k", work))))
        begun.append(work)
        return len(begun)

    begun = []
    assert await flights.join("k", work) == 1
    assert await asked[0] == 1
    assert (flights._tasks, flights._waiting) == ({}, {})


async def test_different_questions_fly_apart():
    flights, work = Singleflight(), Work()
    tasks = await _begin(flights, work, 1, "a") + await _begin(flights, work, 1, "b")
    work.gate.set()
    await asyncio.gather(*tasks)
    assert work.begun == 2


async def test_the_first_may_leave_and_the_others_still_arrive():
    flights, work = Singleflight(), Work()
    first, *others = await _begin(flights, work, 3)
    first.cancel()
    await asyncio.sleep(0)
    work.gate.set()
    assert await asyncio.gather(*others) == [1, 1]
    assert (first.cancelled(), work.cancelled) == (True, 0)


async def test_when_the_last_leaves_the_work_is_cancelled():
    flights, work = Singleflight(), Work()
    tasks = await _begin(flights, work, 3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert (work.cancelled, flights._tasks, flights._waiting) == (1, {}, {})


async def test_a_newcomer_after_the_last_left_does_not_wait_for_the_cancelled():
    flights, work = Singleflight(), Work()
    (leaving,) = await _begin(flights, work, 1)
    leaving.cancel()
    await asyncio.sleep(0)
    (coming,) = await _begin(flights, work, 1)
    work.gate.set()
    assert await coming == 2


async def test_an_exception_reaches_everybody():
    flights = Singleflight()

    async def fail():
        await asyncio.sleep(0)
        raise RuntimeError("bug")

    tasks = await _begin(flights, fail, 3)
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [str(error) for error in found] == ["bug"] * 3


async def test_closing_ends_what_is_on_its_way():
    flights, work = Singleflight(), Work()
    tasks = await _begin(flights, work, 2)
    await flights.aclose()
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    await asyncio.gather(*tasks, return_exceptions=True)
    assert work.cancelled == 1
