"""An event loop whose time is made up: it leaps to whatever comes next, threads included, as one seed says."""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from concurrent.futures import Executor


class KilledError(KeyboardInterrupt):
    """The process is dead: nothing that it would have done next takes place. The loop lets nothing else through at once."""


class StuckError(Exception):
    """Somebody waits for what will never come."""


class _Selector(selectors.DefaultSelector):
    """Waits in made-up seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """What is ready, at once, after time has leapt."""
        if timeout is None:
            raise StuckError("nothing is scheduled, yet somebody waits")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Work for threads is done in this one, some moment later; an executor of one thread keeps its order.

    ``dice`` says how long each piece takes, at most ``slowest_s``.
    """

    def __init__(self, dice: random.Random, slowest_s: float = 0.2) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._dice, self._slowest_s = dice, slowest_s
        self._lines: dict[Executor, deque[Callable[[], None]]] = {}
        self._is_over = False

    def time(self) -> float:
        """Seconds since it was made, and more than nothing: a timer that is due now is due."""
        return self._virtual.now + 1e-9

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """As ever, but for the thread."""
        future = self.create_future()
        if executor is None:
            self._later(lambda: _settle(future, func, args))
            return future
        line = self._lines.setdefault(executor, deque())
        line.append(lambda: _settle(future, func, args))
        if len(line) == 1:
            self._later(lambda: self._next(line))
        return future

    def _next(self, line: deque[Callable[[], None]]) -> None:
        try:
            line[0]()
        finally:
            line.popleft()
            if line:
                self._later(lambda: self._next(line))

    def _later(self, work: Callable[[], None]) -> None:
        """Cut short once the dice are cast: what ends with the process needs no time."""
        self.call_later(0.0 if self._is_over else self._dice.random() * self._slowest_s, work)

    def bury(self) -> None:
        """End whatever is still under way in a process that is dead, or over."""
        self._is_over = True
        self.set_exception_handler(lambda _loop, _context: None)
        while left := asyncio.all_tasks(self):
            for task in left:
                task.cancel()
            self.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self.close()


def _settle(future: asyncio.Future[Any], func: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """A thread that has begun ends, whether or not somebody still waits; one that was given up before does not begin."""
    if future.cancelled():
        return
    try:
        result = func(*args)
    except Exception as error:
        if not future.cancelled():
            future.set_exception(error)
    else:
        if not future.cancelled():
            future.set_result(result)
