"""The running service: scans on schedule or on request, one published report for everybody."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from scanner import inventory
from scanner.app import wiring
from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.decision import decide
from scanner.domain.facts import Failure, HostFacts, image_reference
from scanner.domain.host import Host, Plan
from scanner.domain.verdict.reason import Reason
from scanner.registry.client import last_seen
from scanner.service.answers import (
    Checked,
    Probed,
    Readiness,
    Refusal,
    RefusalReason,
    Reloaded,
    ScanTicket,
    Waived,
)
from scanner.service.presenter import lines_of, ticket_of
from scanner.service.publication import merged, waived
from scanner.service.scan_queue import QueueFullError, ScanQueue, ScanRequest
from scanner.service.schedule import Schedule
from scanner.service.waivers import Waivers
from scanner.settings.reload import Reloader
from scanner.store.error import StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Report
    from scanner.metrics.metrics import Metrics
    from scanner.service.configuration import Configuration
    from scanner.settings.schema import Settings
    from scanner.store.store import Store

log = structlog.get_logger(__name__)

STALE_INTERVALS = 3
"""A service that has published nothing for so many intervals does not do its work."""


class Service:
    """Fills ``web.service.Service``; made in the event loop that runs it."""

    def __init__(
        self,
        read: Callable[[], Configuration],
        store: Store,
        metrics: Metrics,
        version: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Reads the configuration for the first time.

        Raises:
            SettingsError: it cannot be used, or a key or known_hosts in it.
        """
        self._store, self._metrics, self._clock = store, metrics, clock
        self._around = AdapterContext(version, store, metrics.registries, last_seen=last_seen())
        self._loop = asyncio.get_running_loop()
        self._reloader = Reloader(lambda: self._opened(read()), lambda held: len(held[0].hosts), _allows_shrink, clock)
        self._desk = ScanQueue(self._scan, clock=clock)
        scan = self._settings.scan
        self._schedule = Schedule(self._scheduled, scan.interval, scan.jitter, metrics.scan_skipped)
        self._report: Report | None = None
        self._waivers = Waivers(store, lambda: self._settings, clock)
        self._store_error = ""
        self._alive_at = self._loop.time()
        self._read_from: dict[str, _Place] = {}
        self._in_force = self._reach
        self._retired: set[asyncio.Task[None]] = set()
        self._busy: dict[Adapters, int] = {}
        self._told_credentials: frozenset[str] = frozenset()
        self._configure()

    # ---------------------------------------------------------------- life

    async def start(self) -> None:
        """Remember what was known before, then begin to scan."""
        self._report = await self._store.load()
        await self._waivers.load()
        self._publish(self._report)
        await self._tell_architectures()
        self._schedule.start()

    async def stop(self) -> None:
        """End the running scan, close every connection; what was not finished is not published."""
        self._schedule.stop()
        await self._desk.close()
        await self._reach.close()
        if self._retired:
            await asyncio.wait(self._retired)

    # ---------------------------------------------------------------- configuration

    @property
    def _settings(self) -> Settings:
        return self._reloader.current[0].settings

    @property
    def _reach(self) -> Adapters:
        return self._reloader.current[1]

    def _opened(self, read: Configuration) -> tuple[Configuration, Adapters]:
        """A configuration counts as good only if its keys can be used too."""
        return read, Adapters(read.settings, self._around)

    def _configure(self) -> None:
        """Tell everybody of the settings in force; in the event loop's thread."""
        settings, outcome = self._settings, self._reloader.outcome
        self._metrics.configure(
            max_findings=settings.metrics.max_findings,
            scan_interval_s=settings.scan.interval,
            registries=tuple(settings.registries.listed),
        )
        self._metrics.config_reloaded(successful=outcome.successful, at=outcome.at)
        self._tell_credentials()

    def _tell_credentials(self) -> None:
        """When our certificates end; one that is no longer used must not alert."""
        ends = self._reach.credential_ends()
        for gone in self._told_credentials - ends.keys():
            self._metrics.credential_expires(gone, None)
        for name, at in ends.items():
            self._metrics.credential_expires(name, at)
        self._told_credentials = frozenset(ends)

    def reload(self, by: str) -> Reloaded:
        """Read the configuration again; may be called from any thread."""
        outcome = self._reloader.reload()
        detail = "; ".join(map(str, outcome.problems))
        if outcome.successful:
            log.info("configuration_reloaded", by=by, hosts=len(self.hosts()))
        else:
            log.error("configuration_refused", by=by, problems=detail)
        self._loop.call_soon_threadsafe(self._reloaded)
        return Reloaded(outcome.successful, detail)

    def _reloaded(self) -> None:
        """In the event loop, where ``_in_force`` follows what other threads have put in force meanwhile."""
        self._configure()
        before, self._in_force = self._in_force, self._reach
        if before is self._in_force:
            return
        self._schedule.change(self._settings.scan.interval, self._settings.scan.jitter)
        if not self._busy.get(before):
            self._retire(before)

    @contextmanager
    def _using(self, reach: Adapters) -> Iterator[None]:
        """Keep a reach open for as long as somebody asks through it."""
        self._busy[reach] = self._busy.get(reach, 0) + 1
        try:
            yield
        finally:
            self._busy[reach] -= 1
            if not self._busy[reach]:
                del self._busy[reach]
                if reach not in (self._in_force, self._reach):
                    self._retire(reach)

    def _retire(self, reach: Adapters) -> None:
        """Close a reach that no scan uses any more."""
        task = self._loop.create_task(reach.close())
        self._retired.add(task)
        task.add_done_callback(self._retired.discard)

    # ---------------------------------------------------------------- scans

    async def _scheduled(self) -> None:
        names = frozenset(host.name for host in self.hosts())
        await self._desk.wait(self._desk.request(names, "schedule", scheduled=True))

    async def _scan(self, ticket: ScanRequest) -> None:
        """One scan from the settings in force to its publication."""
        configuration, reach = self._reloader.current
        hosts = [host for host in configuration.hosts if host.name in ticket.hosts]
        complete = False
        try:
            with self._using(reach), reach.registry.scan():
                scanner = reach.scanner(
                    wiring.limits(configuration.settings),
                    on_bug=self._bug,
                    plans=await reach.plans(configuration.hosts),
                )
                report = await scanner.scan(hosts, scan_id=ticket.id, listen=ticket.listen)
            read_from = {host.name: _place(host) for host in hosts}
            fleet = [one.name for one in configuration.hosts if one.name in read_from or not self._has_moved(one)]
            report = await self._remembered(merged(self._report, report, fleet))
            complete = True
        finally:
            self._metrics.scan_ended(complete=complete)
        report = waived(report, self._waivers.patterns(), self._clock())
        await asyncio.to_thread(self._metrics.prepare, report)
        self._publish(report)
        self._read_from.update(read_from)
        if len(hosts) == len(configuration.hosts):
            self._alive_at = self._loop.time()
        log.info("scan_ended", scan=ticket.id, by=ticket.requested_by, hosts=len(hosts),
                 seconds=round(report.finished_at - report.started_at, 3),
                 **{str(status): count for status, count in report.counts.items() if count})  # fmt: skip

    def _has_moved(self, host: Host) -> bool:
        """Whether what is known under this name was read from another machine; what a restart left is not known."""
        return self._read_from.get(host.name, _place(host)) != _place(host)

    def _bug(self, _where: str) -> None:
        self._metrics.internal_error()

    async def _remembered(self, report: Report) -> Report:
        """Durable before it is published; a store that fails does not stop the scans, but the gate holds."""
        try:
            saved = await self._store.save(report)
        except StoreError as error:
            self._store_error = str(error)
            self._metrics.store_failed()
            log.error("store_failed", error=str(error))  # noqa: TRY400 -- the operator's line, no traceback
            return report
        self._store_error = ""
        await self._tell_architectures()
        return saved

    async def _tell_architectures(self) -> None:
        known = await self._store.architectures()
        changed = {host: one.changed_at for host, one in known.items() if one.changed_at is not None}
        self._metrics.architectures_changed(changed)

    def _publish(self, report: Report | None) -> None:
        """One reference, swapped: readers see the old report or the new one."""
        self._report = waived(report, self._waivers.patterns(), self._clock()) if report else None

    async def request_scan(self, patterns: tuple[str, ...], by: str) -> ScanTicket | Refusal:
        """Scan now, or join the scan of the same hosts."""
        hosts = self._matching(patterns)
        if isinstance(hosts, Refusal):
            return hosts
        names = frozenset(host.name for host in hosts)
        known = self._desk.running
        try:
            ticket = self._desk.request(names, by)
        except QueueFullError as full:
            return Refusal(RefusalReason.TOO_MANY_SCANS, str(full), full.retry_after_s)
        return replace(ticket_of(ticket), joined=ticket is known or ticket.requested_by != by)

    def scan(self, ticket_id: str) -> ScanTicket | None:
        """An asked-for scan."""
        ticket = self._desk.find(ticket_id)
        return ticket_of(ticket) if ticket else None

    async def scan_events(self, ticket_id: str) -> AsyncIterator[ScanTicket]:
        """The ticket now, then at each change."""
        ticket = self._desk.find(ticket_id)
        if ticket is None:
            return
        async for changed in self._desk.watch(ticket):
            yield ticket_of(changed)

    async def probe(self, target: str, deadline_s: float, by: str) -> Probed | Refusal:
        """Scan one inventory host for whoever asks, beside the published report."""
        configuration, reach = self._reloader.current
        host = next((host for host in configuration.hosts if host.name == target), None)
        if host is None:
            return Refusal(RefusalReason.HOST_NOT_IN_INVENTORY, f"{target} is not a host of the inventory")
        lines = [f"asked by {by}: {host.name}, deadline {deadline_s:g} s"]
        limits = replace(wiring.limits(configuration.settings), deadline_s=deadline_s)
        with self._using(reach):
            scanner = reach.scanner(limits, on_bug=self._bug, plans=await reach.plans(configuration.hosts))
            report = await scanner.scan([host])
        lines += lines_of(report)
        return Probed(report, tuple(lines))

    # ---------------------------------------------------------------- the gate

    async def check(
        self, images: tuple[str, ...], hosts: tuple[str, ...], platform: Platform | None, by: str
    ) -> Checked | Refusal:
        """May these images go there? Judged with what the last scan knows of the hosts."""
        if refused := self._refused(images):
            return refused
        chosen = self._matching(hosts) if platform is None else ()
        if isinstance(chosen, Refusal):
            return chosen
        configuration, reach = self._reloader.current
        settings = configuration.settings
        with self._using(reach):
            scanner = reach.scanner(wiring.limits(settings), read=self._known_facts, on_bug=self._bug)
            if platform is None:
                plans = tuple(Plan(image) for image in images)
                report = await scanner.scan([replace(host, planned=plans) for host in chosen], only_plans=True)
            else:
                try:
                    report = await scanner.against(platform, images)
                except ValueError as error:
                    return Refusal(RefusalReason.PLATFORM_INVALID, str(error))
        decision = decide(report, wiring.policy(settings))
        log.info("gate_decided", by=by, decision=str(decision), images=list(images))
        return Checked(report, str(decision))

    def _refused(self, images: tuple[str, ...]) -> Refusal | None:
        if self._store_error:
            return Refusal(RefusalReason.STORE_FAILED, self._store_error, 60)
        registries = self._settings.registries
        for image in images:
            found = image_reference(image)
            name = image if isinstance(found, Failure) else found.registry
            if registries.only_listed and name not in registries.listed:
                return Refusal(RefusalReason.REGISTRY_NOT_ALLOWED, f"{name} is not a listed registry")
        return None

    async def _known_facts(self, host: Host) -> HostFacts | Failure:
        """What the published report says of a host, unless that is too old to decide on, or of another machine.

        A reading from before a restart may be of another machine: nobody knows what the configuration was then.
        """
        found = next((one for one in self._report.hosts if one.name == host.name), None) if self._report else None
        if found is None or self._read_from.get(host.name) != _place(host):
            return Failure(Reason.HOST_STALE, "the host has not been scanned yet, as the configuration names it now")
        age_s = self._clock() - found.taken_at
        if age_s < 0:
            return Failure(Reason.HOST_STALE, "the clock stepped back behind the host's last reading")
        if age_s > self._settings.gate.max_facts_age:
            return Failure(Reason.HOST_STALE, f"the host was last read {age_s:.0f} s ago")
        return found.reading

    # ---------------------------------------------------------------- waivers

    def waivers(self) -> Sequence[Waived]:
        """All that are in force."""
        return self._waivers.in_force()

    async def add_waiver(self, waiver: Waived, by: str) -> Waived | Refusal:
        """Put a waiver in force, at once."""
        added = await self._waivers.add(waiver, by)
        self._publish(self._report)
        return added

    async def delete_waiver(self, waiver_id: str, by: str) -> bool | Refusal:
        """End a waiver, at once."""
        deleted = await self._waivers.delete(waiver_id, by)
        self._publish(self._report)
        return deleted

    # ---------------------------------------------------------------- questions

    def report(self) -> Report | None:
        """The published report."""
        return self._report

    def hosts(self) -> Sequence[Host]:
        """The inventory in force."""
        return self._reloader.current[0].hosts

    def ready(self) -> Readiness:
        """Whether there is a report."""
        return Readiness(self._report is not None, "the first scan has not ended yet")

    def healthy(self) -> Readiness:
        """Whether scans of the fleet come to an end at all, whatever the wall clock says."""
        limit = STALE_INTERVALS * (self._settings.scan.interval + self._settings.scan.deadline)
        age_s = self._loop.time() - self._alive_at
        return Readiness(age_s <= limit, f"no scan of the whole fleet has ended for {age_s:.0f} s")

    def _matching(self, patterns: tuple[str, ...]) -> tuple[Host, ...] | Refusal:
        try:
            return inventory.match(self.hosts(), patterns)
        except inventory.InventoryError as error:
            return Refusal(RefusalReason.HOST_NOT_IN_INVENTORY, str(error))


_Place = tuple[str, int, str, bool]


def _place(host: Host) -> _Place:
    """What makes a host the machine that it is: its name may mean another one after a reload."""
    return (host.address, host.port, host.jump, host.local)


def _allows_shrink(held: tuple[Configuration, Adapters]) -> bool:
    return held[0].settings.scan.allow_shrink
