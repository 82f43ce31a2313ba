"""Connections to hosts take turns behind whatever else is ready."""

import asyncio
import selectors
import socket
from contextlib import ExitStack

import pytest

from scanner.hosts.turns import PATIENCE_S, Turns, TurnsLoop


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
def turns():
    """A selector that tells of two at once that wait."""
    made = Turns(2)
    yield made
    made.close()


def ready(turns, timeout=0):
    return [key.data for key, _ in turns.select(timeout)]


def test_those_that_wait_are_told_of_a_few_at_a_time_each_before_any_is_again(turns, pairs):
    patient, other = pairs(5), pairs(2)
    for name, (here, there) in enumerate([*patient, *other]):
        there.send(b"x")
        if name < len(patient):
            turns.wait(here.fileno())
        turns.register(here, selectors.EVENT_READ, name)
    rounds = [ready(turns, None) for _ in range(3)]
    assert [sorted(found)[-2:] for found in rounds] == [[5, 6]] * 3
    assert sorted(name for found in rounds for name in found if name < 5) == [0, 1, 2, 3, 4]
    assert [sum(name < 5 for name in found) for found in rounds] == [2, 2, 1]


def test_as_many_are_told_as_there_are_others(turns, pairs):
    for name, (here, there) in enumerate(pairs(12)):
        there.send(b"x")
        if name < 8:
            turns.wait(here.fileno())
        turns.register(here, selectors.EVENT_READ, name)
    assert [len(ready(turns)) for _ in range(2)] == [8, 8]


def test_nobody_waits_longer_than_a_login_can_bear(pairs):
    moments = iter([0.0, 0.0, PATIENCE_S])
    turns = Turns(2, lambda: next(moments))
    for name, (here, there) in enumerate(pairs(7)):
        there.send(b"x")
        turns.wait(here.fileno())
        turns.register(here, selectors.EVENT_READ, name)
    assert [len(ready(turns)) for _ in range(2)] == [2, 5]
    turns.close()


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


def test_an_answer_takes_no_more_rounds_for_a_fleet_that_speaks(pairs):
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
            assert len(heard) - before <= 3 * 8

    with asyncio.Runner(loop_factory=TurnsLoop) as runner:
        runner.run(served())
    assert len(set(heard)) > 16
