"""The surveys that judgements lack, made between scans within a day's budget."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.scan.images.under_way import give_up
from scanner.store.error import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scanner.scan.images.image_surveys import Wanted
    from scanner.service.ports import Observer
    from scanner.service.reloading import Reloading
    from scanner.store.store import Store

log = structlog.get_logger(__name__)

MAX_PENDING = 10_000
"""Images that wait; a fleet has fewer, and what is left out is asked for again by the next scan."""

DAY_S = 86400.0

KIND, KEY = "surveys", "spent"
"""The store's record of what was read today, so that a restart does not grant it again."""


@dataclass(frozen=True, slots=True)
class _Spent:
    """Bytes read on one day, which is counted from 1970 in UTC."""

    day: int = 0
    read_bytes: int = 0


class Surveys:
    """A queue that ``want`` fills while scans run and that is drained between them.

    The order is that of ``Rank``, then first come; of one registry as many at once as ``scan.surveys.per_registry`` says.
    """

    def __init__(self, reloading: Reloading, store: Store, observer: Observer, clock: Callable[[], float]) -> None:
        self._reloading, self._store, self._observer, self._clock = reloading, store, observer, clock
        self._pending: dict[tuple[str, bool], Wanted] = {}
        self._under_way: dict[tuple[str, bool], tuple[Wanted, asyncio.Task[None]]] = {}
        self._refused_at: dict[tuple[str, bool], int] = {}
        self._spent = _Spent()
        self._scans = 0
        self._closed = False

    async def load(self) -> None:
        """Recall what was read today already.

        Raises:
            StoreError: it could not be read.
        """
        body = (await self._store.records(KIND)).get(KEY)
        if body:
            self._spent = _Spent(int(body["day"]), int(body["read_bytes"]))

    @property
    def pending(self) -> int:
        """How many surveys are still to be made."""
        return len(self._pending.keys() | self._under_way.keys())

    def want(self, wanted: Wanted) -> None:
        """A judgement lacks this survey; the most urgent of those who want it counts."""
        known = self._pending.get(wanted.key)
        if wanted.key in self._under_way or (known is None and len(self._pending) >= MAX_PENDING):
            return
        if known is None or wanted.rank < known.rank:
            self._pending[wanted.key] = wanted
            self._drain()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Begin nothing while a scan runs, whose own requests come first."""
        self._scans += 1
        try:
            yield
        finally:
            self._scans -= 1
            self._drain()

    async def close(self) -> None:
        """Give up what is under way; the next scan asks for it again."""
        self._closed = True
        await give_up(task for _, task in self._under_way.values())

    # ---------------------------------------------------------------- in turn

    def _drain(self) -> None:
        """Begin what may begin now."""
        self._observer.surveys_pending(self.pending)
        if self._scans or self._closed:
            return
        left = self._left_bytes
        for wanted in sorted(self._pending.values(), key=lambda each: each.rank):
            if left > self._refused_at.get(wanted.key, 0) and self._has_turn(wanted):
                del self._pending[wanted.key]
                task = asyncio.create_task(self._make(wanted), name="survey")
                self._under_way[wanted.key] = (wanted, task)

    def _has_turn(self, wanted: Wanted) -> bool:
        same = sum(each.reference.registry == wanted.reference.registry for each, _ in self._under_way.values())
        return same < self._reloading.settings.scan.surveys.per_registry

    @property
    def _left_bytes(self) -> int:
        """What may still be read today."""
        spent = self._spent.read_bytes if self._spent.day == self._today else 0
        return self._reloading.settings.scan.surveys.daily_bytes - spent

    @property
    def _today(self) -> int:
        return int(self._clock() // DAY_S)

    def _grant(self, count: int) -> bool:
        """Take so many bytes out of today's budget, all or none."""
        if count > self._left_bytes:
            return False
        spent = self._spent.read_bytes if self._spent.day == self._today else 0
        self._spent = _Spent(self._today, spent + count)
        return True

    async def _make(self, wanted: Wanted) -> None:
        try:
            adapters = self._reloading.current[1]
            with self._reloading.using(adapters):
                found = await adapters.survey(wanted, self._grant)
            await self._made(wanted, found)
        except Exception:
            log.exception("survey_bug", image=str(wanted.reference))
            self._observer.internal_error()
        finally:
            self._under_way.pop(wanted.key, None)
            self._drain()

    async def _made(self, wanted: Wanted, found: int | Failure) -> None:
        image = str(wanted.reference)
        if isinstance(found, Failure):
            if found.reason is Reason.SURVEY_PENDING:
                self._refused_at[wanted.key] = self._left_bytes
                self._pending.setdefault(wanted.key, wanted)
                log.info("survey_postponed", image=image, detail=found.detail)
                return
            log.warning("survey_failed", image=image, reason=str(found.reason), detail=found.detail)
            return
        self._refused_at.pop(wanted.key, None)
        log.info("survey_made", image=image, whole=wanted.whole, bytes=found)
        try:
            body = {"day": self._spent.day, "read_bytes": self._spent.read_bytes}
            await self._store.put_record(KIND, KEY, body)
        except StoreError as error:
            log.error("store_failed", error=str(error))  # noqa: TRY400 -- the operator's line, no traceback
            self._observer.store_failed()
