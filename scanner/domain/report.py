"""What one scan found: every host exactly once, every workload with exactly one verdict."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from scanner.domain.facts import Failure, HostFacts, Stage, Workload
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import Status
from scanner.domain.verdict.verdict import Fix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.platform.platform import Platform
    from scanner.domain.verdict.verdict import Verdict


@dataclass(frozen=True, slots=True)
class HostReading:
    """The one reading of one host of the plan; ``taken_at`` and ``last_success_at`` are Unix seconds."""

    name: str
    reading: HostFacts | Failure
    labels: Mapping[str, str] = field(default_factory=dict)
    taken_at: float = 0.0
    last_success_at: float | None = None

    @property
    def fix(self) -> Fix:
        """What lets the host be read; empty where it was."""
        if isinstance(self.reading, HostFacts):
            return Fix()
        trouble = remedy.Trouble(self.name, "", path=self.reading.path, failure=self.reading)
        return remedy.fix(self.reading.reason, trouble)

    @property
    def platform(self) -> Platform | None:
        """What the host's kernel is, if it said."""
        return self.reading.kernel.platform if isinstance(self.reading, HostFacts) else None


@dataclass(frozen=True, slots=True)
class Finding:
    """One judged workload, with the moments (Unix seconds) between which this verdict has stood."""

    workload: Workload
    verdict: Verdict
    host_platform: Platform | None = None
    first_seen: float = 0.0
    last_seen: float = 0.0
    waived_until: float | None = None

    @property
    def key(self) -> tuple[str, str, str, str, str]:
        """Host, source, workload, stage and image: what stays the same from scan to scan."""
        w = self.workload
        return (w.host, str(w.source), w.name, str(w.stage), w.image)


@dataclass(frozen=True)
class Report:
    """One scan's findings; ``complete`` is false when the scan was ended before every host had its reading.

    ``fleet_at`` is when the last scan of every host ended (Unix seconds), where this one was of some of them.
    """

    scan_id: str
    started_at: float
    finished_at: float
    hosts: tuple[HostReading, ...] = field(repr=False)  # asyncio asks for the text of what a main task gives
    findings: tuple[Finding, ...] = field(repr=False)
    complete: bool = True
    fleet_at: float | None = None

    @property
    def fleet_scanned_at(self) -> float:
        """When the whole fleet was last scanned, in Unix seconds."""
        return self.finished_at if self.fleet_at is None else self.fleet_at

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """How many findings have each status, zeros included."""
        seen = Counter(finding.verdict.status for finding in self.findings)
        return {status: seen[status] for status in Status}

    @cached_property
    def stages(self) -> Mapping[tuple[str, Status, Stage], int]:
        """Findings per host, status and stage, for counting."""
        return Counter((f.workload.host, f.verdict.status, f.workload.stage) for f in self.findings)
