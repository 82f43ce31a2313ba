"""A report in the format that was asked for: to stdout, else into a file."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import os
from typing import TYPE_CHECKING, NoReturn

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from scanner.cli.options import Format
from scanner.cli.output import report_formats
from scanner.cli.output.table import has_room
from scanner.domain.failure import Failure
from scanner.domain.report_json import head_document, moment_for_people, rows_of
from scanner.domain.report_text import shown
from scanner.domain.verdict.reason import Status
from scanner.errors import UsageError
from scanner.formats.documents import json_writer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from scanner.domain.decision import Decision
    from scanner.domain.report import Finding, Report
    from scanner.domain.verdict.verdict import Fix

WIDE = 130
"""Columns from which every fact has one of its own; a narrower terminal gets platforms beside the explanation."""

PLAIN_WIDTH = 1000
"""Columns of a pipe or file: wide enough that no name is ever folded, so that grep finds it."""

PERMISSIONS = 0o666
"""Of a new file, less what the account's mask takes off."""

COLOURS = {
    Status.OK: "green",
    Status.EMULATED: "cyan",
    Status.DEGRADED: "yellow",
    Status.UNKNOWN: "magenta",
    Status.MISMATCH: "bold red",
    Status.BROKEN: "bold red",
}
ORDER = [Status.MISMATCH, Status.BROKEN, Status.UNKNOWN, Status.DEGRADED, Status.EMULATED, Status.OK]


def write(
    report: Report,
    form: Format,
    *,
    decision: Decision | None = None,
    every: bool = False,
    to: Path | None = None,
    quiet: bool = False,
) -> None:
    """Write the report to stdout, else into the file ``to``; ``quiet`` leaves stdout silent.

    Raises:
        UsageError: the file cannot be written.
    """
    report = shown(report)
    if to is None:
        if not quiet:
            _written(report, form, decision, every=every)
        return
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        _written(report, form, decision, every=every)
    write_text(text.getvalue(), to)


def write_text(text: str, to: Path | None, *, quiet: bool = False) -> None:
    """Write a text to stdout, else into the file ``to``; ``quiet`` leaves stdout silent.

    Raises:
        UsageError: the file cannot be written.
    """
    if to is None:
        if not quiet:
            print(text, end="")  # noqa: T201 -- data goes to stdout
        return
    write_pieces((text,), to)


def write_pieces(pieces: Iterable[str], to: Path, option: str = "--output") -> None:
    """Write a text into the file ``to`` that ``option`` names, as it is made; a pipe that nobody reads is refused, not waited for.

    A text that is not written to its end leaves an empty file: half of a table reads like a whole one.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        descriptor = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC, PERMISSIONS)
        os.set_blocking(descriptor, True)
        kept = os.dup(descriptor)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.writelines(pieces)
        except BaseException:
            with contextlib.suppress(OSError):  # a pipe, a device
                os.ftruncate(kept, 0)
            raise
        finally:
            os.close(kept)
    except OSError as error:
        why = error.strerror
        if error.errno == errno.ENXIO:
            why = "it is a socket, which is no file" if to.is_socket() else "nobody reads this pipe"
        raise UsageError(f"{option} {to}: {why}") from None


def _written(report: Report, form: Format, decision: Decision | None, *, every: bool) -> None:
    match form:
        case Format.TABLE:
            _table(report, decision, every=every)
        case Format.JSON:
            for piece in json_writer.pieces(head_document(report, decision), rows_of(report)):
                print(piece, end="")  # noqa: T201 -- data goes to stdout
            print()  # noqa: T201 -- the same
        case Format.JUNIT:
            print(report_formats.junit(report))  # noqa: T201 -- data goes to stdout
        case Format.SARIF:
            print(json.dumps(report_formats.sarif(report), indent=2, ensure_ascii=False))  # noqa: T201 -- data goes to stdout
        case Format.CSV:
            print(report_formats.csv_rows(report), end="")  # noqa: T201 -- data goes to stdout
        case Format.MARKDOWN:
            print(report_formats.markdown(report, decision), end="")  # noqa: T201 -- data goes to stdout
        case Format.HTML:
            from scanner.cli.output import html_report

            print(html_report.page(report, decision), end="")  # noqa: T201 -- data goes to stdout


class _Console(Console):
    """A console that leaves it to the command's end what a reader who has gone means; Rich ends with 1, as findings do."""

    def on_broken_pipe(self) -> NoReturn:
        """Say so to whoever prints."""
        raise BrokenPipeError


