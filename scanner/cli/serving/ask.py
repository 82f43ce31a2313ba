"""``archscan findings``, ``top``: what a running service knows."""

from __future__ import annotations

import difflib
import time
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from scanner.cli import completion, options, server_operations
from scanner.cli.command import ArchscanCommand
from scanner.cli.outcome import Exit, FailOn, exit_code
from scanner.domain.verdict.reason import Reason, Status
from scanner.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Group as RichGroup
    from rich.text import Text

    from scanner.cli.operations import Operations
    from scanner.cli.server_operations import RemoteService
    from scanner.domain.report import Finding, Report

LOOK_S = 5.0
"""Between two looks of ``top``: a scan comes every few minutes."""

ROWS = 20
"""Groups that fit on a screen."""

NARROW = 80
"""Columns below which five of them would be cut to nothing that can be read."""

LINES = 3
"""Of a group without a table."""

MAX_SAID_CHARS = 300
"""Of why a server does not answer, above what it said last."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("findings", cls=ArchscanCommand)(findings)
    app.command("top", cls=ArchscanCommand)(top)


def findings(
    context: typer.Context,
    status: Annotated[str, typer.Option("--status", help="Only this status.", autocompletion=completion.statuses)] = "",
    reason: Annotated[str, typer.Option("--reason", help="Only this reason.", autocompletion=completion.reasons)] = "",
    host: Annotated[
        str | None, typer.Option("--host", "-H", metavar="PATTERN", help="Only hosts that match a glob.")
    ] = None,
    image: Annotated[
        str | None, typer.Option("--image", metavar="PATTERN", help="Only images that match a glob.")
    ] = None,
    form: options.FormatOption = options.Format.TABLE,
    to: options.OutputOption = None,
    fail_on: options.FailOnOption = FailOn.NEVER,
    every: options.EveryOption = False,
    server: server_operations.AskedServerOption = server_operations.DEFAULT_SERVER,
    token_file: server_operations.TokenFileOption = None,
) -> None:
    """What a running archscan found last, in every format of a report.

    Example: archscan findings --status mismatch --server https://archscan.example
    """
    from dataclasses import replace

    from scanner.cli.output import output

    refuse_unknown("--status", status, Status)
    refuse_unknown("--reason", reason, Reason)
    if "" in {host, image}:
        raise UsageError(
            f"{'--host' if host == '' else '--image'}: an empty pattern matches nothing; leave it out for all"
        )
    operations: Operations = context.obj()
    with operations.server(server, token_file) as there:
        whole = there.report()
        _refuse_nobodys("--host", host, whole.names, "no host of the last report is named so")
        images = dict.fromkeys(finding.workload.image for finding in whole.findings)
        _refuse_nobodys("--image", image, tuple(images), "nothing in the last report runs or plans it")
        found = tuple(there.findings(status=status, reason=reason, host=host or "", image=image or ""))
    asked = replace(
        whole, findings=found, hosts=tuple(one for one in whole.hosts if fnmatchcase(one.name, host or "*"))
    )
    with_findings = {finding.workload.host for finding in found}
    is_narrow = bool(status or reason or image)
    told = (one for one in asked.hosts if not is_narrow or one.name in with_findings or one.platform is None)
    output.write(replace(asked, hosts=tuple(told)), form, every=every or bool(status), to=to)
    raise typer.Exit(exit_code(asked, fail_on) if fail_on is not FailOn.NEVER else Exit.OK)


def _refuse_nobodys(option: str, pattern: str | None, names: Sequence[str], why: str) -> None:
    """A pattern that a typing error made matches nothing, which reads like good news."""
    if not pattern or any(fnmatchcase(name, pattern) for name in names):
        return
    nearest = difflib.get_close_matches(pattern, names, 1)
    raise UsageError(f"{option} {pattern}: {why}{f'; did you mean {nearest[0]}?' if nearest else ''}")


def refuse_unknown(option: str, word: str, known: Iterable[str], page: str = "docs/reasons.md") -> None:
    """A word that nothing has would be answered by nothing, which reads like good news."""
    words = [str(each) for each in known]
    if not word or word in words:
        return
    nearest = difflib.get_close_matches(word, words, 1)
    said = f"did you mean {nearest[0]}?" if nearest else f"write one of {', '.join(words[:SHOWN_WORDS])}"
    more = f" …; {page} has them all" if len(words) > SHOWN_WORDS and not nearest else ""
    raise UsageError(f"{option} {word}: {said}{more}")


SHOWN_WORDS = 6
"""As many as there are statuses; the reasons are a page of their own."""


# ---------------------------------------------------------------- top


def top(
    context: typer.Context,
    every: Annotated[float, typer.Option("--every", min=1, max=3600, help="Seconds between two looks.")] = LOOK_S,
    once: Annotated[bool, typer.Option("--once", help="Look once, as where stdout is no terminal.")] = False,
    server: server_operations.AskedServerOption = server_operations.DEFAULT_SERVER,
    token_file: server_operations.TokenFileOption = None,
) -> None:
    """Watch the fleet of a running archscan: what is worst, grouped by image, until Ctrl-C.

    Example: archscan top --server https://archscan.example
    """
    from rich.console import Group as RichGroup
    from rich.live import Live
    from rich.text import Text

    from scanner.cli.output import output

    operations: Operations = context.obj()
    out = output.console()
    if not out.is_terminal and every != LOOK_S:
        raise UsageError("--every does nothing where stdout is no terminal: top looks once there; leave it out")
    with operations.server(server, token_file) as there:
        if once or not out.is_terminal:
            out.print(_screen(there.report(), ROWS, out.width))
            return
        with Live(console=out, screen=True, auto_refresh=False) as live:
            last: RichGroup | None = None
            while True:
                last, why = looked(there, max(LINES, out.height - 6), out.width, last)
                live.update(RichGroup(Text(why, style="red"), last) if why else last, refresh=True)
                time.sleep(every)


def looked(there: RemoteService, rows: int, out_width: int, last: RichGroup | None) -> tuple[RichGroup, str]:
    """The screen of now; while the server is started anew the ``last`` one, with why it is not of now.

    Raises:
        ServiceError: it does not answer, and never did.
    """
    from scanner.domain.text import printable

    try:
        return _screen(there.report(), rows, out_width), ""
    except ServiceError as error:
        if last is None:
            raise
        return last, f"Not of now: {printable(str(error), MAX_SAID_CHARS)}"


def _screen(report: Report, rows: int, out_width: int) -> RichGroup:
    from rich.box import SIMPLE_HEAD
    from rich.console import Group as RichGroup
    from rich.table import Table
    from rich.text import Text

    from scanner.cli.output import output
    from scanner.domain.failure import Failure
    from scanner.domain.report_json import moment

    unread = sum(isinstance(host.reading, Failure) for host in report.hosts)
    head = Text(f"{len(report.hosts)} hosts, {unread} not read; {len(report.findings)} workloads; ", style="bold")
    for status in output.ORDER:
        head.append(f"{report.counts[status]} {status}  ", style=output.COLOURS[status])
    head.append(f"scanned {moment(report.finished_at)}", style="dim")
    if out_width < NARROW:
        return RichGroup(head, *map(_group_in_lines, _groups(report)[: rows // LINES]))
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    groups = _groups(report)[:rows]
    whole = {
        "STATUS": max(map(len, output.ORDER)),
        "REASON": max((len(found[0].verdict.reason) for found in groups), default=0),
    }
    for name in ("STATUS", "IMAGE", "REASON", "HOSTS", "EXAMPLE"):
        justify: Literal["left", "right"] = "right" if name == "HOSTS" else "left"
        table.add_column(name, overflow="ellipsis", no_wrap=True, justify=justify, min_width=whole.get(name))
    for found in groups:
        verdict, workload = found[0].verdict, found[0].workload
        hosts = len({one.workload.host for one in found})
        table.add_row(
            Text(verdict.status, style=output.COLOURS[verdict.status]),
            *(
                Text(said)
                for said in (workload.image, verdict.reason, str(hosts), f"{workload.name} on {workload.host}")
            ),
        )
    return RichGroup(head, table)


def _group_in_lines(found: Sequence[Finding]) -> Text:
    """What one row of the table says, where the terminal has no room for one."""
    from rich.text import Text

    from scanner.cli.output import output

    verdict, workload = found[0].verdict, found[0].workload
    hosts = len({one.workload.host for one in found})
    said = f" {verdict.reason}, {hosts} {'host' if hosts == 1 else 'hosts'}\n  {workload.image}\n  {workload.name} on {workload.host}"
    return Text.assemble((verdict.status, output.COLOURS[verdict.status]), said, overflow="fold")


def _groups(report: Report) -> list[list[Finding]]:
    """What is not ok, one image with one reason together, worst first, then the many."""
    from scanner.cli.output import output

    found: dict[tuple[str, str], list[Finding]] = {}
    for finding in report.findings:
        if finding.verdict.status is not Status.OK:
            found.setdefault((finding.workload.image, str(finding.verdict.reason)), []).append(finding)
    return sorted(
        found.values(), key=lambda some: (output.ORDER.index(some[0].verdict.status), -len(some), some[0].key)
    )
