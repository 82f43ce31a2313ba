"""A worker's half of an exchange: hosts to read come in, what was read goes out."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from scanner.cluster import wire
from scanner.cluster.host_reading import SentReading
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from scanner.domain.host import Host

log = structlog.get_logger(__name__)

WAIT_S = 0.25
"""How long an exchange waits for a first answer: no longer, since there may be more hosts to read."""

SETTLE_S = 0.05
"""How long it then waits for more: each exchange costs a few milliseconds, however much it carries."""

FULL = 100
"""Answers that are not waited on for more."""

MAX_REPLY_BYTES = 16 << 20
"""Of one exchange; what is left comes with the next."""

FORGET_AFTER_S = 60.0
"""Whoever asked is gone when nothing was heard of him for so long: he asks several times a second."""

ReadingRequest = tuple[int, str, bytes]
"""A reading's number, its host as text, the digest of what it said last."""

ReadingResult = tuple[int, bytes, int | None, str, str]
"""A reading's number, then the fields of ``SentReading``."""


@dataclass(eq=False)
class _Session:
    """The readings of one asker."""

    under_way: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    done: deque[tuple[int, SentReading]] = field(default_factory=deque)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    heard_at: float = 0.0


class Exchanges:
    """Reads hosts by ``read`` for whoever asks; several may, each in a session of its own."""

    def __init__(
        self, read: Callable[[Host, bytes], Awaitable[SentReading]], ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._ticks = read, ticks
        self._sessions: dict[str, _Session] = {}

    async def exchange(
        self, session: str, asked: Sequence[ReadingRequest], dropped: Sequence[int]
    ) -> list[ReadingResult]:
        """Begin to read what is ``asked``, end what is ``dropped``; give what has been read since the last exchange."""
        self._forget_silent()
        current = self._sessions.setdefault(session, _Session())
        current.heard_at = self._ticks()
        for number in dropped:
            if (task := current.under_way.pop(number, None)) is not None:
                task.cancel()
        for number, text, known in asked:
            current.under_way[number] = asyncio.create_task(self._one(current, number, text, known))
        await _settled(current)
        return _taken(current)

    async def close(self) -> None:
        """End every reading."""
        tasks = [task for session in self._sessions.values() for task in session.under_way.values()]
        self._sessions.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, session: _Session, number: int, text: str, known: bytes) -> None:
        try:
            told = await self._read(wire.host_of(text), known)
        except Exception as bug:
            log.exception("host_bug")
            told = SentReading(failure=wire.failure_text(Failure(Reason.INTERNAL_BUG, f"{type(bug).__name__}: {bug}")))
        session.under_way.pop(number, None)
        session.done.append((number, told))
        session.arrived.set()

    def _forget_silent(self) -> None:
        gone = [name for name, one in self._sessions.items() if self._ticks() - one.heard_at > FORGET_AFTER_S]
        for name in gone:
            for task in self._sessions.pop(name).under_way.values():
                task.cancel()


async def _settled(session: _Session) -> None:
    """Wait until there is something worth its while."""
    if not session.done:
        session.arrived.clear()
        if not session.under_way or not await _within(session.arrived.wait(), WAIT_S):
            return
    if session.under_way and len(session.done) < FULL:
        await asyncio.sleep(SETTLE_S)


async def _within(waiting: Awaitable[object], seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await waiting
    except TimeoutError:
        return False
    return True


def _taken(session: _Session) -> list[ReadingResult]:
    found: list[ReadingResult] = []
    size = 0
    while session.done and size < MAX_REPLY_BYTES:
        number, told = session.done.popleft()
        size += len(told.facts)
        found.append((number, told.digest, told.clock, told.facts, told.failure))
    return found
