"""Gives endpoints what they ask for: the use cases, the metrics, a clock, who calls."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from starlette.requests import Request

from scanner.domain.report import Report
from scanner.service.gate.admission import Admission
from scanner.service.gate.gate import Gate
from scanner.service.gate.overrides import Overrides
from scanner.service.health import Health
from scanner.service.history import History
from scanner.service.platform_moves import PlatformMoves
from scanner.service.probe import Probe
from scanner.service.publication import Publication
from scanner.service.pushing import Pushing
from scanner.service.recording import Recording
from scanner.service.reloading import Reloading
from scanner.service.rollback.rollbacks import Rollbacks
from scanner.service.scans import Scans
from scanner.service.service import Service
from scanner.service.waivers import Waivers
from scanner.web.http.access import Access
from scanner.web.http.exposition import Exposition
from scanner.web.http.permitted import AccessChanges, Permitted, permitted_of
from scanner.web.http.problem import Problem
from scanner.web.http.session import Sessions

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
class WebContext:
    """What one application serves from: the service, its metrics, a clock, the last probes' logs."""

    service: Service
    metrics: Exposition
    clock: Callable[[], float] = time.time
    probes: deque[ProbeLog] = field(default_factory=lambda: deque(maxlen=MAX_PROBE_LOGS))
    listeners: int = 0
    access_changes: AccessChanges = field(default_factory=AccessChanges)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def report(self) -> Report:
        """The published report.

        Raises:
            Problem: 503 before the first.
        """
        report = self.service.publication.report()
        if report is None:
            raise Problem(503, "not_ready", "the first scan has not ended yet", {"Retry-After": "10"})
        return report

    def remember(self, target: str, *, success: bool, duration_s: float, lines: tuple[str, ...]) -> ProbeLog:
        """Keep a probe's log for ``/logs``."""
        log = ProbeLog(next(self._numbers), target, self.clock(), success, duration_s, lines)
        self.probes.appendleft(log)
        return log


# ---------------------------------------------------------------- one for each parameter; async, so that none costs a thread


async def context(request: Request) -> WebContext:
    """What the application serves from."""
    found: WebContext = request.app.state.context
    return found


async def access(request: Request) -> Access:
    """Who may do what."""
    found: Access = request.app.state.access
    return found


async def sessions(request: Request) -> Sessions:
    """Who is signed in."""
    found: Sessions = request.app.state.sessions
    return found


async def caller(request: Request) -> str:
    """The name of whoever made a guarded request."""
    return str(request.state.caller)


async def still_permitted(request: Request) -> Permitted:
    """Asks whether whoever made a guarded request may still do so."""
    return permitted_of(request)


async def exposition(request: Request) -> Exposition:
    """The metrics."""
    return (await context(request)).metrics


async def publication(request: Request) -> Publication:
    """The published report."""
    return (await context(request)).service.publication


async def reloading(request: Request) -> Reloading:
    """The configuration in force."""
    return (await context(request)).service.reloading


async def scans(request: Request) -> Scans:
    """Scans on request."""
    return (await context(request)).service.scans


async def probe(request: Request) -> Probe:
    """One host scanned now."""
    return (await context(request)).service.probe


async def pushing(request: Request) -> Pushing:
    """Answers that hosts push."""
    return (await context(request)).service.pushing


async def gate(request: Request) -> Gate:
    """The deploy gate."""
    return (await context(request)).service.gate


async def admission(request: Request) -> Admission:
    """The gate's answer for a cluster."""
    return (await context(request)).service.admission


async def overrides(request: Request) -> Overrides:
    """Who answers for deployments against the gate."""
    return (await context(request)).service.overrides


async def waivers(request: Request) -> Waivers:
    """The waivers in force."""
    return (await context(request)).service.waivers


async def rollbacks(request: Request) -> Rollbacks:
    """Plans that bring former releases back."""
    return (await context(request)).service.rollbacks


async def health(request: Request) -> Health:
    """Whether the service does its work."""
    return (await context(request)).service.health


async def history(request: Request) -> History:
    """How the fleet fared."""
    return (await context(request)).service.history


async def moves(request: Request) -> PlatformMoves:
    """What would run on another platform."""
    return (await context(request)).service.moves


async def recording(request: Request) -> Recording:
    """What the trail is told, and the trail."""
    return (await context(request)).service.recording
