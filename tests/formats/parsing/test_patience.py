"""Work on strangers' bytes is given up once it has computed for too long."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from scanner.formats.parsing.beside import MAX_AT_ONCE, beside
from scanner.formats.parsing.patience import WEIGHT_A_LOOK, PatienceError, patience, spend
from scanner.formats.shell.grammar import parse
from scanner.formats.shell.syntax import NotUnderstood


def test_outside_nothing_is_counted():
    spend(10**9)


def test_what_takes_too_long_is_given_up_at_the_next_look():
    now = [0.0]
    with patience(1.0, lambda: now[0]):
        spend(WEIGHT_A_LOOK)
        now[0] = 2.0
        spend(WEIGHT_A_LOOK - 1)
        with pytest.raises(PatienceError, match="longer than 1 s"):
            spend()
    spend(10**9)


def test_threads_have_patience_of_their_own():
    with patience(0.001, lambda: 0.0):
        thread = threading.Thread(target=spend, args=(10**9,))
        thread.start()
        thread.join()


async def test_who_waits_for_a_turn_beside_holds_no_thread():
    may_end = threading.Event()
    works = [asyncio.create_task(beside(may_end.wait)) for _ in range(100)]
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(60):
            assert await asyncio.to_thread(threading.get_ident) != threading.get_ident()
    finally:
        may_end.set()
    assert await asyncio.gather(*works) == [True] * 100


async def test_work_beside_whose_task_is_cancelled_keeps_its_turn_to_its_end():
    may_end, begun = threading.Event(), []

    def work(number):
        begun.append(number)
        may_end.wait()
        raise ValueError(number)

    works = [asyncio.create_task(beside(work, number)) for number in range(MAX_AT_ONCE + 2)]
    while len(begun) < MAX_AT_ONCE:
        await asyncio.sleep(0)
    for one in works[:-1]:
        one.cancel()
    await asyncio.wait(works[:-1])
    await asyncio.to_thread(threading.get_ident)
    assert begun == list(range(MAX_AT_ONCE))
    may_end.set()
    with pytest.raises(ValueError, match=str(MAX_AT_ONCE + 1)):
        await works[-1]
    assert begun[MAX_AT_ONCE:] == [MAX_AT_ONCE + 1]


async def test_work_beside_for_which_no_thread_can_be_had_gives_its_turn_back():
    threads = ThreadPoolExecutor()
    threads.shutdown()
    asyncio.get_running_loop().set_default_executor(threads)
    for _ in range(MAX_AT_ONCE + 1):
        async with asyncio.timeout(60):
            with pytest.raises(RuntimeError, match="shutdown"):
                await beside(threading.get_ident)


async def test_work_beside_leaves_the_loop_its_turns_and_goes_on_at_most_twice_at_once():
    running, most = [], []

    def work(number):
        running.append(number)
        most.append(len(running))
        time.sleep(0.02)
        running.remove(number)
        return number

    assert await asyncio.gather(*(beside(work, number) for number in range(8))) == list(range(8))
    assert max(most) <= MAX_AT_ONCE


async def test_a_script_that_the_grammar_chokes_on_is_given_up_while_the_loop_goes_on():
    script = ("#!/bin/sh\ncat <<E\n" + "$a " * 15_000 + "\nE\n").encode()
    turns, over = 0, asyncio.Event()

    async def watch():
        nonlocal turns
        while not over.is_set():
            await asyncio.sleep(0.001)
            turns += 1

    watcher = asyncio.create_task(watch())
    found = await beside(parse, script)
    over.set()
    await watcher
    assert found == NotUnderstood(1, "the script takes too long to parse")
    assert turns > 10
