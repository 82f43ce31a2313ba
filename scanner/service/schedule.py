"""When scans start by themselves: every interval, never two at once, each skip counted."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = structlog.get_logger(__name__)

_JOB = "scan"

WATCH_S = 10.0
"""So late is a scan at most whose start the wall clock has put off by stepping back."""


class _Every(BaseTrigger):  # type: ignore[misc] # APScheduler has no types
    """Every interval from now on, whatever the wall clock did before.

    APScheduler's own trigger counts every start between the last one and now: a clock that leaps from 1970 to the
    present at boot would keep it busy for minutes.
    """

    def __init__(self, interval_s: float, jitter_s: float) -> None:
        self._interval, self._jitter_s = timedelta(seconds=interval_s), jitter_s

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        due = (previous_fire_time or now) + self._interval
        if not now < due <= now + self._interval:
            due = now + self._interval
        return due + timedelta(seconds=random.uniform(0, self._jitter_s))  # noqa: S311 -- spreads load, hides nothing


class Schedule:
    """Calls ``run`` every ``interval_s`` seconds, late by at most ``jitter_s`` at random, the first time at once.

    A start that falls into a running scan is skipped; ``on_skip`` is called. A start that is late, after a suspend or on
    a busy machine, still takes place, once. APScheduler goes by the wall clock: where that steps back, the start is
    brought forward to when it was due.
    """

    def __init__(
        self, run: Callable[[], Awaitable[None]], interval_s: float, jitter_s: float, on_skip: Callable[[], None]
    ) -> None:
        self._run = run
        self._on_skip = on_skip
        self._interval_s, self._jitter_s = interval_s, jitter_s
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._started_at = 0.0
        self._watch: asyncio.TimerHandle | None = None
        self._scheduler.add_listener(self._skipped, EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(self._failed, EVENT_JOB_ERROR)

    @property
    def interval_s(self) -> float:
        """Seconds from start to start."""
        return self._interval_s

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._scheduler.add_job(
            self._start,
            _Every(self._interval_s, self._jitter_s),
            id=_JOB,
            next_run_time=datetime.now(UTC),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
        self._scheduler.start()
        self._keep_watch()

    def change(self, interval_s: float, jitter_s: float) -> None:
        """Take on new settings; a running scan goes on."""
        if (interval_s, jitter_s) == (self._interval_s, self._jitter_s):
            return
        self._interval_s, self._jitter_s = interval_s, jitter_s
        if self._scheduler.get_job(_JOB) is None:
            return  # one who follows has not begun
        self._scheduler.reschedule_job(_JOB, trigger=_Every(interval_s, jitter_s))

    def stop(self) -> None:
        """No further starts."""
        if self._watch is not None:
            self._watch.cancel()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _start(self) -> None:
        self._started_at = asyncio.get_running_loop().time()
        try:
            await self._run()
        except asyncio.CancelledError:  # only stop() ends it, and a job of its own has nobody above it to tell
            log.info("scan_interrupted", why="the service is stopping")

    def _keep_watch(self) -> None:
        """Bring a start forward that is further away than the interval allows."""
        now = datetime.now(UTC)
        furthest = now + timedelta(seconds=self._interval_s + self._jitter_s + WATCH_S)
        job = self._scheduler.get_job(_JOB)
        loop = asyncio.get_running_loop()
        if job is not None and job.next_run_time > furthest:
            log.warning("clock_stepped_back", scan_was_due=job.next_run_time.isoformat())
            left_s = max(0.0, self._started_at + self._interval_s - loop.time())
            self._scheduler.modify_job(_JOB, next_run_time=now + timedelta(seconds=left_s))
        self._watch = loop.call_later(WATCH_S, self._keep_watch)

    def _skipped(self, _event: JobEvent) -> None:
        log.warning("scan_skipped", why="the scan before it is still running")
        self._on_skip()

    def _failed(self, event: JobEvent) -> None:
        log.error("scan_failed", error=repr(getattr(event, "exception", None)))
