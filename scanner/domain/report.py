"""The report of one scan: every host exactly once, every workload with exactly one verdict."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

from scanner.domain.facts import HostFacts, Stage, Workload
from scanner.domain.finding_groups import Findings
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import Status
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from scanner.domain.failure import Failure
    from scanner.domain.finding_groups import HostFindings, Likeness
    from scanner.domain.platform.platform import Platform
    from scanner.domain.verdict.verdict import Verdict


@dataclass(frozen=True, slots=True)
class HostReading:
    """The one reading of one host of the plan; ``taken_at`` and ``last_success_at`` are Unix seconds.

    ``told`` is the fix of a report that was read back, which knows less of the failure than who made it.
    """

    name: str
    reading: HostFacts | Failure
    labels: Mapping[str, str] = field(default_factory=dict)
    taken_at: float = 0.0
    last_success_at: float | None = None
    told: Fix | None = None

    @property
    def fix(self) -> Fix:
        """What lets the host be read; empty where it was."""
        if isinstance(self.reading, HostFacts):
            return Fix()
        if self.told is not None:
            return self.told
        trouble = remedy.Trouble(self.name, "", path=self.reading.path, failure=self.reading)
        return remedy.fix(self.reading.reason, trouble)

    @property
    def platform(self) -> Platform | None:
        """What the host's kernel is, if it said."""
        return self.reading.kernel.platform if isinstance(self.reading, HostFacts) else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One judged workload; ``first_seen`` (Unix seconds) is since when this verdict has stood, up to its report's end.

    ``team`` answers for it, empty where nobody is named.
    """

    workload: Workload
    verdict: Verdict
    host_platform: Platform | None = None
    first_seen: float = 0.0
    waived_until: float | None = None
    team: str = ""

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """Host, source, workload, stage and image: what stays the same from scan to scan."""
        w = self.workload
        return (w.host, str(w.source), w.name, str(w.stage), w.image)


@dataclass(frozen=True)
class Report:
    """One scan's findings; ``complete`` is false when the scan was ended before every host had its reading.

    ``fleet_at`` is when the last scan of every host ended (Unix seconds), where this one was of some of them. Findings
    are kept in groups by host, whatever order they are given in.
    """

    scan_id: str
    started_at: float
    finished_at: float
    hosts: tuple[HostReading, ...] = field(repr=False)  # asyncio asks for the text of what a main task gives
    findings: tuple[Finding, ...] = field(repr=False)
    complete: bool = True
    fleet_at: float | None = None

    def __post_init__(self) -> None:
        """Group what is not in groups."""
        if not isinstance(self.findings, Findings):
            object.__setattr__(self, "findings", Findings.grouped(self.findings))

    @property
    def by_host(self) -> Mapping[str, HostFindings]:
        """Each host's findings; none under the name of a host that has none."""
        return cast("Findings", self.findings).by_host

    @cached_property
    def alike(self) -> Mapping[Likeness, Sequence[Finding]]:
        """The findings that have the same in common, in the report's order."""
        found: dict[Likeness, list[Finding]] = {}
        for group in self.by_host.values():
            for finding, likeness in zip(group, group.likenesses, strict=True):
                found.setdefault(likeness, []).append(finding)
        return found

    @cached_property
    def hosts_alike(self) -> Mapping[Likeness, Sequence[str]]:
        """The hosts that have such findings, each once, in the report's order."""
        found: dict[Likeness, list[str]] = {}
        for host, group in self.by_host.items():
            for likeness in set(group.likenesses):
                found.setdefault(likeness, []).append(host)
        return found

    @cached_property
    def readings(self) -> Mapping[str, HostReading]:
        """Each host's reading by its name."""
        return {reading.name: reading for reading in self.hosts}

    @cached_property
    def names(self) -> Sequence[str]:
        """The names of all hosts, sorted: in this order a fleet is read in pages."""
        return tuple(sorted(self.readings))

    @property
    def size(self) -> int:
        """How much there is to be written of it: its hosts or its findings, whichever are more."""
        return max(len(self.hosts), len(self.findings))

    def of_hosts(self, names: Collection[str]) -> Report:
        """What it says of these hosts alone."""
        return replace(
            self,
            hosts=tuple(reading for reading in self.hosts if reading.name in names),
            findings=Findings.of({host: found for host, found in self.by_host.items() if host in names}),
        )

    @property
    def fleet_scanned_at(self) -> float:
        """When the whole fleet was last scanned, in Unix seconds."""
        return self.finished_at if self.fleet_at is None else self.fleet_at

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """How many findings have each status, zeros included."""
        seen = dict.fromkeys(Status, 0)
        for found in self.by_host.values():
            for status, _, count in found.tally.stages:
                seen[status] += count
        return seen

    @cached_property
    def stages(self) -> Mapping[tuple[str, Status, Stage], int]:
        """Findings per host, status and stage, for counting."""
        return {
            (host, status, stage): count
            for host, found in self.by_host.items()
            for status, stage, count in found.tally.stages
        }
