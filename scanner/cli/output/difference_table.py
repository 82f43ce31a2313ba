"""Prints what changed since the scan before, as lines or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from rich.text import Text

from scanner.cli.output import output
from scanner.domain.report_difference import difference_document
from scanner.domain.report_json import moment_for_people

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.report import Finding
    from scanner.domain.report_difference import Difference


def as_json(found: Difference) -> str:
    """The whole."""
    return json.dumps(difference_document(found), indent=2, ensure_ascii=False)


def show(found: Difference) -> None:
    """One line for each thing that is other, with what mends it; one line in all where nothing is."""
    out = output.console()
    for host in found.unread:
        out.print(Text(f"not read any more  {host}", style="magenta"), soft_wrap=True)
    _lines("opened", found.opened)
    for before, now in found.changed:
        _line("changed", now, f" (was {before.verdict.reason})")
    _lines("closed", found.closed)
    total = len(found.opened) + len(found.changed) + len(found.closed)
    since = moment_for_people(found.before)
    said = (
        f"{len(found.opened)} opened, {len(found.changed)} changed, {len(found.closed)} closed since {since}"
        if total or found.unread
        else f"nothing is other than {since}"
    )
    out.print(Text(said, style="bold"))


_STYLES = {"opened": "bold red", "changed": "yellow", "closed": "green"}


def _lines(word: str, findings: Iterable[Finding]) -> None:
    for finding in findings:
        _line(word, finding)


def _line(word: str, finding: Finding, more: str = "") -> None:
    out, workload, verdict = output.console(), finding.workload, finding.verdict
    line = Text(f"{word:<8}", style=_STYLES[word])
    line.append(
        f" {workload.host}  {workload.name}  {workload.image}  {verdict.status} {verdict.reason}{more}", style="none"
    )
    out.print(line, soft_wrap=True)
    if word != "closed":
        if verdict.detail:
            out.print(Text(f"     {verdict.detail}"), soft_wrap=True)
        output.show_fix(out, verdict.fix)
