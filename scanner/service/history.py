"""How the fleet fared over the last weeks, from the scans that the store remembers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from scanner.domain.verdict.reason import Status
from scanner.store.error import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scanner.store.findings import Architecture
    from scanner.store.store import Store

log = structlog.get_logger(__name__)

DAYS = 30
"""A month: what people remember when they look at a curve."""

DAY_S = 86400.0

MAX_SCANS = 10_000
"""A month of scans every five minutes; what lies before them is not drawn."""

FRESH_S = 60.0
"""A day's last scan changes no oftener than the scans come."""


@dataclass(frozen=True, slots=True)
class Day:
    """The last complete scan of one day: ``at`` in Unix seconds, hosts, findings by status."""

    at: float
    hosts: int
    counts: Mapping[Status, int]


@dataclass(frozen=True, slots=True)
class PastScan:
    """One scan as it ended; moments are Unix seconds."""

    id: str
    started_at: float
    finished_at: float
    complete: bool
    hosts: int
    counts: Mapping[Status, int]


class History:
    """Reads what the store remembers; where it cannot be read there is nothing to show, and the log says why."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self._days: tuple[Day, ...] = ()
        self._read_at: float | None = None

    async def scans(self, limit: int) -> Sequence[PastScan]:
        """The last scans, newest first."""
        try:
            rows = await self._store.scans(limit)
        except StoreError as error:
            log.warning("history_not_read", error=str(error))
            return ()
        return [
            PastScan(
                row["id"],
                row["started_at"],
                row["finished_at"],
                bool(row["complete"]),
                row["hosts"],
                {status: int(row["counts"].get(status, 0)) for status in Status},
            )
            for row in rows
        ]

    async def days(self) -> Sequence[Day]:
        """The last scan of each day, oldest first."""
        now = self._clock()
        if self._read_at is not None and 0 <= now - self._read_at < FRESH_S:
            return self._days
        found: dict[int, Day] = {}
        for scan in await self.scans(MAX_SCANS):
            day = int(scan.finished_at // DAY_S)
            if scan.complete and now - scan.finished_at <= DAYS * DAY_S:
                found.setdefault(day, Day(scan.finished_at, scan.hosts, scan.counts))
        self._days, self._read_at = tuple(found[day] for day in sorted(found)), now
        return self._days

    async def platform_changes(self, host: str) -> Sequence[Architecture] | None:
        """What a host has been, the newest change first; ``None`` where the store cannot be read."""
        try:
            return await self._store.platform_changes(host)
        except StoreError as error:
            log.warning("history_not_read", error=str(error))
            return None
