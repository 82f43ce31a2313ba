"""The exchanges with one worker: hosts go there as they come up, what it read comes back."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from scanner.cluster.host_reading import SentReading
from scanner.cluster.link import LinkError, one_line
from scanner.cluster.worker import EXCHANGE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

log = structlog.get_logger(__name__)

MAX_ASKED = 1000
"""Hosts of one exchange: 300 KB."""


@dataclass(slots=True, eq=False)
class PendingReading:
    """One host that is to be read, with the digest of what it said last.

    ``lost`` counts the workers that were lost while they read it, ``homeless_since`` (monotonic seconds) is since when
    no worker is there for it.
    """

    number: int
    host: str
    zone: str
    text: str
    known: bytes
    told: asyncio.Future[SentReading]
    lane: Lane | None = None
    lost: int = 0
    homeless_since: float = field(default=0.0)


class Lane:
    """Hands readings to a worker, in exchanges one after the other, for as long as there are some.

    Whatever is wrong with an exchange ends the lane: ``on_end`` is given it with the readings that are still open.
    """

    def __init__(
        self,
        worker: str,
        ask: Callable[[str, Mapping[str, Any]], Awaitable[Any]],
        on_end: Callable[[Lane, str], None],
        silent_s: float,
    ) -> None:
        self.worker = worker
        self.open: dict[int, PendingReading] = {}
        self._ask, self._on_end, self._silent_s = ask, on_end, silent_s
        self._session = uuid.uuid4().hex
        self._fresh: dict[int, PendingReading] = {}
        self._dropped: list[int] = []
        self._running: asyncio.Task[None] | None = None

    def put(self, reading: PendingReading) -> None:
        """Have a host read."""
        reading.lane = self
        self.open[reading.number] = self._fresh[reading.number] = reading
        if self._running is None:
            self._running = asyncio.create_task(self._run())

    def drop(self, reading: PendingReading) -> None:
        """Nobody waits for it any more."""
        if self.open.pop(reading.number, None) is not None and self._fresh.pop(reading.number, None) is None:
            self._dropped.append(reading.number)

    async def close(self) -> None:
        """Stop asking."""
        running, self._running = self._running, None
        if running is not None and running is not asyncio.current_task():
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def _run(self) -> None:
        why = ""
        try:
            while self.open or self._dropped:
                self._settle(await self._exchange())
        except TimeoutError:
            why = f"nothing was heard of it for {self._silent_s:g} s"
        except (LinkError, MalformedReplyError) as error:
            why = str(error)
        except Exception as error:  # the end of a lane must be told, or its hosts wait for ever
            log.exception("lane_bug", worker=self.worker)
            why = one_line(error)
        self._running = None
        if why:
            self._on_end(self, why)
        elif self.open:  # put in the moment in which this ended
            self._running = asyncio.create_task(self._run())

    async def _exchange(self) -> list[tuple[int, SentReading]]:
        """One exchange.

        Raises:
            LinkError, MalformedReplyError, TimeoutError: the worker is as good as gone.
        """
        taken = [self._fresh.pop(number) for number in list(self._fresh)[:MAX_ASKED]]
        asked = [(reading.number, reading.text, reading.known) for reading in taken]
        dropped, self._dropped = self._dropped, []
        message = {"op": EXCHANGE, "session": self._session, "asked": asked, "dropped": dropped}
        async with asyncio.timeout(self._silent_s):
            return parsed(await self._ask(self.worker, message))

    def _settle(self, told: list[tuple[int, SentReading]]) -> None:
        for number, one in told:
            reading = self.open.pop(number, None)
            if reading is not None and not reading.told.done():
                reading.told.set_result(one)


class MalformedReplyError(Exception):
    """A worker answered with something else than readings."""


def parsed(reply: object) -> list[tuple[int, SentReading]]:
    """What a worker read, out of its reply.

    Raises:
        MalformedReplyError: it is none of an exchange.
    """
    if not isinstance(reply, list | tuple):
        raise MalformedReplyError(f"it answered with {reply!r:.100}")
    return [_parsed(one) for one in reply]


def _parsed(one: object) -> tuple[int, SentReading]:
    match one:
        case [int(number), bytes(digest), int() | None as clock, str(facts), str(failure)]:
            return number, SentReading(digest, clock, facts, failure)
        case _:
            raise MalformedReplyError(f"it answered with {one!r:.100}")
