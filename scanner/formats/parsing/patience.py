"""How long work on a stranger's bytes may go on in one thread; loops over them ask as they go."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WEIGHT_A_LOOK = 2000
"""What is done between two looks at the clock: some milliseconds of look-ups."""


class PatienceError(Exception):
    """The work takes longer than it may: ``seconds``."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"it takes longer than {seconds:g} s")
        self.seconds = seconds


class _Current(threading.local):
    """The thread's own: a look-up deep inside knows neither who asked nor for how long."""

    seconds = 0.0
    end = 0.0
    weight = 0
    spent = 0
    clock: Callable[[], float] = time.thread_time


_current = _Current()


@contextmanager
def patience(seconds: float, clock: Callable[[], float] = time.thread_time) -> Iterator[None]:
    """Within this ``spend`` raises once the thread has computed for so many seconds."""
    _current.seconds, _current.clock = seconds, clock
    _current.end, _current.weight = clock() + seconds, 0
    try:
        yield
    finally:
        _current.seconds = 0.0


def spend(weight: int = 1) -> None:
    """Something was done that costs about ``weight`` microseconds; outside of ``patience`` it is counted, no more.

    Raises:
        PatienceError: the time is over.
    """
    _current.spent += weight
    if not _current.seconds:
        return
    _current.weight += weight
    if _current.weight < WEIGHT_A_LOOK:
        return
    _current.weight = 0
    if _current.clock() > _current.end:
        raise PatienceError(_current.seconds)


def spent() -> int:
    """What this thread has spent since it began: nearly the same for the same work, however fast it is done."""
    return _current.spent
