"""How many connections to registries there are at once, whoever they are to: a share of this process's file descriptors."""

from __future__ import annotations

import asyncio
import errno
import os
from collections import Counter, deque
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from collections.abc import Hashable


class Resting(Protocol):
    """Keeps connections that nobody uses at the moment."""

    async def give_up_one(self) -> bool:
        """Close the oldest of them; whether there was one."""


class ConnectionLimit:
    """At most ``most`` connections; when they are short, whoever has fewest and was not slow is the next to get one.

    So a registry that answers gets its turn, however many others keep theirs open and say nothing.
    """

    def __init__(self, most: int, within_s: float = 10.0) -> None:
        self._most, self._within_s = most, within_s
        self._held: Counter[Hashable] = Counter()
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}
        self._slow: WeakSet[Hashable] = WeakSet()
        self._resting: WeakSet[Resting] = WeakSet()

    @property
    def are_short(self) -> bool:
        """Whether somebody waits for one."""
        return bool(self._waiting)

    def watch(self, keeper: Resting) -> None:
        """It will be asked to close what it keeps when others need the place."""
        self._resting.add(keeper)

    def was_slow(self, who: Hashable, *, is_slow: bool) -> None:
        """Whether the last question to this one was answered in time."""
        (self._slow.add if is_slow else self._slow.discard)(who)

    async def enter(self, who: Hashable) -> None:
        """Take a place for one more connection of ``who``.

        Raises:
            OSError: EMFILE, as the system would say it: there was none in time.
        """
        while self._held.total() >= self._most and await self._made_room():
            pass
        if self._held.total() < self._most and not self._waiting:
            self._held[who] += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(turn)
        try:
            async with asyncio.timeout(self._within_s):
                await turn
        except BaseException as error:
            self._forget(who, turn)
            if isinstance(error, TimeoutError):
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE)) from None
            raise

    def leave(self, who: Hashable) -> None:
        """Give a place back."""
        self._held[who] -= 1
        if not self._held[who]:
            del self._held[who]
        self._admit()

    async def _made_room(self) -> bool:
        for keeper in tuple(self._resting):
            if await keeper.give_up_one():
                return True
        return False

    def _admit(self) -> None:
        while self._waiting and self._held.total() < self._most:
            who = min(self._waiting, key=lambda one: (one in self._slow, self._held[one]))
            line = self._waiting[who]
            turn = line.popleft()
            if not line:
                del self._waiting[who]
            if not turn.done():
                self._held[who] += 1
                turn.set_result(None)

    def _forget(self, who: Hashable, turn: asyncio.Future[None]) -> None:
        """Whoever waits no longer leaves the line, or gives back the place that it was just given."""
        if turn.done() and not turn.cancelled():
            self.leave(who)
            return
        line = self._waiting.get(who)
        if line is not None and turn in line:
            line.remove(turn)
            if not line:
                del self._waiting[who]
