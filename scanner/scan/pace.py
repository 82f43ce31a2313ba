"""Lets many that wake together go on a few at a time, so that nobody else waits long for the loop."""

from __future__ import annotations

import asyncio
from collections import deque


class Pace:
    """At most ``at_once`` in one round of the event loop, in the order in which they came."""

    def __init__(self, at_once: int) -> None:
        self._at_once = self._left = at_once
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Go on at once where few ask, else in a later round."""
        if self._left and not self._waiting:
            self._count()
            return
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting

    def _count(self) -> None:
        if self._left == self._at_once:
            asyncio.get_running_loop().call_soon(self._next)
        self._left -= 1

    def _next(self) -> None:
        self._left = self._at_once
        while self._left and self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                self._count()
