"""What was found in words: tickets for whoever waits, lines for whoever debugs a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.facts import Failure
from scanner.service.answers import ScanState, ScanTicket

if TYPE_CHECKING:
    from scanner.domain.report import Report
    from scanner.service.scan_queue import ScanRequest


def ticket_of(ticket: ScanRequest) -> ScanTicket:
    """A request as the web layer tells of it."""
    return ScanTicket(
        id=ticket.id,
        state=ScanState(ticket.state),
        hosts=tuple(sorted(ticket.hosts)),
        requested_at=ticket.requested_at,
        requested_by=ticket.requested_by,
        started_at=ticket.started_at,
        finished_at=ticket.finished_at,
        done=ticket.done,
        total=ticket.total,
        detail=ticket.error,
    )


def lines_of(report: Report) -> list[str]:
    """What a probe found, a line each, for ``debug=true``."""
    lines = []
    for host in report.hosts:
        if isinstance(host.reading, Failure):
            lines.append(f"{host.name}: {host.reading.reason}: {host.reading.detail}")
        else:
            engines = ", ".join(f"{engine.key} {engine.state} {engine.version}" for engine in host.reading.engines)
            lines.append(f"{host.name}: {host.reading.kernel.machine}; {engines}")
    for finding in report.findings:
        verdict = finding.verdict
        lines.append(
            f"{finding.workload.name} ({finding.workload.image}): {verdict.status} {verdict.reason} {verdict.detail}"
        )
        lines += [f"  {one.layer}: {one.says}" for one in verdict.evidence]
    return lines
