"""Indexes a report for the pages, once for each: hosts with their worst, findings grouped by image."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

from scanner.domain.facts import Stage
from scanner.domain.failure import Failure
from scanner.domain.finding_groups import NO_FINDINGS
from scanner.domain.fleet_picture import NARROW, URGENT, WIDE, Cell, Picture, drawn, kind_of
from scanner.domain.image.reference import ImageReference, image_reference
from scanner.domain.verdict.reason import Reason, Status
from scanner.web.pages.page_filter import NO_PLATFORM, PageFilter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scanner.domain.finding_groups import HostFindings
    from scanner.domain.image.offers import BuiltFrom
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Finding, HostReading, Report

HARM = {status: number for number, status in enumerate(URGENT)}

_STAGES = {Stage.RUNNING: 0, Stage.PLANNED: 1, Stage.STOPPED: 2}
"""What is down now, what will be, what has been for long."""


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


@dataclass(frozen=True, slots=True)
class ImageGroup:
    """One image that fares alike wherever it is: a row that opens."""

    image: str
    status: Status
    reason: Reason
    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The one that speaks for all."""
        return self.findings[0]

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it is, each host once."""
        return tuple(dict.fromkeys(finding.workload.host for finding in self.findings))

    @property
    def since(self) -> float | None:
        """When the first of them was seen (Unix seconds)."""
        return min((finding.first_seen for finding in self.findings if finding.first_seen), default=None)

    @property
    def stages(self) -> Mapping[Stage, int]:
        """How many run, are planned, are stopped."""
        return Counter(finding.workload.stage for finding in self.findings)

    @property
    def host_platforms(self) -> tuple[str, ...]:
        """The platforms of its hosts."""
        return tuple(sorted({str(finding.host_platform or NO_PLATFORM) for finding in self.findings}))

    @property
    def details(self) -> tuple[str, ...]:
        """What is said of it, each wording once."""
        return tuple(dict.fromkeys(finding.verdict.detail for finding in self.findings if finding.verdict.detail))

    @property
    def teams(self) -> tuple[str, ...]:
        """Whose they are, as far as somebody said so."""
        return tuple(sorted({finding.team for finding in self.findings if finding.team}))

    @property
    def origins(self) -> tuple[BuiltFrom, ...]:
        """What their images say that they were built from, each source once."""
        return origins(self.findings)

    @property
    def waived(self) -> int:
        """How many of them somebody answers for."""
        return sum(finding.waived_until is not None for finding in self.findings)


@dataclass(frozen=True)
class ImageRow:
    """One image as written with how it fares."""

    image: str
    findings: Sequence[Finding]

    @cached_property
    def worst(self) -> Status:
        """How it fares where it fares worst."""
        return next(iter(self.counts))

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """How many workloads fare how, worst first."""
        counts = Counter(finding.verdict.status for finding in self.findings)
        return dict(sorted(counts.items(), key=lambda pair: HARM[pair[0]]))

    @cached_property
    def hosts(self) -> int:
        """On how many hosts it is."""
        return len({finding.workload.host for finding in self.findings})

    @cached_property
    def teams(self) -> Sequence[str]:
        """Whose its workloads are, as far as somebody said so."""
        return sorted({finding.team for finding in self.findings if finding.team})

    @cached_property
    def origins(self) -> Sequence[BuiltFrom]:
        """What it says that it was built from, each source once."""
        return origins(self.findings)

    @cached_property
    def offered(self) -> Sequence[Platform]:
        """What it was found to offer."""
        offers = {
            id(finding.verdict.offered): finding.verdict.offered for finding in self.findings
        }  # few, said by many
        return tuple(dict.fromkeys(chain.from_iterable(offers.values())))


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
        unwell = (found for found in self.report.by_host.values() if not _is_well(found))
        return grouped(finding for found in unwell for finding in found if finding.verdict.status is not Status.OK)

    @cached_property
    def by_image(self) -> Mapping[str, tuple[Finding, ...]]:
        """The findings of each image as written, in the report's order."""
        found: dict[str, list[Finding]] = {}
        for finding in self.report.findings:
            found.setdefault(finding.workload.image, []).append(finding)
        return {image: tuple(findings) for image, findings in found.items()}

    @cached_property
    def images(self) -> tuple[ImageRow, ...]:
        """Every image, the worst first."""
        rows = (ImageRow(image, found) for image, found in self.by_image.items())
        return tuple(sorted(rows, key=lambda row: (HARM[row.worst], -len(row.findings), row.image)))

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The place of every host in the picture."""
        return tuple(row.cell for row in self.rows)

    @cached_property
    def pictures(self) -> tuple[Picture, Picture]:
        """The whole fleet drawn, for a desk and for a phone."""
        return drawn(self.cells, WIDE), drawn(self.cells, NARROW)

    @cached_property
    def platforms(self) -> Mapping[str, int]:
        """How many hosts are of each platform, most first."""
        return dict(Counter(row.platform for row in self.rows).most_common())

    @cached_property
    def registries(self) -> tuple[str, ...]:
        """The registries that images come from."""
        images = {finding.workload.image for finding in self.report.findings}
        references = map(image_reference, images)
        return tuple(sorted({one.registry for one in references if isinstance(one, ImageReference) and one.registry}))

    @cached_property
    def teams(self) -> tuple[str, ...]:
        """Whose findings are, most first."""
        counts = Counter(finding.team for finding in self.report.findings if finding.team)
        return tuple(team for team, _ in counts.most_common(MAX_CHOICES))

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Every ``NAME=VALUE`` that hosts have, most first."""
        counts = Counter(chain.from_iterable(reading.labels.items() for reading in self.report.hosts))
        return tuple(f"{name}={value}" for (name, value), _ in counts.most_common(MAX_CHOICES))

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """The reasons that are there, in the order of the closed list."""
        there = {reason for found in self.report.by_host.values() for reason in found.tally.reasons}
        return tuple(reason for reason in Reason if reason in there)

    def prepare(self) -> None:
        """Make at once what the first page shows, with all that its filter offers."""
        _ = self.pictures, self.groups, self.platforms, self.registries, self.teams, self.labels, self.reasons
        _ = self.report.counts

    @property
    def unread(self) -> tuple[HostRow, ...]:
        """The hosts that could not be read."""
        return tuple(row for row in self.rows if row.failure)

    def select(self, wanted: PageFilter) -> Iterable[Finding]:
        """The judged workloads that fit."""
        if not wanted:
            return self.report.findings
        labels = self.labels_of
        return (f for f in self.report.findings if wanted.takes(f, labels.get(f.workload.host, {})))

    def hosts(self, wanted: PageFilter) -> tuple[HostRow, ...]:
        """The hosts that fit, or on which something does."""
        if not wanted:
            return self.rows
        with_fitting = {finding.workload.host for finding in self.select(wanted)}
        return tuple(row for row in self.rows if row.name in with_fitting or _fits_bare(row, wanted))


