"""``archscan scan``: judge what hosts run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import completion, options, server_operations
from scanner.cli.command import ArchscanCommand
from scanner.cli.outcome import FailOn, exit_code

if TYPE_CHECKING:
    from scanner.cli.operations import Operations


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scan", cls=ArchscanCommand)(scan)


def scan(
    context: typer.Context,
    hosts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[HOST...]",
            help="Hosts of the inventory; without one, or as user@HOST[:PORT], hosts as your own ssh reaches them.",
            autocompletion=completion.hosts,
        ),
    ] = None,
    host: options.HostOption = None,
    label: options.LabelOption = None,
    form: options.FormatOption = options.Format.TABLE,
    to: options.OutputOption = None,
    quiet: options.QuietOption = False,
    fail_on: options.FailOnOption = FailOn.MISMATCH,
    depth: options.DepthChoice = None,
    every: options.EveryOption = False,
    diff: Annotated[
        bool,
        typer.Option("--diff", help="Show only what is other than in the last report (the store's, the server's)."),
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option("--against", metavar="FILE", help="Compare with this report (scan --format json); means --diff."),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Scan again and again, show what changes, until Ctrl-C.")
    ] = False,
    pause: Annotated[
        float, typer.Option("--every", min=1, max=86400, help="Seconds between two scans of --watch.")
    ] = 60.0,
    server: server_operations.ServerOption = None,
    token_file: server_operations.TokenFileOption = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Read every host, look up every image it runs or plans to run, and show what will not start.

    Exit code: 0 nothing found, 1 findings, 2 wrong usage or configuration, 3 something is unknown and nothing worse; with
    --diff only of what opened or changed. With --server a running archscan scans, and its findings are shown.

    Example: archscan scan --config archscan.yml --host 'edge-*'; without any file: archscan scan root@10.0.0.5
    """
    from scanner.cli.findings import scan_difference
    from scanner.cli.output import output

    options.refuse_no_place(to)
    operations: Operations = context.obj()
    common = options.common(config, log_format, log_level)
    wanted = scan_difference.DifferenceRequest(
        operations, common, options.patterns(host, label), tuple(hosts or ()), depth, server, token_file, quiet
    )
    if watch:
        scan_difference.watch(wanted, against, pause, is_compared=diff)
    if diff or against is not None:
        report = scan_difference.show(wanted, against, form, to)
    else:
        report = wanted.scanned(_tell)
        output.write(report, form, every=every, to=to, quiet=quiet)
    raise typer.Exit(exit_code(report, fail_on))


def _tell(text: str) -> None:
    """Talk goes to stderr."""
    typer.echo(f"archscan: {text}", err=True)
