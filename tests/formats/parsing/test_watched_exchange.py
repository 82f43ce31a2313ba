"""Calls whose pipes the event loop watches end as those of a thread do."""

import asyncio
import operator
import os
import time

import pytest

from scanner.formats.parsing.deadline_pipe import DeadlinePipe
from scanner.formats.parsing.offload import ALIKE_BYTES, CallBudget, Parsers, WorkerError
from scanner.formats.parsing.watched_exchange import WatchedExchange


@pytest.fixture
async def workers(monkeypatch):
    """One process that waits already; whoever asks a thread for an answer fails."""
    made = Parsers(1)
    assert await made.run(operator.add, CallBudget(), 1, 2) == 3
    begun = made.call
    monkeypatch.setattr(made, "call", None)
    yield made
    monkeypatch.setattr(made, "call", begun)
    await asyncio.to_thread(made.close)


async def test_a_process_that_waits_is_asked_without_a_thread(workers):
    assert await asyncio.gather(*(workers.run(operator.add, CallBudget(), n, 1) for n in range(9))) == [*range(1, 10)]
    assert workers.started == 1


async def test_a_bug_of_a_reader_is_told_as_one(workers):
    with pytest.raises(WorkerError, match="ZeroDivisionError"):
        await workers.run(operator.truediv, CallBudget(), 1, 0)
    assert await workers.run(operator.add, CallBudget(), 1, 2) == 3


async def test_an_answer_that_is_long_comes_whole(workers):
    assert await workers.run(operator.mul, CallBudget(), "x", ALIKE_BYTES * 40) == "x" * ALIKE_BYTES * 40
    assert await workers.run(operator.mul, CallBudget(), (None,), 30_000) == (None,) * 30_000
    assert await workers.run(operator.add, CallBudget(), 1, 2) == 3


@pytest.mark.parametrize(
    ("function", "argument", "budget", "limit"),
    [
        (time.sleep, 1e6, CallBudget(seconds=0.2), "seconds"),
        (os._exit, 3, CallBudget(), "process"),
        (bytes, 10_000, CallBudget(max_bytes=1000), "bytes"),
        (bytes, 1 << 30, CallBudget(memory_bytes=256 << 20), "memory"),
    ],
    ids=["hangs", "dies", "says too much", "takes too much"],
)
async def test_one_that_goes_wrong_costs_the_one_call(monkeypatch, workers, function, argument, budget, limit):
    assert (await workers.run(function, budget, argument)).limit == limit
    assert workers._idle == []
    monkeypatch.undo()  # a thread starts the next one
    assert await workers.run(operator.add, CallBudget(), 1, 2) == 3
    assert workers.started == 2


async def test_a_bug_where_an_answer_is_taken_is_heard_by_whoever_waits(monkeypatch, workers):
    def broken(worker, heard, budget):
        settled(worker, heard, budget)
        raise ArithmeticError

    settled = workers._settled
    monkeypatch.setattr(workers, "_settled", broken)
    with pytest.raises(ArithmeticError):
        await asyncio.wait_for(workers.run(operator.mul, CallBudget(), "x", ALIKE_BYTES * 2), 20)


async def test_memory_beyond_the_budget_is_told_by_the_budget_of_the_call(workers):
    found = await workers.run(bytes, CallBudget(memory_bytes=256 << 20), 1 << 30)
    assert found.detail == "it takes more than 256 MiB to read"


async def test_who_waits_for_a_process_keeps_nobody_from_giving_it_back():
    """A call that was given up holds the only process, and ends badly while the next one waits for that in a thread."""
    made = Parsers(1)
    assert await made.run(operator.add, CallBudget(), 1, 2) == 3
    asked = asyncio.create_task(made.run(time.sleep, CallBudget(seconds=0.3), 1e6))
    while not made._watched:
        await asyncio.sleep(0)
    asked.cancel()
    try:
        async with asyncio.timeout(30):
            assert await made.run(operator.add, CallBudget(), 1, 2) == 3
    except TimeoutError:
        made._turns.release()  # so that whoever waits ends with the test
        raise
    finally:
        await asyncio.to_thread(made.close)


async def test_who_gives_up_leaves_the_process_to_others(workers):
    asked = asyncio.create_task(workers.run(time.sleep, CallBudget(), 0.05))
    while not workers._watched:
        await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    while workers._busy:
        await asyncio.sleep(0.01)
    assert await workers.run(operator.add, CallBudget(), 1, 2) == 3
    assert workers.started == 1


@pytest.mark.parametrize("is_aside", [True, False])
async def test_closing_ends_who_is_at_work(workers, is_aside):
    asked = asyncio.create_task(workers.run(time.sleep, CallBudget(seconds=100), 100))
    while not workers._watched:
        await asyncio.sleep(0)
    began = time.monotonic()
    await asyncio.to_thread(workers.close) if is_aside else workers.close()
    assert (await asked).limit == "process"
    assert time.monotonic() - began < 60
    assert workers._watched == {}


def test_closing_ends_who_is_at_work_for_a_loop_that_is_over():
    made = Parsers(1)

    async def begun():
        await made.run(operator.add, CallBudget(), 1, 2)
        asked = asyncio.create_task(made.run(time.sleep, CallBudget(seconds=100), 100))
        while not made._watched:
            await asyncio.sleep(0)
        asked.cancel()

    asyncio.run(begun())
    made.close()
    assert made._watched == {}
    assert made._busy == set()


@pytest.mark.parametrize(
    "said", [b"\0" * 7 + b"\1ab", b"\0" * 6 + b"\xff\xff", b""], ids=["more", "too long", "nothing"]
)
async def test_what_no_process_of_ours_says_is_no_answer(said):
    (incoming, theirs), (heard_there, outgoing) = os.pipe(), os.pipe()
    found = asyncio.get_running_loop().create_future()
    exchange = WatchedExchange(DeadlinePipe(incoming, outgoing), 1000, found.set_result)
    exchange.begin(b"asked", 60.0)
    os.write(theirs, said)
    os.close(theirs)
    assert isinstance(await found, ValueError | BrokenPipeError)
    exchange.end(BrokenPipeError())  # once is enough
    for each in (incoming, heard_there, outgoing):
        os.close(each)


async def test_what_is_sent_while_the_process_is_busy_arrives_whole():
    (incoming, theirs), (heard_there, outgoing) = os.pipe(), os.pipe()
    found = asyncio.get_running_loop().create_future()
    sent = os.urandom(1 << 20)
    exchange = WatchedExchange(DeadlinePipe(incoming, outgoing), 1000, found.set_result)
    exchange.begin(sent, 60.0)

    def heard():
        with os.fdopen(heard_there, "rb") as file:
            return file.read(len(sent))

    assert await asyncio.to_thread(heard) == sent
    os.write(theirs, b"\0" * 7 + b"\1a")
    assert await found == b"a"
    for each in (incoming, theirs, outgoing):
        os.close(each)
