"""Judges the fleet as if it became another platform, its images down to the program on request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from scanner.domain.plan import Plan
from scanner.domain.platform.platform import canonical
from scanner.domain.readiness import Readiness, readiness
from scanner.domain.verdict.plain import plain_host
from scanner.scan.images.under_way import give_up
from scanner.service.answers import Refusal, RefusalReason
from scanner.service.configuration import limits

if TYPE_CHECKING:
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Report
    from scanner.service.ports import Observer
    from scanner.service.publication import Publication
    from scanner.service.reloading import Reloading
    from scanner.service.surveys import Surveys

log = structlog.get_logger(__name__)

MAX_KEPT = 8
"""Targets whose judgements are kept; a fleet moves to one or two."""


@dataclass(frozen=True, slots=True)
class _Outlooks:
    """What follows from one report, for each target that was asked about; may be asked from any thread."""

    report: Report
    _known: dict[tuple[str, str], tuple[Report | None, Readiness]] = field(default_factory=dict)

    def of(self, target: Platform, judged: Report | None, team_label: str) -> Readiness:
        """What would run there."""
        asked = str(target), team_label
        known = self._known.get(asked)
        if known is None or known[0] is not judged:
            if len(self._known) >= MAX_KEPT:
                self._known.clear()
            known = self._known[asked] = judged, readiness(self.report, target, judged, team_label)
        return known[1]


class PlatformMoves:
    """Answers at once from what the last scan found; judging asks registries, so that it is a task of its own."""

    def __init__(self, reloading: Reloading, publication: Publication, surveys: Surveys, observer: Observer) -> None:
        self._reloading, self._publication, self._surveys = reloading, publication, surveys
        self._observer = observer
        self._judged: dict[str, Report] = {}
        self._outlooks: _Outlooks | None = None
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def outlook(self, target: Platform, team_label: str = "team") -> Readiness | None:
        """What is known now; ``None`` before the first report."""
        report = self._publication.report()
        if report is None:
            return None
        known = self._outlooks
        if known is None or known.report is not report:
            known = self._outlooks = _Outlooks(report)
        return known.of(target, self._judged.get(str(canonical(target))), team_label)

    def is_judging(self, target: Platform) -> bool:
        """Whether images are being opened for this target."""
        return str(canonical(target)) in self._under_way

    def judge(self, target: Platform, by: str) -> Refusal | None:
        """Begin to open every image of the published report for a plain host of ``target``, or go on with it."""
        report = self._publication.report()
        if report is None:
            return Refusal(RefusalReason.NOT_READY, "the first scan has not ended yet", 10)
        try:
            plain_host(target)
        except ValueError as error:
            return Refusal(RefusalReason.PLATFORM_INVALID, str(error))
        key = str(canonical(target))
        if key not in self._under_way:
            log.info("readiness_asked", by=by, target=key)
            self._under_way[key] = asyncio.create_task(self._judge(target, key, report), name="readiness")
        return None

    async def close(self) -> None:
        """Give up what is under way."""
        await give_up(self._under_way.values())

    async def _judge(self, target: Platform, key: str, report: Report) -> None:
        try:
            configuration, adapters = self._reloading.current
            images = dict.fromkeys(finding.workload.image for finding in report.findings)
            plans = [Plan(image) for image in images if image]
            asked = limits(configuration.settings)
            with self._reloading.using(adapters), adapters.one_scan():
                scanner = adapters.scanner(
                    asked,
                    on_bug=lambda _where: self._observer.internal_error(),
                    want_survey=self._surveys.want,
                )
                async with asyncio.timeout(asked.deadline_s):
                    judged = await scanner.against((target,), plans)
            while len(self._judged) >= MAX_KEPT:
                del self._judged[next(iter(self._judged))]
            self._judged[key] = judged
        except TimeoutError:
            log.warning("readiness_too_slow", target=key, within_s=asked.deadline_s)
        except Exception:
            log.exception("readiness_bug", target=key)
            self._observer.internal_error()
        finally:
            self._under_way.pop(key, None)
