"""Indexes a report for the pages, once for each: hosts with their worst, findings grouped by image."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.finding_groups import NO_FINDINGS
from scanner.domain.fleet_picture import URGENT, Cell, Picture, drawn_for_both, kind_of
from scanner.domain.verdict.reason import Reason, Status
from scanner.web.pages.image_rows import HARM, Alike, ImageGroup, ImageRow, grouped, is_trouble, urgency
from scanner.web.pages.page_filter import NO_PLATFORM, PageFilter, fitting, fitting_among, registry_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from scanner.domain.finding_groups import HostFindings, Likeness
    from scanner.domain.report import Finding, HostReading, Report


@dataclass(frozen=True, slots=True)
class HostRow:
    """One host with what is judged on it; ``worst`` is ``None`` where it runs nothing.

    ``platform`` is what it is filed under, where nobody knows that as well.
    """

    reading: HostReading
    found: HostFindings
    counts: Mapping[Status, int]
    worst: Status | None
    platform: str

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything judged on it, worst first."""
        return tuple(sorted(self.found, key=urgency))

    @property
    def name(self) -> str:
        """What the inventory calls it."""
        return self.reading.name

    @property
    def cell(self) -> Cell:
        """Its place in the picture."""
        return Cell(self.name, self.platform, kind_of(self.worst, self.reading.reading))

    @property
    def failure(self) -> Failure | None:
        """Why it could not be read."""
        return self.reading.reading if isinstance(self.reading.reading, Failure) else None


@dataclass(frozen=True)
class FleetIndex:
    """One report, looked up in many ways."""

    report: Report

    @cached_property
    def labels_of(self) -> Mapping[str, Mapping[str, str]]:
        """The labels of each host."""
        return {reading.name: reading.labels for reading in self.report.hosts}

    @cached_property
    def rows(self) -> tuple[HostRow, ...]:
        """Every host, in the report's order."""
        found = self.report.by_host
        return tuple(_row(reading, found.get(reading.name, NO_FINDINGS)) for reading in self.report.hosts)

    @cached_property
    def row_of(self) -> Mapping[str, HostRow]:
        """A host by its name."""
        return {row.name: row for row in self.rows}

    @cached_property
    def groups(self) -> tuple[ImageGroup, ...]:
        """What is not ok, grouped by image, worst first."""
        return grouped(self.every, is_trouble)

    @cached_property
    def every(self) -> Alike:
        """All that was judged."""
        return Alike(self.report.alike, self.report.hosts_alike)

    @cached_property
    def fine(self) -> tuple[ImageGroup, ...]:
        """What is ok, grouped by image, the many first."""
        return grouped(self.every, lambda one: one.status is Status.OK)

    @cached_property
    def images(self) -> tuple[ImageRow, ...]:
        """Every image, the worst first."""
        parts: dict[str, dict[Likeness, Sequence[Finding]]] = {}
        for one, found in self.report.alike.items():
            parts.setdefault(one.image, {})[one] = found
        rows = (ImageRow(some, self.report.hosts_alike, image) for image, some in parts.items())
        return tuple(sorted(rows, key=lambda row: (HARM[row.worst], -row.count, row.image)))

    @cached_property
    def image_of(self) -> Mapping[str, ImageRow]:
        """An image as written."""
        return {row.image: row for row in self.images}

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The place of every host in the picture, in the order of rows."""
        return tuple(row.cell for row in self.rows)

    @cached_property
    def cell_of(self) -> Mapping[str, Cell]:
        """A host's place by its name."""
        return {cell.name: cell for cell in self.cells}

    @cached_property
    def pictures(self) -> tuple[Picture, Picture]:
        """The whole fleet drawn, for a desk and for a phone."""
        return drawn_for_both(self.cells)

    @cached_property
    def platforms(self) -> Mapping[str, int]:
        """How many hosts are of each platform, most first."""
        return dict(Counter(row.platform for row in self.rows).most_common())

    @cached_property
    def registries(self) -> tuple[str, ...]:
        """The registries that images come from."""
        images = {one.image for one in self.report.alike}
        return tuple(sorted(filter(None, set(map(registry_of, images)))))

    @cached_property
    def teams(self) -> tuple[str, ...]:
        """Whose findings are, most first."""
        counts: Counter[str] = Counter()
        for one, found in self.report.alike.items():
            counts[one.team] += len(found) if one.team else 0
        return tuple(team for team, count in counts.most_common(MAX_CHOICES + 1) if count)[:MAX_CHOICES]

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every ``NAME=VALUE`` that hosts have, most first."""
        counts = Counter(chain.from_iterable(reading.labels.items() for reading in self.report.hosts))
        return tuple(f"{name}={value}" for (name, value), _ in counts.most_common(MAX_CHOICES))

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons that are there, in the order of the closed list."""
        there = {one.reason for one in self.report.alike}
        return tuple(reason for reason in Reason if reason in there)

    def prepare(self) -> None:
        """Make at once what the first page shows, with all that its filter offers."""
        _ = self.pictures, self.groups, self.platforms, self.registries, self.teams, self.labels, self.reasons
        _ = self.report.counts, self.images, self.unread, self.fine, self._workload_names

    @cached_property
    def unread(self) -> tuple[HostRow, ...]:
        """The hosts that could not be read."""
        return tuple(row for row in self.rows if row.failure)

    @cached_property
    def _workload_names(self) -> tuple[str, ...]:
        return tuple(set(chain.from_iterable(group.names for group in self.report.by_host.values())))

    def select(self, wanted: PageFilter) -> Alike:
        """The judged workloads that fit."""
        takes = dict.fromkeys(filter(wanted.takes_alike, self.report.alike))
        if wanted.q or wanted.label or wanted.host:
            return self._sought(wanted, takes)
        return Alike({one: self.report.alike[one] for one in takes}, self.report.hosts_alike)

    def _sought(self, wanted: PageFilter, takes: Mapping[Likeness, None]) -> Alike:
        """Those among what is taken that are where they are to be, or are called so; a host is looked at where it may have some."""
        report, fits = self.report, fitting(wanted.q)
        by_image = {one for one in takes if fits(one.image)}
        found: dict[Likeness, Sequence[Finding]] = {}
        where: dict[Likeness, Sequence[str]] = {}
        is_anywhere = not wanted.label and not wanted.host
        if is_anywhere:
            found |= {one: report.alike[one] for one in by_image}
            where |= {one: report.hosts_alike[one] for one in by_image}
        left = takes.keys() - by_image if is_anywhere else takes.keys()
        names = set(fitting_among(wanted.q, self._workload_names)) if takes.keys() - by_image else set()
        several: dict[Likeness, tuple[list[Finding], dict[str, None]]] = {one: ([], {}) for one in left}
        for host, group in report.by_host.items() if left else ():
            if not is_anywhere and not wanted.takes_where(host, self.labels_of.get(host, {})):
                continue
            places = (
                range(len(group)) if fits(host) else _called_so(group, names, frozenset() if is_anywhere else by_image)
            )
            for at in places:
                if (one := group.likenesses[at]) in several:
                    several[one][0].append(group[at])
                    several[one][1][host] = None
        for one, (some, hosts) in several.items():
            if some:
                found[one], where[one] = some, tuple(hosts)
        return Alike({one: found[one] for one in takes if one in found}, where)

    def hosts(self, wanted: PageFilter, selected: Alike | None = None) -> tuple[HostRow, ...]:
        """The hosts that fit, or on which something does; ``selected`` is what does, where that is known."""
        if not wanted:
            return self.rows
        with_fitting = (selected or self.select(wanted)).hosts
        return tuple(row for row in self.rows if row.name in with_fitting or _fits_bare(row, wanted))


