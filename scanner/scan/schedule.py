"""When scans start by themselves: every interval, never two at once, each skip counted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog
from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.interval import IntervalTrigger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

log = structlog.get_logger(__name__)

_JOB = "scan"


class Schedule:
    """Calls ``run`` every ``interval_s`` seconds, late by at most ``jitter_s`` at random, the first time at once.

    A start that falls into a running scan, or that comes too late to matter, is skipped; ``on_skip`` is told. The
    default grace of APScheduler, one second, would silently lose scans on a busy machine, so the grace here is the
    interval itself.
    """

    def __init__(
        self, run: Callable[[], Awaitable[None]], interval_s: float, jitter_s: float, on_skip: Callable[[], None]
    ) -> None:
        self._run = run
        self._on_skip = on_skip
        self._interval_s, self._jitter_s = interval_s, jitter_s
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._scheduler.add_listener(self._skipped, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(self._failed, EVENT_JOB_ERROR)

    @property
    def interval_s(self) -> float:
        """Seconds from start to start."""
        return self._interval_s

    def start(self) -> None:
        """Begin; needs a running event loop."""
        self._scheduler.add_job(
            self._run,
            self._trigger(),
            id=_JOB,
            next_run_time=datetime.now(UTC),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=max(1, int(self._interval_s)),
        )
        self._scheduler.start()

    def change(self, interval_s: float, jitter_s: float) -> None:
        """Take on new settings; a running scan goes on."""
        if (interval_s, jitter_s) == (self._interval_s, self._jitter_s):
            return
        self._interval_s, self._jitter_s = interval_s, jitter_s
        self._scheduler.reschedule_job(_JOB, trigger=self._trigger())

    def stop(self) -> None:
        """No further starts."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def _trigger(self) -> IntervalTrigger:
        return IntervalTrigger(seconds=self._interval_s, jitter=self._jitter_s or None, timezone="UTC")

    def _skipped(self, _event: JobEvent) -> None:
        log.warning("scan_skipped", why="the scan before it is still running or the clock jumped")
        self._on_skip()

    def _failed(self, event: JobEvent) -> None:
        log.error("scan_failed", error=repr(getattr(event, "exception", None)))
