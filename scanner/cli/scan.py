"""``archscan scan``: judge what hosts run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import options
from scanner.cli.command import Command
from scanner.cli.outcome import FailOn, exit_code

if TYPE_CHECKING:
    from scanner.cli.operations import Operations


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("scan", cls=Command)(scan)


def scan(
    context: typer.Context,
    hosts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[HOST...]",
            help="Hosts of the inventory; without one, or as user@HOST[:PORT], hosts as your own ssh reaches them.",
        ),
    ] = None,
    host: options.HostOption = None,
    form: options.FormatOption = options.Format.TABLE,
    to: options.OutputOption = None,
    quiet: options.QuietOption = False,
    fail_on: options.FailOnOption = FailOn.MISMATCH,
    depth: options.DepthChoice = None,
    every: options.EveryOption = False,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Read every host, look up every image it runs or plans to run, and show what will not start.

    Exit code: 0 nothing found, 1 findings, 2 wrong usage or configuration, 3 something is unknown and nothing worse.

    Example: archscan scan --config archscan.yml --host 'edge-*'; without any file: archscan scan root@10.0.0.5
    """
    import asyncio

    from scanner.cli import output, progress

    operations: Operations = context.obj()
    common = options.common(config, log_format, log_level)
    with progress.shown(quiet=quiet) as listen:
        report = asyncio.run(operations.scan(common, host or (), depth, listen, hosts or (), _tell))
    output.write(report, form, every=every, to=to, quiet=quiet)
    raise typer.Exit(exit_code(report, fail_on))


def _tell(text: str) -> None:
    """Talk goes to stderr."""
    typer.echo(f"archscan: {text}", err=True)