def _called_so(group: HostFindings, names: Collection[str], by_image: Collection[Likeness]) -> Iterable[int]:
    """The places of those of a host's findings whose workload, or image, is called as sought."""
    if by_image:
        both = enumerate(zip(group.names, group.likenesses, strict=True))
        return [at for at, (name, one) in both if name in names or one in by_image]
    return [at for at, name in enumerate(group.names) if name in names] if names else ()


MAX_CHOICES = 200
"""Entries of one list to choose from; beyond that people type."""


def _fits_bare(row: HostRow, wanted: PageFilter) -> bool:
    """Whether a host fits though nothing on it does: by its own name, or because nothing is known of it."""
    if wanted.status and not wanted.without("status").narrows_workloads:
        is_asked = wanted.status == Status.UNKNOWN and row.failure is not None
        return is_asked and wanted.takes_host(row.reading) and fitting(wanted.q)(row.name)
    if wanted.narrows_workloads:
        return False
    return wanted.takes_host(row.reading) and fitting(wanted.q)(row.name)


def _row(reading: HostReading, found: HostFindings) -> HostRow:
    counts: dict[Status, int] = {}
    for status, _, count in found.tally.stages:
        counts[status] = counts.get(status, 0) + count
    counts = {status: counts[status] for status in URGENT if status in counts} if len(counts) > 1 else counts
    worst = next(iter(counts), None)
    if isinstance(reading.reading, Failure):
        worst = Status.UNKNOWN if worst not in {Status.MISMATCH, Status.BROKEN} else worst
    return HostRow(reading, found, counts, worst, str(reading.platform or NO_PLATFORM))


class LatestIndex:
    """The index of the report that was asked for last, or is about to be published; made by whoever comes first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._index: FleetIndex | None = None
        self._upcoming: FleetIndex | None = None

    def prepare(self, report: Report) -> None:
        """Make what every page shows of a report that is not published yet; the one before is asked for meanwhile."""
        upcoming = FleetIndex(report)
        upcoming.prepare()
        with self._lock:
            self._upcoming = upcoming

    def of(self, report: Report) -> FleetIndex:
        """The index of this report."""
        with self._lock:
            if self._upcoming is not None and self._upcoming.report is report:
                self._index, self._upcoming = self._upcoming, None
            if self._index is None or self._index.report is not report:
                self._index = FleetIndex(report)
            return self._index