MAX_CHOICES = 200
"""Entries of one list to choose from; beyond that people type."""


def _fits_bare(row: HostRow, wanted: PageFilter) -> bool:
    """Whether a host fits though nothing on it does: by its own name, or because nothing is known of it."""
    if wanted.status and not wanted.without("status").narrows_workloads:
        is_asked = wanted.status == Status.UNKNOWN and row.failure is not None
        return is_asked and wanted.takes_host(row.reading) and (not wanted.q or wanted.q.lower() in row.name.lower())
    if wanted.narrows_workloads:
        return False
    return wanted.takes_host(row.reading) and (not wanted.q or wanted.q.lower() in row.name.lower())


def _is_well(found: HostFindings) -> bool:
    return all(status is Status.OK for status, _, _ in found.tally.stages)


def _row(reading: HostReading, found: HostFindings) -> HostRow:
    counts: dict[Status, int] = {}
    for status, _, count in found.tally.stages:
        counts[status] = counts.get(status, 0) + count
    counts = {status: counts[status] for status in URGENT if status in counts} if len(counts) > 1 else counts
    worst = next(iter(counts), None)
    if isinstance(reading.reading, Failure):
        worst = Status.UNKNOWN if worst not in {Status.MISMATCH, Status.BROKEN} else worst
    return HostRow(reading, found, counts, worst, str(reading.platform or NO_PLATFORM))


def urgency(finding: Finding) -> tuple[int, int, float, tuple[str, ...]]:
    """What stands before what."""
    return (HARM[finding.verdict.status], _STAGES[finding.workload.stage], finding.first_seen, finding.key)


def origins(findings: Iterable[Finding]) -> tuple[BuiltFrom, ...]:
    """What the images of findings say that they were built from, each source once."""
    return tuple(dict.fromkeys(found.verdict.built_from for found in findings if found.verdict.built_from is not None))


def grouped(findings: Iterable[Finding]) -> tuple[ImageGroup, ...]:
    """One group for each image and reason: by status, then what runs before what is planned, then the many."""
    found: dict[tuple[str, Reason], list[Finding]] = {}
    for finding in findings:
        found.setdefault((finding.workload.image, finding.verdict.reason), []).append(finding)
    groups = [
        ImageGroup(image, some[0].verdict.status, reason, tuple(sorted(some, key=urgency)))
        for (image, reason), some in found.items()
    ]
    return tuple(sorted(groups, key=_group_urgency))


def _group_urgency(group: ImageGroup) -> tuple[int, int, int, str, str]:
    stage = min(_STAGES[finding.workload.stage] for finding in group.findings)
    return (HARM[group.status], stage, -len(group.findings), group.image, str(group.reason))


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
