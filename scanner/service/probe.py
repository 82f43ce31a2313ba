"""One host scanned now, for whoever asks, beside the published report."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.service.answers import Probed, Refusal, RefusalReason
from scanner.service.configuration import limits
from scanner.service.deadline import with_plans

if TYPE_CHECKING:
    from scanner.domain.report import Finding, HostReading, Report
    from scanner.service.ports import Observer
    from scanner.service.reloading import Reloading


class Probe:
    """Scans one inventory host with the settings in force; nothing of it is kept."""

    def __init__(self, reloading: Reloading, observer: Observer) -> None:
        self._reloading, self._observer = reloading, observer

    async def scan(self, target: str, deadline_s: float, by: str) -> Probed | Refusal:
        """Scan the host ``target`` now, for at most ``deadline_s`` seconds."""
        configuration, adapters = self._reloading.current
        host = next((host for host in configuration.hosts if target in {host.name, *host.aliases}), None)
        if host is None:
            return Refusal(RefusalReason.HOST_NOT_IN_INVENTORY, f"{target} is not a host of the inventory")
        with self._reloading.using(adapters):
            asked = replace(limits(configuration.settings), deadline_s=deadline_s)
            plans, within = await with_plans(adapters, configuration.hosts, asked)
            scanner = adapters.scanner(within, on_bug=lambda _where: self._observer.internal_error(), plans=plans)
            report = await scanner.scan([host])
        return Probed(report, (f"asked by {by}: {host.name}, deadline {deadline_s:g} s", *_lines(report)))


def _lines(report: Report) -> list[str]:
    """What a probe found, a line each, for ``debug=true``."""
    lines = [_host_line(host) for host in report.hosts]
    for finding in report.findings:
        lines.append(_finding_line(finding))
        lines += [f"  {one.layer}: {one.says}" for one in finding.verdict.evidence]
    return lines


def _host_line(host: HostReading) -> str:
    if isinstance(host.reading, Failure):
        return f"{host.name}: {host.reading.reason}: {host.reading.detail}"
    engines = ", ".join(f"{engine.key} {engine.state} {engine.version}" for engine in host.reading.engines)
    return f"{host.name}: {host.reading.kernel.machine}; {engines}"


def _finding_line(finding: Finding) -> str:
    workload, verdict = finding.workload, finding.verdict
    return f"{workload.name} ({workload.image}): {verdict.status} {verdict.reason} {verdict.detail}"
