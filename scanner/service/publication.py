"""The one report that everybody reads, from a scan's end to its publication."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from scanner.domain.finding_groups import NO_FINDINGS, Findings, HostFindings
from scanner.domain.ownership import team_of
from scanner.domain.report_text import shown
from scanner.store.error import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from scanner.domain.host import Host
    from scanner.domain.ownership import OwnerRule
    from scanner.domain.report import Finding, HostReading, Report
    from scanner.domain.waiver import Waiver
    from scanner.service.ports import Observer
    from scanner.service.recording import Recording
    from scanner.store.store import Store

log = structlog.get_logger(__name__)


_FIRST_SCAN = "first_scan"
"""The record of when the first complete scan ended."""


class Publication:
    """What was found goes one way: durable, then recorded, then published."""

    def __init__(self, store: Store, observer: Observer, clock: Callable[[], float], recording: Recording) -> None:
        self._store, self._observer, self._clock, self._recording = store, observer, clock, recording
        self._durable: Report | None = None
        self._report: Report | None = None
        self._waivers: tuple[Waiver, ...] = ()
        self._marks = Marks()
        self._owners: tuple[OwnerRule, ...] = ()
        self._applied: tuple[tuple[Waiver, ...], tuple[OwnerRule, ...]] = ((), ())
        self._turn = asyncio.Lock()
        self._owning: set[asyncio.Task[None]] = set()
        self._store_error = ""
        self._read_from: dict[str, _Place] = {}
        self._is_first = True
        self._preparations: list[Callable[[Report], None]] = [observer.prepare]

    def prepare_with(self, prepare: Callable[[Report], None]) -> None:
        """Call ``prepare`` in a thread with each report before it is published, so that whoever asks first waits for nothing."""
        self._preparations.append(prepare)

    async def load(self) -> None:
        """Publish what was known before a restart.

        Raises:
            StoreError: it could not be read.
        """
        known = await self._store.load()
        async with self._turn:
            if known is None:
                self._durable = self._report = None
            else:
                await self._publish(known)
        first = (await self._store.records(_FIRST_SCAN)).get(_FIRST_SCAN)
        self._is_first = first is None and known is None
        if not self._is_first:  # a store older than this record knows of scans, and nobody has to be told of the first
            self._observer.first_scanned(float(first or 0.0))
        await self._show_architectures()

    # ---------------------------------------------------------------- what is known

    def report(self) -> Report | None:
        """The published report, ``None`` before the first."""
        return self._report

    @property
    def store_error(self) -> str:
        """Why the last report could not be stored; empty where it was."""
        return self._store_error

    def reading(self, host: Host) -> HostReading | None:
        """What the report says of a host, if that was read from the machine that its name means now.

        A reading from before a restart may be of another machine: nobody knows what the configuration was then.
        """
        if self._report is None or self._read_from.get(host.name) != _place(host):
            return None
        return self._report.readings.get(host.name)

    # ---------------------------------------------------------------- what is added

    async def append(self, fresh: Report, scanned: Sequence[Host], inventory: Sequence[Host], by: str = "") -> Report:
        """The one way in: publish a scan of the ``scanned`` hosts within the whole ``inventory``; as it was published.

        The trail is told in the transaction that makes it durable, before anybody reads it.
        """
        read_from = {host.name: _place(host) for host in scanned}
        fleet = [host.name for host in inventory if host.name in read_from or not self._has_moved(host)]
        last = self._durable
        durable = await self._stored(await asyncio.to_thread(lambda: merged(last, shown(fresh), fleet)), by)
        async with self._turn:
            report = await self._publish(durable)
            self._read_from.update(read_from)
        return report

    async def waive(self, waivers: Iterable[Waiver]) -> None:
        """Apply these waivers, instead of those before; they are in force when it returns. The same ones change nothing."""
        self._waivers = tuple(waivers)
        await self._apply()

    def own(self, owners: Iterable[OwnerRule]) -> None:
        """Ask these owners whose a finding is, instead of those before, from the next publication on, which follows."""
        self._owners = tuple(owners)
        if self._durable is not None:
            task = asyncio.create_task(self._apply())
            self._owning.add(task)
            task.add_done_callback(self._owning.discard)

    async def close(self) -> None:
        """Let what is about to be published be published."""
        if self._owning:
            await asyncio.wait(self._owning)

    async def _apply(self) -> None:
        """Publish again where other waivers or owners are wanted than those that readers see; one at a time."""
        if (self._waivers, self._owners) == self._applied:
            return
        async with self._turn:
            if self._durable is not None and (self._waivers, self._owners) != self._applied:
                await self._publish(self._durable)

    async def _publish(self, durable: Report) -> Report:
        """One reference, swapped once all that is shown of it has been made: readers see the old report or the new one.

        Whoever wants other waivers or owners meanwhile waits for this turn to end, then publishes again.
        """
        wanted = self._waivers, self._owners
        report = await asyncio.to_thread(self._counted, durable, wanted[0], self._clock(), wanted[1])
        if report is not self._report:
            for prepare in self._preparations:
                await asyncio.to_thread(prepare, report)
        self._durable, self._report, self._applied = durable, report, wanted
        return report

    def _counted(self, durable: Report, waivers: Sequence[Waiver], now: float, owners: tuple[OwnerRule, ...]) -> Report:
        """What is about to be published, made beside the event loop: marking and counting grow with the fleet."""
        report = self._marks.of(durable, waivers, now, owners)
        _ = report.counts  # which the report remembers
        return report

    async def _stored(self, report: Report, by: str) -> Report:
        """Durable before it is published; a store that fails does not stop the scans, but the gate holds."""
        saved = report
        try:
            saved = await self._recording.save(self._store, report, by)
            if self._is_first and report.complete:
                await self._store.put_record(_FIRST_SCAN, _FIRST_SCAN, report.finished_at)
                self._is_first = False
                self._observer.first_scanned(report.finished_at)
            await self._show_architectures()
        except StoreError as error:
            self._store_error = str(error)
            self._observer.store_failed()
            log.error("store_failed", error=str(error))  # noqa: TRY400 -- the operator's line, no traceback
        else:
            self._store_error = ""
        return saved

    async def _show_architectures(self) -> None:
        known = await self._store.architectures()
        changed = {host: one.changed_at for host, one in known.items() if one.changed_at is not None}
        self._observer.architectures_changed(changed)

    def _has_moved(self, host: Host) -> bool:
        """Whether what is known under this name was read from another machine; what a restart left is not known."""
        return self._read_from.get(host.name, _place(host)) != _place(host)


_Place = tuple[str, int, str, bool]


def _place(host: Host) -> _Place:
    """What makes a host the machine that it is: its name may mean another one after a reload."""
    return (host.address, host.port, host.jump, host.local)


def merged(last: Report | None, fresh: Report, fleet: Sequence[str]) -> Report:
    """The report of the whole ``fleet`` after a scan of some of its hosts; other hosts keep their last reading.

    What is not in ``fleet`` is forgotten: a host that left the inventory, or whose name means another machine now.
    """
    if last is None:
        return fresh
    readings = {host.name: host for host in (*last.hosts, *fresh.hosts)}
    scanned = {host.name for host in fresh.hosts}
    names = [name for name in fleet if name in readings]
    groups = {name: (fresh if name in scanned else last).by_host.get(name, NO_FINDINGS) for name in names}
    fleet_at = fresh.finished_at if scanned.issuperset(fleet) else last.fleet_scanned_at
    hosts = tuple(readings[name] for name in names)
    return replace(fresh, hosts=hosts, findings=Findings.of(groups), fleet_at=fleet_at)


_MarkedHost = tuple[HostFindings, "Mapping[str, str]", HostFindings]
"""A host's findings, its labels, the findings with their marks."""


