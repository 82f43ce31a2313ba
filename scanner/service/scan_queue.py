"""Who asked for which scan: one runs at a time, equal requests share one, the line has an end."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from scanner.domain.report import HostReading

log = structlog.get_logger(__name__)

MAX_WAITING = 16
"""Requests that may wait behind a running scan; more would only be stale when their turn comes."""

KEPT_TICKETS = 100
"""Ended scans that can still be asked about; older ones are in the history."""


class State(StrEnum):
    """How far a request is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class QueueFullError(Exception):
    """Too many different scans are waiting already; ask again after ``retry_after_s`` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"{MAX_WAITING} scans are waiting already")
        self.retry_after_s = retry_after_s


@dataclass(slots=True, eq=False)
class ScanRequest:
    """One requested scan; ``hosts`` are names, moments Unix seconds; ``done`` of ``total`` hosts have their reading."""

    id: str
    hosts: frozenset[str]
    requested_by: str
    requested_at: float
    started_at: float | None = None
    finished_at: float | None = None
    state: State = State.WAITING
    done: int = 0
    total: int = 0
    error: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_over(self) -> bool:
        """Whether nothing will change any more."""
        return self.state in {State.DONE, State.FAILED}

    def listen(self, done: int, total: int, reading: HostReading) -> None:
        """Take note of progress; who was read is for others to show."""
        del reading
        self.done, self.total = done, total
        self.tell()

    def tell(self) -> None:
        """Wake everybody who watches this ticket."""
        self.changed.set()
        self.changed = asyncio.Event()


class ScanQueue:
    """Runs one scan after the other; ``run`` does the work and publishes what it found."""

    def __init__(
        self,
        run: Callable[[ScanRequest], Awaitable[None]],
        max_waiting: int = MAX_WAITING,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._run = run
        self._clock = clock
        self._max_waiting = max_waiting
        self._waiting: deque[ScanRequest] = deque()
        self._tickets: OrderedDict[str, ScanRequest] = OrderedDict()
        self._running: ScanRequest | None = None
        self._worker: asyncio.Task[None] | None = None

    @property
    def running(self) -> ScanRequest | None:
        """The scan that is under way."""
        return self._running

    def request(self, hosts: frozenset[str], by: str = "", *, scheduled: bool = False) -> ScanRequest:
        """Ask for a scan of these hosts; joins one that is running or waiting for exactly them.

        The schedule's own request goes to the front of the line, which is never full for it.

        Raises:
            QueueFullError: too many others are waiting.
        """
        if self._running is not None and self._running.hosts == hosts:
            return self._running
        if waiting := next((ticket for ticket in self._waiting if ticket.hosts == hosts), None):
            if scheduled:
                self._waiting.remove(waiting)
                self._waiting.appendleft(waiting)
            return waiting
        if not scheduled and len(self._waiting) >= self._max_waiting:
            raise QueueFullError(retry_after_s=5 * len(self._waiting))
        ticket = ScanRequest(uuid.uuid4().hex, hosts, by, self._clock(), total=len(hosts))
        if scheduled:
            self._waiting.appendleft(ticket)
        else:
            self._waiting.append(ticket)
        self._remember(ticket)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="scan-desk")
        return ticket

    def find(self, ticket_id: str) -> ScanRequest | None:
        """A ticket by its id, as long as it is remembered."""
        return self._tickets.get(ticket_id)

    async def wait(self, ticket: ScanRequest) -> ScanRequest:
        """Until the scan is over."""
        async for _ in self.watch(ticket):
            pass
        return ticket

    async def watch(self, ticket: ScanRequest) -> AsyncIterator[ScanRequest]:
        """The ticket at once, then at every change, last when it is over."""
        while True:
            changed, is_last = ticket.changed, ticket.is_over
            yield ticket
            if is_last:
                return
            await changed.wait()  # set already if something changed while the watcher was busy

    async def close(self) -> None:
        """End the running scan and forget who waits; their tickets fail."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
        while self._waiting:
            self._end(self._waiting.popleft(), "the service is stopping")

    async def _work(self) -> None:
        while self._waiting:
            ticket = self._running = self._waiting.popleft()
            ticket.state, ticket.started_at = State.RUNNING, self._clock()
            ticket.tell()
            try:
                await self._run(ticket)
            except asyncio.CancelledError:
                self._end(ticket, "the scan was interrupted")
                raise
            except Exception as error:
                log.exception("scan_failed", scan=ticket.id)
                self._end(ticket, f"{type(error).__name__}: {error}")
            else:
                self._end(ticket)
            finally:
                self._running = None

    def _end(self, ticket: ScanRequest, error: str = "") -> None:
        ticket.state = State.FAILED if error else State.DONE
        ticket.error, ticket.finished_at = error, self._clock()
        ticket.tell()

    def _remember(self, ticket: ScanRequest) -> None:
        self._tickets[ticket.id] = ticket
        over = [old for old in self._tickets.values() if old.is_over]
        for old in over[: max(0, len(self._tickets) - KEPT_TICKETS)]:
            del self._tickets[old.id]
