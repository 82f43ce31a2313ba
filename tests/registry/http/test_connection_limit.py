"""Connections are short: who gets the next one."""

import asyncio
import errno
import ssl

import pytest

from scanner.registry.http.connection_limit import ConnectionLimit
from scanner.registry.http.connections import Connections
from scanner.registry.http.sockets import AsyncioBackend
from tests.registry.http.test_connections import asked, serving, until


class Registry:
    """Somebody who is connected to."""


async def entered(places, who, order, name):
    await places.enter(who)
    order.append(name)


async def test_whoever_has_fewest_and_was_not_slow_is_the_next():
    places, order = ConnectionLimit(2), []
    silent, slow, sound = Registry(), Registry(), Registry()
    await places.enter(silent)
    await places.enter(silent)
    places.was_slow(slow, is_slow=True)
    waiting = [
        asyncio.create_task(entered(places, who, order, name))
        for who, name in ((silent, "silent"), (slow, "slow"), (sound, "sound"))
    ]
    await asyncio.sleep(0)
    assert places.are_short
    for _ in range(2):
        places.leave(silent)
        await asyncio.sleep(0)
    assert order == ["sound", "silent"]
    places.leave(sound)
    await asyncio.gather(*waiting)
    assert (order, places.are_short) == (["sound", "silent", "slow"], False)


async def test_none_in_time_is_our_own_shortage_and_whoever_gives_up_leaves_the_line():
    places, one, other = ConnectionLimit(1, within_s=0.05), Registry(), Registry()
    await places.enter(one)
    with pytest.raises(OSError, match="Too many open files") as short:
        await places.enter(other)
    assert short.value.errno == errno.EMFILE
    assert not places.are_short
    places.leave(one)
    await places.enter(other)


async def test_a_place_that_came_too_late_is_given_back():
    places, one, other = ConnectionLimit(1), Registry(), Registry()
    await places.enter(one)
    waiting = asyncio.create_task(places.enter(other))
    await asyncio.sleep(0)
    places.leave(one)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(places.enter(one), 60)


async def test_what_one_keeps_idle_is_closed_for_another():
    async with serving() as (first, _, one), serving() as (second, _, other):
        places = ConnectionLimit(1)
        pools = [
            Connections(AsyncioBackend(places), ssl.create_default_context(), most=2, keep_for_s=60.0, places=places)
            for _ in range(2)
        ]
        for _ in range(2):
            assert await asked(pools[0], f"{one}/a") == b"/a"
            assert await asked(pools[1], f"{other}/b") == b"/b"
        await until(lambda: (first.open, second.open) == (0, 1))
        assert (first.accepted, second.accepted) == (2, 2)
        for pool in pools:
            await pool.aclose()
