"""Connections to hosts take turns behind whatever else is ready."""

import asyncio
import selectors
import socket
import threading
from contextlib import ExitStack

import pytest

from scanner.hosts.turns import LONGEST_S, PATIENCE_S, SHARE, Turns, TurnsLoop


@pytest.fixture
def pairs():
    """``pairs(count)``: so many connected sockets with their other ends."""
    with ExitStack() as open_ones:

        def make(count):
            made = [socket.socketpair() for _ in range(count)]
            for each in (end for pair in made for end in pair):
                open_ones.enter_context(each).setblocking(False)
            return made

        yield make


@pytest.fixture
def clock():
    """A moment that tests set."""
    return [0.0]


@pytest.fixture
def turns(clock):
    """A selector that tells of two at once that wait."""
    made = Turns(2, lambda: clock[0])
    yield made
    made.close()


def ready(turns, timeout=None):
    return [key.data for key, _ in turns.select(timeout)]


def speaking(turns, pairs, patient, others):
    """So many of both kinds are ready, and stay so; those that wait have names below zero."""
    for name in (*range(-patient, 0), *range(others)):
        ((here, there),) = pairs(1)
        there.send(b"x")
        if name < 0:
            turns.wait(here.fileno())
        turns.register(here, selectors.EVENT_READ, name)


def told(turns, rounds, timeout=None):
    """Which of those that wait are told of in each round."""
    return [[name for name in ready(turns, timeout) if name < 0] for _ in range(rounds)]


def test_those_that_wait_are_told_of_a_few_at_a_time_each_before_any_is_again(turns, pairs):
    speaking(turns, pairs, 5, 0)
    rounds = told(turns, 3)
    assert [len(found) for found in rounds] == [2, 2, 1]
    assert sorted(name for found in rounds for name in found) == [-5, -4, -3, -2, -1]


@pytest.mark.parametrize("others", [1, 2, 5, 16])
def test_one_is_told_of_for_so_many_others(turns, pairs, others):
    speaking(turns, pairs, 5 * others, others)
    rounds = told(turns, 2 * SHARE)
    assert sum(map(len, rounds)) == 2 * others
    assert max(map(len, rounds)) <= -(-others // SHARE)


def test_what_the_loop_has_to_do_comes_before_those_that_wait(turns, pairs):
    speaking(turns, pairs, 5, 0)
    busy = told(turns, 2 * SHARE, timeout=0)
    assert [len(found) for found in busy] == 2 * [*[0] * (SHARE - 1), 1]
    assert [len(found) for found in told(turns, 2)] == [2, 1]


@pytest.mark.parametrize(("others", "rounds"), [(0, [1, 1]), (3, [3, 3])])
def test_who_waits_long_is_told_of_as_often_as_others(turns, pairs, clock, others, rounds):
    speaking(turns, pairs, 9, others)
    assert told(turns, 1, timeout=0) == [[]]
    clock[0] = PATIENCE_S
    assert [len(found) for found in told(turns, 2, timeout=0)] == rounds


@pytest.mark.parametrize("others", [0, 3])
def test_nobody_waits_longer_than_a_login_can_bear(turns, pairs, clock, others):
    speaking(turns, pairs, 9, others)
    assert told(turns, 1, timeout=0) == [[]]
    clock[0] = LONGEST_S
    assert [len(found) for found in told(turns, 1, timeout=0)] == [9]


def test_what_changed_while_it_waited_for_its_turn_is_not_told_as_it_was(turns, pairs):
    (one, its_end), (two, other_end), (three, third_end), (four, fourth_end) = pairs(4)
    for each, end in ((one, its_end), (two, other_end), (three, third_end), (four, fourth_end)):
        turns.wait(each.fileno())
        turns.register(each, selectors.EVENT_READ, each)
        end.send(b"x")
    first = ready(turns)
    left, changed = (each for each in (one, two, three, four) if each not in first)
    turns.unregister(left)
    turns.modify(changed, selectors.EVENT_READ, "anew")
    assert ready(turns) == []
    assert set(ready(turns)) < {"anew", *first}


def test_a_number_is_nobodys_once_it_is_forgotten(turns, pairs):
    found = pairs(4)
    for here, there in found:
        turns.wait(here.fileno())
        turns.register(here, selectors.EVENT_READ, here)
        turns.forget(here.fileno())
        there.send(b"x")
    turns.forget(found[0][0].fileno())
    assert len(ready(turns)) == 4


def test_one_that_is_registered_may_be_had_to_wait_and_is_found_by_its_object(turns, pairs):
    ((here, there),) = pairs(1)
    turns.register(here, selectors.EVENT_READ, "data")
    turns.wait(here.fileno())
    assert (turns.get_key(here).data, turns.get_map()[here].data) == ("data", "data")
    there.send(b"x")
    assert ready(turns, None) == ["data"]


def test_an_answer_is_made_before_a_fleet_that_speaks_is_heard(pairs):
    heard = []

    async def served():
        loop, ((asked, asks),) = asyncio.get_running_loop(), pairs(1)
        for here, there in pairs(100):
            loop.turns.wait(here.fileno())
            loop.add_reader(here, heard.append, here)
            there.send(b"x")
        for _ in range(10):
            before = len(heard)
            asks.send(b"?")
            assert await loop.sock_recv(asked, 1) == b"?"
            for _ in range(2 * SHARE):  # what an answer takes
                await asyncio.sleep(0)
            assert len(heard) - before <= 4

    with asyncio.Runner(loop_factory=lambda: TurnsLoop(Turns(clock=lambda: 0.0))) as runner:
        runner.run(served())
    assert len(set(heard)) > 16


def test_a_name_server_that_does_not_answer_holds_up_no_work_in_threads(monkeypatch):
    may_end, asked = threading.Event(), []

    def nobody_answers(*what, **options):
        asked.append((what, options))
        may_end.wait()
        return ["found"]

    async def served():
        loop = asyncio.get_running_loop()
        names = [asyncio.create_task(loop.getaddrinfo(f"host-{one}.example", 22, type=1)) for one in range(100)]
        await asyncio.sleep(0)
        try:
            async with asyncio.timeout(60):
                assert await asyncio.to_thread(threading.get_ident) != threading.get_ident()
        finally:
            may_end.set()
        assert await asyncio.gather(*names) == [["found"]] * 100

    monkeypatch.setattr(socket, "getaddrinfo", nobody_answers)
    with asyncio.Runner(loop_factory=TurnsLoop) as runner:
        runner.run(served())
    assert asked[0] == (("host-0.example", 22), {"type": 1})
