import asyncio

from scanner.cluster import wire
from scanner.cluster.exchange import FORGET_AFTER_S, Exchanges
from scanner.cluster.host_reading import SentReading
from scanner.domain.host import Host


def asked(*names):
    return [(number, wire.host_text(Host(name, "10.0.0.1")), b"") for number, name in enumerate(names)]


async def until(exchanges, session, count, more=()):
    found = list(await exchanges.exchange(session, list(more), []))
    while len(found) < count:
        found += await exchanges.exchange(session, [], [])
    return found


async def test_each_host_that_is_asked_for_is_answered_once():
    async def read(host, known):
        return SentReading(digest=host.name.encode() + known, clock=3, facts="f")

    exchanges = Exchanges(read)
    found = await until(exchanges, "s", 3, asked("a", "b", "c"))
    assert sorted(found) == [(number, name.encode(), 3, "f", "") for number, name in enumerate("abc")]
    assert await exchanges.exchange("s", [], []) == []
    await exchanges.close()


async def test_a_slow_host_does_not_hold_up_the_answers_of_others():
    slow = asyncio.Event()

    async def read(host, known):
        if host.name == "slow":
            await slow.wait()
        return SentReading(facts=host.name)

    exchanges = Exchanges(read)
    assert [one[3] for one in await until(exchanges, "s", 1, asked("slow", "b"))] == ["b"]
    slow.set()
    assert [one[3] for one in await until(exchanges, "s", 1)] == ["slow"]
    await exchanges.close()


async def test_several_askers_get_their_own_answers():
    async def read(host, known):
        return SentReading(facts=host.name)

    exchanges = Exchanges(read)
    mine, yours = await asyncio.gather(until(exchanges, "m", 1, asked("a")), until(exchanges, "y", 1, asked("b")))
    assert (mine[0][3], yours[0][3]) == ("a", "b")
    await exchanges.close()


async def test_what_is_dropped_is_ended():
    ended = asyncio.Event()

    async def read(host, known):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    exchanges = Exchanges(read)
    await exchanges.exchange("s", asked("a"), [])
    assert await exchanges.exchange("s", [], [0]) == []
    await asyncio.wait_for(ended.wait(), 60)
    await exchanges.close()


async def test_whoever_is_not_heard_of_any_more_is_forgotten():
    now, ended = [0.0], asyncio.Event()

    async def read(host, known):
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    exchanges = Exchanges(read, lambda: now[0])
    await exchanges.exchange("gone", asked("a"), [])
    now[0] = FORGET_AFTER_S + 1
    await exchanges.exchange("here", [], [])
    await asyncio.wait_for(ended.wait(), 60)
    await exchanges.close()


async def test_a_bug_in_reading_one_host_is_that_hosts_failure(caplog):
    async def read(host, known):
        raise RuntimeError("oh")

    exchanges = Exchanges(read)
    ((_, _, _, _, failure),) = await until(exchanges, "s", 1, asked("a"))
    assert wire.failure_of(failure).detail == "RuntimeError: oh"
    await exchanges.close()


async def test_what_is_no_host_is_a_failure_of_its_own():
    async def read(host, known):
        return SentReading(facts=host.name)

    exchanges = Exchanges(read)
    found = await until(exchanges, "s", 2, [(7, "{}", b""), *asked("a")])
    assert {number: bool(failure) for number, *_, failure in found} == {7: True, 0: False}
    await exchanges.close()
