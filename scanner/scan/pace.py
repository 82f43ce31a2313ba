"""Lets whoever waits for an answer go first: while somebody does, a scan keeps rounds of the event loop short."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ROUND_S = 0.004
"""Of the event loop's own processor time in one round. An answer takes some ten rounds, a new connection's keys 1.5 ms."""

LOOKED_EVERY_S = 0.02

LEAST = 8
"""Hosts that are worked on at once, however long rounds take: a scan must end."""


class Pace:
    """How many may work at once: ``most`` of them, fewer where ``is_awaited`` and rounds are long.

    What others' programs do to this machine changes nothing: only the loop's own processor time counts.
    """

    def __init__(
        self, most: int, is_awaited: Callable[[], bool], spent_s: Callable[[], float] = time.thread_time
    ) -> None:
        self._most, self._is_awaited, self._spent_s = most, is_awaited, spent_s
        self._width, self._working = most, 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """One of those who may work."""
        while self._working >= self._width:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await turn
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1
            self._next()

    async def keep(self) -> None:
        """Look at the loop again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOKED_EVERY_S)
            await self.look()

    async def look(self) -> None:
        """Measure one round where somebody waits; halve the width where it is long, else widen it by a quarter."""
        if not self._is_awaited():
            self._width = self._most
        else:
            began = self._spent_s()
            await asyncio.sleep(0)
            is_long = self._spent_s() - began > ROUND_S
            wanted = self._width // 2 if is_long else self._width + self._width // 4 + 1
            self._width = min(max(wanted, LEAST), self._most)
        self._next()

    def _next(self) -> None:
        """Wake as many as there is room for."""
        for _ in range(min(self._width - self._working, len(self._waiting))):
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
