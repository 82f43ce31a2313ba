"""A test that leaves a task, thread, descriptor or child process behind fails."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.process import LINES, WATCHED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SETTLE_WITHIN_S = 30.0
"""A closed socket, an ended thread and a reaped child need a moment of the kernel's, longer on a busy machine; a leak stays."""
TASKS_SETTLE_TURNS = 20
"""Turns of the event loop that a cancelled or just finished task may need to unwind through its callers."""
DESCRIPTORS, TASKS = "/proc/self/fd", "/proc/self/task"
OURS_TO_IGNORE = (
    "/dev/null",  # opened once by a library, shared by all
    "/dev/urandom",  # the same
    ".pyc",  # a lazy import under way
    "/.hypothesis/",  # the example database stays open for the next test
)

GARBAGE_AFTER = 20_000
"""Objects made and not gone before the collector of garbage looks at them; Python's own 700 are for small programs."""

_pending: list[str] = []


def _watch_runner_close() -> None:
    """Note what is still pending when an event loop closes; after that it is cancelled, and nobody would know.

    Every loop of pytest-asyncio and of ``asyncio.run`` ends in ``asyncio.Runner.close``; by then the fixtures of the
    loop are finished, so that what is left belongs to nobody.
    """
    close = asyncio.Runner.close

    def close_and_note(self: asyncio.Runner) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            for _ in range(TASKS_SETTLE_TURNS):
                if not (left := asyncio.all_tasks(loop)):
                    break
                loop.run_until_complete(asyncio.sleep(0))
            else:
                _pending.extend(repr(task) for task in left)
        close(self)

    asyncio.Runner.close = close_and_note  # type: ignore[method-assign] # the only way to be there before it cancels


def pytest_configure() -> None:
    """Watch from the first event loop on."""
    _watch_runner_close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Look for no garbage while modules and tests are made: they stay, and looking is a tenth of the time."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Spare the collector of garbage what is there for good: twenty thousand tests, looked through again and again.

    It is a third of the time that small tests take; looking as often as Python does by itself is a sixth of the rest.
    """
    gc.enable()
    gc.set_threshold(GARBAGE_AFTER)
    gc.collect()
    gc.freeze()


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.is_alive()}


def _descriptors() -> set[tuple[str, str]]:
    found = set()
    for number in os.listdir(DESCRIPTORS):  # noqa: PTH208 -- paths cost ten times as much, twice in every test
        with contextlib.suppress(OSError):  # the one that lists them is gone by now
            found.add((number, os.readlink(f"{DESCRIPTORS}/{number}")))  # noqa: PTH115 -- the same
    return found


def _is_ours(descriptor: tuple[str, str]) -> bool:
    return descriptor[1] not in LINES and not any(known in descriptor[1] for known in OURS_TO_IGNORE)


def _children() -> set[str]:
    found: set[str] = set()
    for task in os.listdir(TASKS):  # noqa: PTH208 -- as above
        with contextlib.suppress(OSError), open(f"{TASKS}/{task}/children") as listed:  # noqa: PTH123 -- as above
            found.update(listed.read().split())
    return found.difference(map(str, WATCHED))


def _name_of(child: str) -> str:
    try:
        return f"{child} {Path(f'/proc/{child}/comm').read_text().strip()}"
    except OSError:
        return child


def _settle(left: Callable[[], set[object]]) -> set[object]:
    """What is still left after a moment; usually nothing at once."""
    deadline = time.monotonic() + SETTLE_WITHIN_S
    if not left():
        return set()
    gc.collect()
    while (still := left()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return still


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Compare tasks, threads, descriptors and children before and after each test.

    Fixtures of wider scope are up before this one, so that what they hold is no leak. Daemon threads are not
    excused: a thread that nobody joins is what this is here to find.
    """
    yield from nothing_is_left()


def nothing_is_left() -> Iterator[None]:
    """The same between two moments of another kind, such as the first and the last test of a module."""
    _pending.clear()
    threads, descriptors, children = _threads(), _descriptors(), _children()
    yield
    leaks = [f"pending task {task}" for task in _pending]
    _pending.clear()
    leaks += [f"thread {thread}" for thread in _settle(lambda: _threads() - threads)]
    leaks += [f"descriptor {item}" for item in _settle(lambda: set(filter(_is_ours, _descriptors() - descriptors)))]
    leaks += [f"child process {_name_of(str(child))}" for child in _settle(lambda: _children() - children)]
    if leaks:
        pytest.fail("left behind by this test:\n" + "\n".join(leaks), pytrace=False)
