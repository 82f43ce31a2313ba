"""Compares two reports: findings that opened, changed, closed between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.report_json import finding_document, moment
from scanner.domain.verdict.reason import Status

if TYPE_CHECKING:
    from scanner.domain.report import Finding, Report

SCHEMA = "archscan/difference/v1"
"""What a consumer checks first."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Between the report of ``before`` (Unix seconds) and ``report``; a workload that was and is ok is in none of them.

    ``unread`` are hosts that were read before, or not there, and are not read now; of these nothing is said to have closed.
    """

    report: Report
    before: float
    opened: tuple[Finding, ...]
    changed: tuple[tuple[Finding, Finding], ...]
    closed: tuple[Finding, ...]
    unread: tuple[str, ...]

    @property
    def fresh(self) -> Report:
        """The report of what opened or changed only, with the hosts that are newly not read."""
        findings = (*self.opened, *(now for _, now in self.changed))
        hosts = tuple(
            host for host in self.report.hosts if not isinstance(host.reading, Failure) or host.name in self.unread
        )
        return replace(self.report, findings=findings, hosts=hosts)


def difference(before: Report, after: Report) -> Difference:
    """What is other in ``after``, of the hosts that it has."""
    known = {finding.key: finding for finding in before.findings}
    failed_before = {host.name for host in before.hosts if isinstance(host.reading, Failure)}
    failed = {host.name for host in after.hosts if isinstance(host.reading, Failure)}
    asked = {host.name for host in after.hosts}
    opened, changed = [], []
    for finding in after.findings:
        last = known.pop(finding.key, None)
        if last is not None and last.verdict.reason == finding.verdict.reason:
            continue
        if finding.verdict.status is Status.OK:
            if last is not None:
                known[finding.key] = last
        elif last is None or last.verdict.status is Status.OK:
            opened.append(finding)
        else:
            changed.append((last, finding))
    closed = [
        last
        for last in known.values()
        if last.verdict.status is not Status.OK and last.workload.host in asked and last.workload.host not in failed
    ]
    unread = tuple(host.name for host in after.hosts if host.name in failed - failed_before)
    return Difference(after, before.finished_at, tuple(opened), tuple(changed), tuple(closed), unread)


def difference_document(found: Difference) -> dict[str, Any]:
    """The whole as JSON."""
    before, after = found.before, found.report.finished_at
    return {
        "schema": SCHEMA,
        "before": moment(before),
        "after": moment(after),
        "opened": [finding_document(one, after) for one in found.opened],
        "changed": [
            {"before": finding_document(one, before), "after": finding_document(now, after)}
            for one, now in found.changed
        ],
        "closed": [finding_document(one, before) for one in found.closed],
        "unread_hosts": list(found.unread),
    }