def console(*, stderr: bool = False) -> Console:
    """A console as wide as the terminal, or wide enough for everything where there is none."""
    probe = _Console(stderr=stderr)
    return probe if probe.is_terminal else _Console(stderr=stderr, width=PLAIN_WIDTH, highlight=False)


# ---------------------------------------------------------------- the table


def _table(report: Report, decision: Decision | None, *, every: bool) -> None:
    out = console()
    shown = [f for f in _worst_first(report.findings) if every or f.verdict.status is not Status.OK]
    if shown:
        is_wide, is_table = out.width >= WIDE, _has_room(out, shown)
        told = {(host.name, host.fix) for host in report.hosts if isinstance(host.reading, Failure)}  # below
        if is_table:
            out.print(_rows(shown, is_wide=is_wide))
        for number, finding in enumerate(shown, 1):
            if not is_table:
                _title(out, number, finding)
            _explain(out, f"{number:>3}" if is_table else "   ", finding, report.started_at, is_wide=is_wide)
            if (finding.workload.host, finding.verdict.fix) not in told:
                show_fix(out, finding.verdict.fix)
    for host in report.hosts:
        if isinstance(host.reading, Failure):
            detail = f": {host.reading.detail}" if host.reading.detail else ""
            out.print(Text(f"{host.name} was not read: {host.reading.reason}{detail}", style="magenta"), soft_wrap=True)
            show_fix(out, host.fix)
    out.print(_summary(report, decision))


def _worst_first(findings: Iterable[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (ORDER.index(f.verdict.status), f.key))


def _has_room(out: Console, findings: list[Finding]) -> bool:
    """Whether the narrower table can be read; below that width each finding has its facts as a title."""
    names = ("#", "STATUS", "HOST", "WORKLOAD", "REASON")
    rows = [("  1", f.verdict.status, f.workload.host, _brief(f), str(f.verdict.reason)) for f in findings]
    return has_room(out, names, rows, unfolded=("STATUS", "HOST", "REASON"))


def _title(out: Console, number: int, finding: Finding) -> None:
    verdict, workload = finding.verdict, finding.workload
    said = Text(f"{number:>3}  ") + Text(verdict.status, style=COLOURS[verdict.status])
    out.print(said + Text(f"  {workload.host}  {verdict.reason}"), soft_wrap=True)
    out.print(Text(f"     {_brief(finding)}"), soft_wrap=True)


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
            Text(verdict.status, style=COLOURS[verdict.status]),
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


def _explain(out: Console, number: str, finding: Finding, scanned_at: float, *, is_wide: bool) -> None:
    """What is wrong in words."""
    verdict = finding.verdict
    if verdict.status is Status.OK:
        return
    out.print(Text(f"{number}  {verdict.detail or verdict.reason}"), soft_wrap=True)
    if not is_wide:
        needs, offers = _platforms(finding)
        out.print(Text(f"     host {needs}, image {offers}"), soft_wrap=True)
    if finding.first_seen and finding.first_seen < scanned_at:
        out.print(Text(f"     since {moment_for_people(finding.first_seen)}"), soft_wrap=True)
    if finding.waived_until is not None:
        out.print(Text(f"     waived until {moment_for_people(finding.waived_until)}"), soft_wrap=True)
    if finding.workload.pinned is not None:
        at = f" ({finding.workload.pinned_at})" if finding.workload.pinned_at else ""
        out.print(Text(f"     pinned to {finding.workload.pinned}{at}"), soft_wrap=True)


def show_fix(out: Console, fix: Fix) -> None:
    """A sentence, then the commands as a prompt would show them."""
    if fix.summary:
        out.print(Text(f"     {fix.summary}", style="dim"), soft_wrap=True)
    for command in fix.commands:
        out.print(Text(f"     $ {command}", style="bold"), soft_wrap=True)


def _summary(report: Report, decision: Decision | None) -> Text:
    counts = ", ".join(f"{report.counts[status]} {status}" for status in ORDER if report.counts[status])
    took = report.finished_at - report.started_at
    unread = sum(isinstance(host.reading, Failure) for host in report.hosts)
    if unread:
        told = f"{unread} of {_many(len(report.hosts), 'host')} {'was' if unread == 1 else 'were'} not read"
        counts = f"{told}; {counts}" if counts else told
    text = Text(
        f"{_many(len(report.hosts), 'host')}, {_many(len(report.findings), 'workload')} in {took:.1f} s: "
        f"{counts or 'nothing to judge'}"
    )
    if decision:
        text.append(f"; decision: {decision}", style="bold")
    return text


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
