"""Asked-for scans in their order: one runs, a few wait, more are refused."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.web.service import Refusal, RefusalReason, ScanState, ScanTicket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Progress = Callable[[int, int], None]
    Run = Callable[[tuple[str, ...], Progress], Awaitable[None]]

MAX_WAITING = 16
"""Enough for every team to ask at once; a thousand callers get an answer now instead of a queue."""

MAX_REMEMBERED = 256
"""Tickets that ended stay readable for the scripts that wait for them."""

RETRY_AFTER_S = 30.0
"""About the time a scan of a middle-sized fleet takes."""


class ScanQueue:
    """Runs ``run(hosts, progress)`` for one ticket after the other; needs a running event loop."""

    def __init__(self, run: Run, *, clock: Callable[[], float] = time.time) -> None:
        self._run, self._clock = run, clock
        self._tickets: dict[str, ScanTicket] = {}
        self._waiting: deque[str] = deque()
        self._running: str | None = None
        self._changed = asyncio.Condition()
        self._worker: asyncio.Task[None] | None = None
        self._closed = False

    def request(self, hosts: tuple[str, ...], by: str) -> ScanTicket | Refusal:
        """A ticket for these hosts, the same one for whoever asks for the same hosts meanwhile."""
        if self._closed:
            return Refusal(RefusalReason.STOPPING, "archscan is stopping", RETRY_AFTER_S)
        hosts = tuple(sorted(hosts))
        for known in filter(None, (self._running, *self._waiting)):
            if self._tickets[known].hosts == hosts:
                return replace(self._tickets[known], joined=True)
        if len(self._waiting) >= MAX_WAITING:
            detail = f"{MAX_WAITING} scans are waiting already: ask again later, or read the last report"
            return Refusal(RefusalReason.TOO_MANY_SCANS, detail, RETRY_AFTER_S)
        ticket = ScanTicket(uuid.uuid4().hex, ScanState.WAITING, hosts, self._clock(), by, total=len(hosts))
        self._remember(ticket)
        self._waiting.append(ticket.id)
        if self._worker is None:
            self._worker = asyncio.get_running_loop().create_task(self._work(), name="asked-for-scans")
        return ticket

    def ticket(self, ticket_id: str) -> ScanTicket | None:
        """A ticket that is waiting, running or remembered."""
        return self._tickets.get(ticket_id)

    async def events(self, ticket_id: str) -> AsyncIterator[ScanTicket]:
        """The ticket now, then at each change, until it ended."""
        told: ScanTicket | None = None
        while ticket := self._tickets.get(ticket_id):
            if ticket is not told:
                told = ticket
                yield ticket
            elif ticket.state.ended:
                return
            else:
                async with self._changed:
                    await self._changed.wait()

    async def close(self) -> None:
        """Stop the running scan, fail the waiting ones, refuse more."""
        self._closed = True
        if self._worker is not None:
            self._worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._worker
        for known in (*filter(None, (self._running,)), *self._waiting):
            await self._end(known, ScanState.FAILED, "archscan was stopped")
        self._waiting.clear()

    async def _work(self) -> None:
        while self._waiting:
            self._running = self._waiting.popleft()
            await self._run_one(self._running)
            self._running = None
        self._worker = None

    async def _run_one(self, ticket_id: str) -> None:
        await self._change(ticket_id, state=ScanState.RUNNING, started_at=self._clock())
        tick = asyncio.ensure_future(self._announce())
        try:
            await self._run(self._tickets[ticket_id].hosts, lambda done, total: self._progress(ticket_id, done, total))
        except Exception as error:  # noqa: BLE001 - one scan's bug must not end the queue; the ticket tells it
            await self._end(ticket_id, ScanState.FAILED, f"{type(error).__name__}: {error}")
        else:
            await self._end(ticket_id, ScanState.DONE, "")
        finally:
            tick.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await tick

    def _progress(self, ticket_id: str, done: int, total: int) -> None:
        self._tickets[ticket_id] = replace(self._tickets[ticket_id], done=done, total=total)

    async def _announce(self) -> None:
        """Tell listeners of progress a few times a second, not once per host of a large fleet."""
        while True:
            await asyncio.sleep(ANNOUNCE_EVERY_S)
            async with self._changed:
                self._changed.notify_all()

    async def _end(self, ticket_id: str, state: ScanState, detail: str) -> None:
        await self._change(ticket_id, state=state, detail=detail, finished_at=self._clock())

    async def _change(self, ticket_id: str, **changes: object) -> None:
        self._tickets[ticket_id] = replace(self._tickets[ticket_id], **changes)  # type: ignore[arg-type] # its own fields
        async with self._changed:
            self._changed.notify_all()

    def _remember(self, ticket: ScanTicket) -> None:
        self._tickets[ticket.id] = ticket
        ended = [known.id for known in self._tickets.values() if known.state.ended]
        for ticket_id in ended[: max(len(self._tickets) - MAX_REMEMBERED, 0)]:
            del self._tickets[ticket_id]


ANNOUNCE_EVERY_S = 0.2
"""As often as an eye can follow."""