class Marks:
    """Says of findings until when somebody answers for them, then whose they are; remembered by host.

    That holds until another waiver, or another owner, is in force. One thread asks at a time, the others wait.
    """

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._valid: tuple[Waiver, ...] = ()
        self._owners: tuple[OwnerRule, ...] = ()
        self._marked: dict[str, _MarkedHost] = {}
        self._last: tuple[Report, Report] | None = None

    def of(self, report: Report, waivers: Iterable[Waiver], now: float, owners: tuple[OwnerRule, ...] = ()) -> Report:
        """The report with each finding's ``waived_until`` and ``team``, itself where that changes nothing.

        A waiver that has ended waives nothing.
        """
        valid = tuple(waiver for waiver in waivers if waiver.until > now)
        with self._turn:
            return self._of(report, valid, owners)

    def _of(self, report: Report, valid: tuple[Waiver, ...], owners: tuple[OwnerRule, ...]) -> Report:
        if (valid, owners) != (self._valid, self._owners):
            self._valid, self._owners, self._marked, self._last = valid, owners, {}, None
        if self._last is None or self._last[0] is not report:
            self._last = report, self._made(report)
        return self._last[1]

    def _made(self, report: Report) -> Report:
        known = self._marked
        labels = {reading.name: reading.labels for reading in report.hosts}
        made = self._marked = {
            host: self._of_host(known.get(host), found, labels.get(host, {})) for host, found in report.by_host.items()
        }
        if all(before is after for before, _, after in made.values()):
            return report
        return replace(report, findings=Findings.of({host: after for host, (_, _, after) in made.items()}))

    def _of_host(self, known: _MarkedHost | None, found: HostFindings, labels: Mapping[str, str]) -> _MarkedHost:
        if known and known[0] is found and known[1] == labels:
            return known
        marked = HostFindings(
            _marked(finding, self._valid, team_of(finding, self._owners, labels)) for finding in found
        )
        same = all(after is before for after, before in zip(marked, found, strict=True))
        return found, labels, found if same else marked


def waived(report: Report, waivers: Iterable[Waiver], now: float, owners: tuple[OwnerRule, ...] = ()) -> Report:
    """The same, once."""
    return Marks().of(report, waivers, now, owners)


def _marked(finding: Finding, valid: Sequence[Waiver], team: str) -> Finding:
    until = max((waiver.until for waiver in valid if waiver.covers(finding)), default=None)
    same = until == finding.waived_until and team == finding.team
    return finding if same else replace(finding, waived_until=until, team=team)
