"""Scans of inventory hosts, on schedule or on request, from the settings in force to their publication."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from scanner.service.answers import Refusal, RefusalReason
from scanner.service.configuration import limits
from scanner.service.deadline import with_plans
from scanner.service.scan_queue import QueueFullError, ScanQueue, ScanRequest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from scanner.domain.host import Host
    from scanner.domain.report import HostReading, Report
    from scanner.service.configuration import Configuration
    from scanner.service.health import Health
    from scanner.service.ports import Adapters, Observer
    from scanner.service.publication import Publication
    from scanner.service.recording import Recording
    from scanner.service.reloading import Reloading
    from scanner.service.surveys import Surveys
    from scanner.service.waivers import Waivers

log = structlog.get_logger(__name__)


class Scans:
    """Asks for scans, runs them one after the other; ``by`` names the caller for the log, it is never a credential."""

    def __init__(  # noqa: PLR0913, PLR0917 -- a scan passes through all of them
        self,
        reloading: Reloading,
        publication: Publication,
        waivers: Waivers,
        health: Health,
        surveys: Surveys,
        observer: Observer,
        clock: Callable[[], float],
        recording: Recording,
    ) -> None:
        self._reloading, self._publication, self._waivers = reloading, publication, waivers
        self._health, self._surveys, self._observer = health, surveys, observer
        self._recording = recording
        self._queue = ScanQueue(self._run, clock=clock)

    async def request(self, patterns: tuple[str, ...], by: str) -> ScanRequest | Refusal:
        """Scan the inventory hosts that match any glob (none: all), or join the scan that does."""
        hosts = self._reloading.matching(patterns)
        if isinstance(hosts, Refusal):
            return hosts
        running = self._queue.running
        try:
            request = self._queue.request((host.name for host in hosts), by)
        except QueueFullError as full:
            return Refusal(RefusalReason.TOO_MANY_SCANS, str(full), full.retry_after_s)
        joins = running is not None and running.id == request.id
        return replace(request, joined=joins or request.requested_by != by)

    def find(self, request_id: str) -> ScanRequest | None:
        """A requested scan, as long as it is remembered."""
        return self._queue.find(request_id)

    def watch(self, request_id: str) -> AsyncIterator[ScanRequest]:
        """The request now, then at each change, ending after the one that ended."""
        return self._queue.watch(request_id)

    async def scheduled(self) -> None:
        """Scan the whole inventory, before whoever waits; return when that is over."""
        names = [host.name for host in self._reloading.hosts()]
        await self._queue.wait(self._queue.request(names, "schedule", scheduled=True))

    async def close(self) -> None:
        """End the running scan; what was not finished is not published."""
        await self._queue.close()

    # ---------------------------------------------------------------- one scan

    async def _run(self, request: ScanRequest) -> None:
        configuration, adapters = self._reloading.current
        wanted = frozenset(request.hosts)
        hosts = [host for host in configuration.hosts if host.name in wanted]
        complete = False
        await self._recording.scan_started(request.id, request.requested_by, request.hosts)
        try:
            with self._reloading.using(adapters):
                report = await self._scanned(request, configuration, adapters, hosts)
            await self._waivers.in_force()
            report = await self._publication.append(report, hosts, configuration.hosts, request.requested_by)
            complete = True
        except Exception as error:
            await self._recording.scan_failed(request.id, request.requested_by, f"{type(error).__name__}: {error}")
            raise
        finally:
            self._observer.scan_ended(complete=complete)
        if len(hosts) == len(configuration.hosts):
            self._health.fleet_scanned()
        log.info("scan_ended", scan=request.id, by=request.requested_by, hosts=len(hosts),
                 seconds=round(report.finished_at - report.started_at, 3),
                 **{str(status): count for status, count in report.counts.items() if count})  # fmt: skip

    async def _scanned(
        self, request: ScanRequest, configuration: Configuration, adapters: Adapters, hosts: Sequence[Host]
    ) -> Report:
        def listen(done: int, total: int, reading: HostReading) -> None:
            del reading  # who was read is for others to show
            self._queue.progress(request.id, done, total)

        with adapters.one_scan(), self._surveys.paused():
            plans, within = await with_plans(adapters, configuration.hosts, limits(configuration.settings))
            scanner = adapters.scanner(
                within,
                on_bug=lambda _where: self._observer.internal_error(),
                plans=plans,
                want_survey=self._surveys.want,
            )
            return await scanner.scan(hosts, scan_id=request.id, listen=listen)
