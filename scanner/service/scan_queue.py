"""Who asked for which scan: one runs at a time, equal requests share one, the line has an end."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import OrderedDict, deque
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

log = structlog.get_logger(__name__)

MAX_WAITING = 16
"""Requests that may wait behind a running scan; more would only be stale when their turn comes."""

KEPT_REQUESTS = 100
"""Ended scans that can still be asked about; older ones are in the history."""


class ScanState(StrEnum):
    """How far a requested scan is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self in (ScanState.DONE, ScanState.FAILED)


@dataclass(frozen=True, slots=True)
class ScanRequest:
    """One requested scan as it stands. Moments are Unix seconds, ``done`` of ``total`` hosts have their reading.

    ``hosts`` are names, in order; ``joined`` tells the asker that the same scan had been asked for before; ``detail``
    says why it failed.
    """

    id: str
    hosts: tuple[str, ...]
    requested_by: str
    requested_at: float
    state: ScanState = ScanState.WAITING
    started_at: float | None = None
    finished_at: float | None = None
    done: int = 0
    total: int = 0
    joined: bool = False
    detail: str = ""


class QueueFullError(Exception):
    """Too many different scans are waiting already; ask again after ``retry_after_s`` seconds."""

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"{MAX_WAITING} scans are waiting already")
        self.retry_after_s = retry_after_s


@dataclass(slots=True, eq=False)
class _Entry:
    """A request in this process: how it stands, with what wakes its watchers."""

    request: ScanRequest
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def change(self, **changes: Any) -> None:
        """Let it stand differently; wake everybody who watches it."""
        self.request = replace(self.request, **changes)
        self.changed.set()
        self.changed = asyncio.Event()


class ScanQueue:
    """Runs one scan after the other; ``run`` does the work and publishes what it found.

    The line is this process's own: whoever asks elsewhere stands in another.
    """

    def __init__(
        self,
        run: Callable[[ScanRequest], Awaitable[None]],
        max_waiting: int = MAX_WAITING,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._run = run
        self._clock = clock
        self._max_waiting = max_waiting
        self._waiting: deque[_Entry] = deque()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._running: _Entry | None = None
        self._worker: asyncio.Task[None] | None = None

    @property
    def running(self) -> ScanRequest | None:
        """The scan that is under way."""
        return self._running.request if self._running else None

    def request(self, hosts: Iterable[str], by: str = "", *, scheduled: bool = False) -> ScanRequest:
        """Ask for a scan of these hosts; joins one that is running or waiting for exactly them.

        The schedule's own request goes to the front of the line, which is never full for it.

        Raises:
            QueueFullError: too many others are waiting.
        """
        names = tuple(sorted(set(hosts)))
        if self._running is not None and self._running.request.hosts == names:
            return self._running.request
        if waiting := next((entry for entry in self._waiting if entry.request.hosts == names), None):
            if scheduled:
                self._waiting.remove(waiting)
                self._waiting.appendleft(waiting)
            return waiting.request
        if not scheduled and len(self._waiting) >= self._max_waiting:
            raise QueueFullError(retry_after_s=5 * len(self._waiting))
        entry = _Entry(ScanRequest(uuid.uuid4().hex, names, by, self._clock(), total=len(names)))
        if scheduled:
            self._waiting.appendleft(entry)
        else:
            self._waiting.append(entry)
        self._remember(entry)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work(), name="scan-queue")
        return entry.request

    def find(self, request_id: str) -> ScanRequest | None:
        """A request as it stands, as long as it is remembered."""
        entry = self._entries.get(request_id)
        return entry.request if entry else None

    def progress(self, request_id: str, done: int, total: int) -> None:
        """Take note of how many hosts of a scan have their reading."""
        if entry := self._entries.get(request_id):
            entry.change(done=done, total=total)

    async def wait(self, request: ScanRequest) -> ScanRequest:
        """Until the scan is over; how it ended."""
        async for changed in self.watch(request.id):
            request = changed
        return request

    async def watch(self, request_id: str) -> AsyncIterator[ScanRequest]:
        """The request at once, then at every change, last when it is over; nothing where there is no such request."""
        entry = self._entries.get(request_id)
        while entry is not None:
            changed, request = entry.changed, entry.request
            yield request
            if request.state.ended:
                return
            await changed.wait()  # set already if something changed while the watcher was busy

    async def close(self) -> None:
        """End the running scan and forget who waits; their requests fail."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker])
        while self._waiting:
            self._end(self._waiting.popleft(), "the service is stopping")

    async def _work(self) -> None:
        while self._waiting:
            entry = self._running = self._waiting.popleft()
            entry.change(state=ScanState.RUNNING, started_at=self._clock())
            try:
                await self._run(entry.request)
            except asyncio.CancelledError:
                self._end(entry, "the scan was interrupted")
                raise
            except Exception as error:
                log.exception("scan_failed", scan=entry.request.id)
                self._end(entry, f"{type(error).__name__}: {error}")
            else:
                self._end(entry)
            finally:
                self._running = None

    def _end(self, entry: _Entry, detail: str = "") -> None:
        entry.change(state=ScanState.FAILED if detail else ScanState.DONE, detail=detail, finished_at=self._clock())

    def _remember(self, entry: _Entry) -> None:
        self._entries[entry.request.id] = entry
        over = [old for old in self._entries.values() if old.request.state.ended]
        for old in over[: max(0, len(self._entries) - KEPT_REQUESTS)]:
            del self._entries[old.request.id]
