"""``archscan why``: the whole chain of evidence behind one verdict, be it ok."""

from __future__ import annotations

import difflib
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import completion, options, server_operations
from scanner.cli.command import ArchscanCommand
from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scanner.cli.operations import Common, Operations
    from scanner.domain.facts import Workload
    from scanner.domain.report import Finding, Report
    from scanner.domain.verdict.verdict import Depth

MAX_NAMES = 20
"""Workloads that are named where none fits; a host may have thousands."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why", cls=ArchscanCommand)(why)


def why(
    context: typer.Context,
    host: Annotated[
        str, typer.Argument(metavar="HOST", help="A host of the inventory.", autocompletion=completion.hosts)
    ],
    workload: Annotated[
        str, typer.Argument(metavar="WORKLOAD", help="The name of a container, unit or plan, its image, or a pattern.")
    ],
    depth: options.DepthChoice = None,
    server: server_operations.ServerOption = None,
    token_file: server_operations.TokenFileOption = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Why a workload has the verdict that it has: every layer of evidence, from the host to its next pull.

    Reads the host now; with --server it tells what a running archscan found last.
    Exit code 1 tells that it will not start (mismatch, broken), 3 that its verdict is unknown, 0 neither.

    Example: archscan why web-1 api
    """
    from scanner.cli.outcome import FailOn, exit_code
    from scanner.cli.output import output
    from scanner.domain.failure import Failure

    operations: Operations = context.obj()
    names: set[str] = set()
    if server is not None:
        if depth is not None:
            raise UsageError("--depth is the running service's own: leave it out, or --server")
        with operations.server(server, token_file) as there:
            report = _only(there.report(), host, server)
    else:
        report = _scanned(operations, options.common(config, log_format, log_level), (host, workload), depth, names.add)
    if not report.findings and any(isinstance(one.reading, Failure) for one in report.hosts):
        output.write(report, options.Format.TABLE)  # nothing is known of it, and why
        raise typer.Exit(exit_code(report, FailOn.NEVER))
    found = _named(report, workload, names)
    for finding in found:
        print("\n".join(_told(finding, report.started_at)))  # noqa: T201 -- data goes to stdout
    raise typer.Exit(exit_code(replace(report, findings=tuple(found)), FailOn.MISMATCH, counts_waived=True))


def _scanned(
    operations: Operations,
    common: Common,
    named: tuple[str, str],
    depth: Depth | None,
    note: Callable[[str], None],
) -> Report:
    """What the host says now of the workload; the names of all that it has are noted.

    Raises:
        UsageError: there is no such host; where it is the workload that is one, they stand in the wrong order.
    """
    from scanner.cli.output import progress
    from scanner.hosts import names

    host, workload = named

    def is_meant(one: Workload) -> bool:
        note(one.name)
        return _fits(one, workload)

    try:
        with progress.shown() as listen:
            return names.run(operations.scan(common, (host,), depth, listen, only=is_meant))
    except UsageError as error:
        if workload not in {one.name for one in operations.hosts(common, ())}:
            raise
        *others, last = error.lines or ("",)
        raise UsageError(*others, f"{last}; the host comes first: archscan why {workload} {host}") from None


def _only(report: Report, host: str, server: str) -> Report:
    """What a report says of one host.

    Raises:
        UsageError: the report has no such host.
    """
    if host not in report.readings:
        nearest = difflib.get_close_matches(host, report.names, n=1)
        raise UsageError(
            f"{server}: the latest report has no host {host}" + "".join(f"; did you mean {name}?" for name in nearest)
        )
    return report.of_hosts({host})


def _named(report: Report, wanted: str, others: Iterable[str]) -> Sequence[Finding]:
    """The findings that a name, an image or a pattern means; ``others`` are names of what was not judged.

    Raises:
        UsageError: there are none.
    """
    found = [each for each in report.findings if _fits(each.workload, wanted)]
    if not found:
        names = sorted({each.workload.name for each in report.findings}.union(others))
        shown = ", ".join(names[:MAX_NAMES]) + (", …" if len(names) > MAX_NAMES else "")
        unread = "; ".join(f"{one.name} was not read" for one in report.hosts if one.platform is None)
        raise UsageError(
            f"no workload is called {wanted!r}; there are: {shown or 'none'}" + (f" ({unread})" * bool(unread))
        )
    return found


def _fits(workload: Workload, wanted: str) -> bool:
    names = (workload.name, workload.image)
    return wanted in names or any(fnmatchcase(name, wanted) for name in names)


def _told(finding: Finding, scanned_at: float) -> Iterable[str]:
    """One workload's verdict with everything that it rests on, a line each."""
    from scanner.domain.report_json import moment_for_people

    workload, verdict = finding.workload, finding.verdict
    yield f"{workload.name} on {workload.host} ({workload.source}, {workload.stage}): {verdict.status} {verdict.reason}"
    yield f"  image     {workload.image}{f' {verdict.digest}' if verdict.digest else ''}"
    yield f"  host      {finding.host_platform or 'not known'}"
    if finding.team:
        yield f"  owner     {finding.team}"
    if (origin := verdict.built_from) is not None:
        commit = f"commit {origin.revision}" if origin.revision else ""
        yield f"  built of  {', '.join(filter(None, (origin.repository, commit)))}"
    if finding.first_seen and finding.first_seen < scanned_at:
        yield f"  since     {moment_for_people(finding.first_seen)}"
    if finding.waived_until is not None:
        yield f"  waived    until {moment_for_people(finding.waived_until)}"
    if verdict.detail:
        yield f"  because   {verdict.detail}"
    for piece in verdict.evidence:
        yield f"  {piece.layer:<9} {piece.says}"
    if verdict.next_pull:
        yield f"  next pull {verdict.next_pull}"
    if verdict.fix.summary:
        yield f"  fix       {verdict.fix.summary}"
    yield from (f"            $ {command}" for command in verdict.fix.commands)
