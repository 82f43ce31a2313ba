"""A report whose texts are fit to be shown: whatever a stranger called his things, nothing of it acts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.finding_groups import Findings, HostFindings
from scanner.domain.text import printable

if TYPE_CHECKING:
    from scanner.domain.report import Finding, HostReading, Report

MAX_CHARS = 20_000
"""Of one text: a command that mends is longer than a name, and is shown whole."""


def shown(report: Report) -> Report:
    """The report with one printable line for each name, detail and command; itself where they are that already."""
    groups = {host: _shown_all(found) for host, found in report.by_host.items()}
    same = all(now is before for now, before in zip(groups.values(), report.by_host.values(), strict=True))
    if not same:
        report = replace(report, findings=Findings.of(groups))
    hosts = tuple(map(_reading, report.hosts))
    same = all(now is before for now, before in zip(hosts, report.hosts, strict=True))
    return report if same else replace(report, hosts=hosts)


def _reading(reading: HostReading) -> HostReading:
    """Why a host could not be read, what its inventory says of it; itself where both are lines already."""
    labels = {name: printable(value, MAX_CHARS) for name, value in reading.labels.items()}
    if labels != reading.labels:
        reading = replace(reading, labels=labels)
    if isinstance(reading.reading, Failure):
        detail = printable(reading.reading.detail, MAX_CHARS)
        if detail != reading.reading.detail:
            reading = replace(reading, reading=replace(reading.reading, detail=detail))
    return reading


def _shown_all(found: HostFindings) -> HostFindings:
    """One host's findings; the same object where nothing is to be done, which is found out once."""
    if found.is_shown:
        return found
    made = HostFindings(map(_shown, found))
    same = all(now is before for now, before in zip(made, found, strict=True))
    kept = found if same else made
    kept.is_shown = True
    return kept


def _shown(finding: Finding) -> Finding:
    workload, verdict, fix = finding.workload, finding.verdict, finding.verdict.fix
    texts = (workload.host, workload.name, workload.image, verdict.detail, fix.summary, *fix.commands)
    clean = tuple(printable(text, MAX_CHARS) for text in texts)
    if clean == texts:
        return finding
    host, name, image, detail, summary, *commands = clean
    return replace(
        finding,
        workload=replace(workload, host=host, name=name, image=image),
        verdict=replace(verdict, detail=detail, fix=replace(fix, summary=summary, commands=tuple(commands))),
    )
