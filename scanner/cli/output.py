"""A report as table, JSON, JUnit or SARIF."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scanner.cli.options import Format
from scanner.domain.facts import Failure
from scanner.domain.report_json import document
from scanner.domain.verdict.reason import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.decision import Decision
    from scanner.domain.report import Finding, Report

WIDE = 130
"""Columns from which every fact has one of its own; a narrower terminal gets platforms beside the explanation."""

PLAIN_WIDTH = 1000
"""Columns of a pipe or file: wide enough that no name is ever folded, so that grep finds it."""

_COLOURS = {
    Status.OK: "green",
    Status.EMULATED: "cyan",
    Status.DEGRADED: "yellow",
    Status.UNKNOWN: "magenta",
    Status.MISMATCH: "bold red",
    Status.BROKEN: "bold red",
}
_ORDER = [Status.MISMATCH, Status.BROKEN, Status.UNKNOWN, Status.DEGRADED, Status.EMULATED, Status.OK]


def write(report: Report, form: Format, *, decision: Decision | None = None, every: bool = False) -> None:
    """Write the report to stdout."""
    match form:
        case Format.TABLE:
            _table(report, decision, every=every)
        case Format.JSON:
            print(json.dumps(document(report, decision), indent=2, ensure_ascii=False))  # noqa: T201 -- data goes to stdout
        case Format.JUNIT:
            print(_junit(report))  # noqa: T201 -- data goes to stdout
        case Format.SARIF:
            print(json.dumps(_sarif(report), indent=2, ensure_ascii=False))  # noqa: T201 -- data goes to stdout


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, or wide enough for everything where there is none."""
    probe = Console(stderr=stderr)
    return probe if probe.is_terminal else Console(stderr=stderr, width=PLAIN_WIDTH, highlight=False)


# ---------------------------------------------------------------- the table


def _table(report: Report, decision: Decision | None, *, every: bool) -> None:
    out = console()
    shown = [f for f in _worst_first(report.findings) if every or f.verdict.status is not Status.OK]
    if shown:
        is_wide = out.width >= WIDE
        out.print(_rows(shown, is_wide=is_wide))
        for number, finding in enumerate(shown, 1):
            _explain(out, number, finding, is_wide=is_wide)
    for host in report.hosts:
        if isinstance(host.reading, Failure):
            detail = f": {host.reading.detail}" if host.reading.detail else ""
            out.print(Text(f"{host.name} was not read: {host.reading.reason}{detail}", style="magenta"))
    out.print(_summary(report, decision))


def _worst_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (_ORDER.index(f.verdict.status), f.key))


def _rows(findings: list[Finding], *, is_wide: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("#", justify="right", no_wrap=True)
    for name in ("STATUS", "HOST", *(("WORKLOAD",) if is_wide else ())):
        table.add_column(name, overflow="fold", no_wrap=not is_wide)
    for name in ("IMAGE", "NEEDS", "OFFERS") if is_wide else ("WORKLOAD",):
        table.add_column(name, overflow="fold")
    table.add_column("REASON", no_wrap=True)
    for number, finding in enumerate(findings, 1):
        verdict, workload = finding.verdict, finding.workload
        name = workload.name if workload.name != workload.image else f"({workload.stage})"
        facts = (name, workload.image, *_platforms(finding)) if is_wide else (_brief(finding),)
        table.add_row(
            str(number),
            Text(verdict.status, style=_COLOURS[verdict.status]),
            *(Text(said) for said in (workload.host, *facts, str(verdict.reason))),  # a name is text, never markup
        )
    return table


def _brief(finding: Finding) -> str:
    workload = finding.workload
    return (
        workload.image if workload.name == workload.image or not workload.name else f"{workload.name} {workload.image}"
    )


def _platforms(finding: Finding) -> tuple[str, str]:
    """What the host needs, what the image offers."""
    return str(finding.host_platform or "?"), ", ".join(map(str, finding.verdict.offered)) or "?"


def _explain(out: Console, number: int, finding: Finding, *, is_wide: bool) -> None:
    """What is wrong in words, then what to type."""
    verdict = finding.verdict
    if verdict.status is Status.OK:
        return
    out.print(Text(f"{number:>3}  {verdict.detail or verdict.reason}"), soft_wrap=True)
    if not is_wide:
        needs, offers = _platforms(finding)
        out.print(Text(f"     host {needs}, image {offers}"), soft_wrap=True)
    if verdict.fix.summary:
        out.print(Text(f"     {verdict.fix.summary}", style="dim"), soft_wrap=True)
    for command in verdict.fix.commands:
        out.print(Text(f"     $ {command}", style="bold"), soft_wrap=True)


def _summary(report: Report, decision: Decision | None) -> Text:
    counts = ", ".join(f"{report.counts[status]} {status}" for status in _ORDER if report.counts[status])
    took = report.finished_at - report.started_at
    text = Text(
        f"{_many(len(report.hosts), 'host')}, {_many(len(report.findings), 'workload')} in {took:.1f} s: "
        f"{counts or 'nothing to judge'}"
    )
    if decision:
        text.append(f"; decision: {decision}", style="bold")
    return text


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


# ---------------------------------------------------------------- for pipelines


def _junit(report: Report) -> str:
    """One test case per workload: failures for what will not start, errors for what is not known."""
    counts = report.counts
    suites = Element("testsuites", name="archscan")
    suite = SubElement(
        suites,
        "testsuite",
        name="archscan",
        tests=str(len(report.findings)),
        failures=str(counts[Status.MISMATCH] + counts[Status.BROKEN]),
        errors=str(counts[Status.UNKNOWN]),
        time=f"{report.finished_at - report.started_at:.3f}",
    )
    for finding in report.findings:
        workload, verdict = finding.workload, finding.verdict
        case = SubElement(suite, "testcase", classname=workload.host, name=f"{workload.name} ({workload.image})")
        text = "\n".join([verdict.detail, verdict.fix.summary, *verdict.fix.commands])
        if verdict.status in {Status.MISMATCH, Status.BROKEN}:
            SubElement(case, "failure", type=verdict.reason, message=verdict.detail).text = text
        elif verdict.status is Status.UNKNOWN:
            SubElement(case, "error", type=verdict.reason, message=verdict.detail).text = text
        elif verdict.status is not Status.OK:
            SubElement(case, "system-out").text = f"{verdict.status}: {text}"
    return tostring(suites, encoding="unicode", xml_declaration=True)


_LEVELS = {
    Status.MISMATCH: "error",
    Status.BROKEN: "error",
    Status.UNKNOWN: "warning",
    Status.DEGRADED: "warning",
    Status.EMULATED: "note",
}


def _sarif(report: Report) -> dict[str, object]:
    """SARIF 2.1.0 (OASIS), one result per finding that is not ok; the image is the artifact."""
    found = [finding for finding in report.findings if finding.verdict.status is not Status.OK]
    rules = sorted({str(finding.verdict.reason) for finding in found})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "archscan", "rules": [{"id": rule} for rule in rules]}},
                "results": [_result(finding) for finding in found],
            }
        ],
    }


def _result(finding: Finding) -> dict[str, object]:
    workload, verdict = finding.workload, finding.verdict
    says = f"{workload.name} on {workload.host}: {verdict.detail} {verdict.fix.summary}".strip()
    return {
        "ruleId": str(verdict.reason),
        "level": _LEVELS[verdict.status],
        "message": {"text": says},
        "locations": [
            {
                "physicalLocation": {"artifactLocation": {"uri": workload.image or workload.host}},
                "logicalLocations": [{"fullyQualifiedName": f"{workload.host}/{workload.name}"}],
            }
        ],
    }
