"""What several ask for at the same time is found out once."""

from __future__ import annotations

import asyncio

import pytest

from scanner.scan.images.under_way import UnderWay


async def test_equal_questions_are_asked_once_and_who_is_cancelled_takes_it_from_nobody():
    under_way, go, begun = UnderWay(), asyncio.Event(), []

    async def find():
        begun.append(1)
        await go.wait()
        return "found"

    first, second = (asyncio.create_task(under_way.of("x", find)) for _ in range(2))
    while not begun:
        await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    go.set()
    assert await second == "found"
    assert await under_way.of("x", find) == "found"
    assert len(begun) == 2  # once for both, once for who asked when it was done


async def test_what_is_under_way_is_given_up():
    under_way = UnderWay()
    asked = asyncio.create_task(under_way.of("x", asyncio.Event().wait))
    await asyncio.sleep(0)
    await under_way.close()
    with pytest.raises(asyncio.CancelledError):
        await asked
