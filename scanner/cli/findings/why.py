"""``archscan why``: the whole chain of evidence behind one verdict, be it ok."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import options
from scanner.cli.command import Command
from scanner.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scanner.cli.operations import Operations
    from scanner.domain.report import Finding, Report

MAX_NAMES = 20
"""Workloads that are named where none fits; a host may have thousands."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("why", cls=Command)(why)


def why(
    context: typer.Context,
    host: Annotated[str, typer.Argument(metavar="HOST", help="A host of the inventory.")],
    workload: Annotated[
        str, typer.Argument(metavar="WORKLOAD", help="The name of a container, unit or plan, its image, or a pattern.")
    ],
    depth: options.DepthChoice = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Why a workload has the verdict that it has: every layer of evidence, from the host to its next pull.

    Example: archscan why web-1 api
    """
    import asyncio

    from scanner.cli.outcome import FailOn, exit_code
    from scanner.cli.output import progress

    operations: Operations = context.obj()
    common = options.common(config, log_format, log_level)
    with progress.shown() as listen:
        report = asyncio.run(operations.scan(common, (host,), depth, listen))
    found = _named(report, workload)
    for finding in found:
        print("\n".join(_told(finding)))  # noqa: T201 -- data goes to stdout
    raise typer.Exit(exit_code(report, FailOn.NEVER))


def _named(report: Report, wanted: str) -> Sequence[Finding]:
    """The findings that a name, an image or a pattern means.

    Raises:
        UsageError: there are none.
    """
    found = [each for each in report.findings if _fits(each, wanted)]
    if not found:
        names = sorted({each.workload.name for each in report.findings})
        shown = ", ".join(names[:MAX_NAMES]) + (", …" if len(names) > MAX_NAMES else "")
        unread = "; ".join(f"{one.name} was not read" for one in report.hosts if one.platform is None)
        raise UsageError(
            f"no workload is called {wanted!r}; there are: {shown or 'none'}" + (f" ({unread})" * bool(unread))
        )
    return found


def _fits(finding: Finding, wanted: str) -> bool:
    names = (finding.workload.name, finding.workload.image)
    return wanted in names or any(fnmatchcase(name, wanted) for name in names)


def _told(finding: Finding) -> Iterable[str]:
    """One workload's verdict with everything that it rests on, a line each."""
    workload, verdict = finding.workload, finding.verdict
    yield f"{workload.name} on {workload.host} ({workload.source}, {workload.stage}): {verdict.status} {verdict.reason}"
    yield f"  image     {workload.image}{f' {verdict.digest}' if verdict.digest else ''}"
    yield f"  host      {finding.host_platform or 'not known'}"
    if verdict.detail:
        yield f"  because   {verdict.detail}"
    for piece in verdict.evidence:
        yield f"  {piece.layer:<9} {piece.says}"
    if verdict.next_pull:
        yield f"  next pull {verdict.next_pull}"
    if verdict.fix.summary:
        yield f"  fix       {verdict.fix.summary}"
    yield from (f"            $ {command}" for command in verdict.fix.commands)
