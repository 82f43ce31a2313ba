"""Who may open an image now: nobody waits for somebody else's slow registry."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from scanner.scan.shares import MAX_AT_ONCE, PER_HOST, PER_REGISTRY, PER_SLOW_REGISTRY, Shares


class Line:
    """Inspections that go on until they are told to end; ``inside`` are those that have a place."""

    def __init__(self, shares):
        self.shares, self.inside, self.tasks, self.ends = shares, [], {}, {}

    def start(self, name, registry="r.example", host="h"):
        self.ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.create_task(self._inspect(name, registry, host))

    async def _inspect(self, name, registry, host):
        async with self.shares.place(registry, host):
            self.inside.append(name)
            try:
                await self.ends[name].wait()
            finally:
                self.inside.remove(name)

    async def end(self, *names):
        for name in names:
            self.ends[name].set()
        await settle()


async def settle():
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
async def line():
    made = []

    def begin(slow_after_s=3600):
        made.append(Line(Shares(slow_after_s)))
        return made[-1]

    yield begin
    for each in made:
        for task in each.tasks.values():
            task.cancel()
        await asyncio.gather(*each.tasks.values(), return_exceptions=True)


async def test_one_host_never_has_all_places(line):
    one = line()
    for number in range(16):
        one.start(f"bad-{number}", f"r{number}.example", "hostile")
    await settle()
    assert len(one.inside) == PER_HOST
    one.start("good", "r.example", "other")
    await settle()
    assert "good" in one.inside


async def test_one_registry_never_has_all_places(line):
    one = line()
    for number in range(16):
        one.start(f"bad-{number}", "slow.example", f"h{number}")
    await settle()
    assert len(one.inside) == PER_REGISTRY
    one.start("good", "r.example", "h0")
    await settle()
    assert "good" in one.inside


async def test_never_more_than_all_places(line):
    one = line()
    for number in range(40):
        one.start(str(number), f"r{number}.example", f"h{number}")
    await settle()
    assert len(one.inside) == MAX_AT_ONCE
    await one.end("0", "1")
    assert len(one.inside) == MAX_AT_ONCE


async def made_slow(one, count):
    """Inspections of ``slow.example`` that go on beside, each of which has handed its place on."""
    names = [f"slow-{number}" for number in range(count)]
    for number, name in enumerate(names):
        one.start(name, "slow.example", f"h{number}")
    while one.shares._slow < len(names):
        await asyncio.sleep(0.01)
    one.shares._slow_after_s = 3600
    return names


def of(registry, one):
    return [name for name in one.inside if name.startswith(registry)]


async def with_others_waiting(one):
    """As many of ``slow.example`` as of other registries stand in line when the first places come free."""
    first = [f"first-{number}" for number in range(MAX_AT_ONCE)]
    for number, name in enumerate(first):
        one.start(name, f"r{number % 4}.example", f"a{number}")
    await settle()
    for number in range(3 * MAX_AT_ONCE):
        one.start(f"next-{number}", "slow.example", f"n{number}")
        one.start(f"fast-{number}", f"r{number % 4}.example", f"f{number}")
    await settle()
    await one.end(*first)


async def test_a_slow_one_hands_its_place_on_and_its_registry_is_remembered_while_others_wait(line):
    one = line(0.01)
    slow = await made_slow(one, 2 * PER_REGISTRY)
    await with_others_waiting(one)
    assert (len(of("fast", one)), len(of("next", one))) == (MAX_AT_ONCE - PER_SLOW_REGISTRY, PER_SLOW_REGISTRY)
    one.shares.begin()
    await one.end(*slow, *of("fast", one))
    assert len(of("next", one)) > PER_SLOW_REGISTRY


async def test_a_registry_that_was_slow_has_its_whole_share_as_long_as_nobody_else_waits(line):
    one = line(0.01)
    await made_slow(one, PER_REGISTRY)
    for number in range(2 * PER_REGISTRY):
        one.start(f"next-{number}", "slow.example", f"n{number}")
    await settle()
    assert len(of("next", one)) == PER_REGISTRY
    one.start("good", "r.example", "other")
    await settle()
    assert "good" in one.inside


async def test_a_registry_that_answers_in_time_again_is_slow_no_longer(line):
    one = line(0.01)
    slow = await made_slow(one, 1)
    await with_others_waiting(one)
    await one.end(*of("next", one))
    assert len(of("next", one)) == PER_SLOW_REGISTRY, "one of its own still drips"
    await one.end(*slow, of("next", one)[0])
    await one.end(*of("fast", one))
    assert len(of("next", one)) > PER_SLOW_REGISTRY


async def test_sixteen_images_that_drip_from_one_host_leave_the_same_registry_to_others(line):
    one = line(0.01)
    for number in range(16):
        one.start(f"drip-{number}", "r.example", "hostile")
    while one.shares._slow < PER_HOST:
        await asyncio.sleep(0.01)
    one.shares._slow_after_s = 3600
    for number in range(20):
        one.start(f"good-{number}", "r.example", f"h{number}")
        await settle()
        assert f"good-{number}" in one.inside
        await one.end(f"good-{number}")


async def test_whoever_is_cancelled_gives_its_place_back(line):
    one = line()
    for number in range(PER_HOST + 2):
        one.start(str(number))
    await settle()
    one.tasks[str(PER_HOST)].cancel()  # in the line
    one.tasks["0"].cancel()  # inside
    await settle()
    assert sorted(one.inside) == sorted([*map(str, range(1, PER_HOST)), str(PER_HOST + 1)])
    for task in one.tasks.values():
        task.cancel()
    await settle()
    shares = one.shares
    assert (shares._regular, shares._slow, len(shares._waiting)) == (0, 0, 0)
    assert not +shares._by_host
    assert not +shares._by_registry


async def test_without_a_host_only_registries_have_shares():
    shares = Shares()
    async with AsyncExitStack() as held:
        for number in range(MAX_AT_ONCE):
            await held.enter_async_context(shares.place(f"r{number}.example", ""))
