"""What every endpoint has at hand."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from scanner.domain.report import Report
from scanner.service.answers import Exposition, Service
from scanner.web.http.problem import Problem

MAX_PROBE_LOGS = 100
"""What an operator looks back at after a red probe."""

MAX_LISTENERS = 32
"""Open event streams; each is a connection that stays."""


@dataclass(frozen=True, slots=True)
class ProbeLog:
    """One answered ``/probe``; ``at`` is Unix seconds."""

    id: int
    target: str
    at: float
    success: bool
    duration_s: float
    lines: tuple[str, ...]


@dataclass
class Desk:
    """The service, its metrics, a clock, the last probes' logs."""

    service: Service
    metrics: Exposition
    clock: Callable[[], float] = time.time
    probes: deque[ProbeLog] = field(default_factory=lambda: deque(maxlen=MAX_PROBE_LOGS))
    listeners: int = 0
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def report(self) -> Report:
        """The published report.

        Raises:
            Problem: 503 before the first.
        """
        report = self.service.report()
        if report is None:
            raise Problem(503, "not_ready", "the first scan has not ended yet", {"Retry-After": "10"})
        return report

    def remember(self, target: str, *, success: bool, duration_s: float, lines: tuple[str, ...]) -> ProbeLog:
        """Keep a probe's log for ``/logs``."""
        log = ProbeLog(next(self._numbers), target, self.clock(), success, duration_s, lines)
        self.probes.appendleft(log)
        return log
