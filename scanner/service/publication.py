"""What follows from one report on the way to being published: partial scans merged, waivers applied."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scanner.domain.report import Finding, Report


@dataclass(frozen=True, slots=True)
class Waiver:
    """A finding that somebody answers for; patterns are globs, ``until`` is Unix seconds."""

    owner: str
    why: str
    until: float
    host: str = "*"
    image: str = "*"
    workload: str = "*"
    reason: str = "*"

    def covers(self, finding: Finding) -> bool:
        """Whether every pattern fits."""
        workload = finding.workload
        pairs = (
            (workload.host, self.host),
            (workload.image, self.image),
            (workload.name, self.workload),
            (str(finding.verdict.reason), self.reason),
        )
        return all(fnmatchcase(text, pattern) for text, pattern in pairs)


def merged(last: Report | None, fresh: Report, fleet: Sequence[str]) -> Report:
    """The report of the whole ``fleet`` after a scan of some of its hosts; other hosts keep their last reading.

    What is not in ``fleet`` is forgotten: a host that left the inventory, or whose name means another machine now.
    """
    if last is None:
        return fresh
    scanned = {host.name for host in fresh.hosts}
    kept = {name for name in fleet if name not in scanned}
    readings = {host.name: host for host in (*last.hosts, *fresh.hosts)}
    findings = (*(f for f in last.findings if f.workload.host in kept), *fresh.findings)
    hosts = tuple(readings[name] for name in fleet if name in readings)
    fleet_at = last.fleet_scanned_at if kept else fresh.finished_at
    return replace(fresh, hosts=hosts, findings=findings, fleet_at=fleet_at)


def waived(report: Report, waivers: Iterable[Waiver], now: float) -> Report:
    """The report with each finding's ``waived_until``, itself where that changes nothing.

    A waiver that has ended waives nothing.
    """
    valid = [waiver for waiver in waivers if waiver.until > now]

    def marked(finding: Finding) -> Finding:
        until = max((waiver.until for waiver in valid if waiver.covers(finding)), default=None)
        return finding if until == finding.waived_until else replace(finding, waived_until=until)

    findings = tuple(map(marked, report.findings))
    if all(now_marked is before for now_marked, before in zip(findings, report.findings, strict=True)):
        return report
    return replace(report, findings=findings)
