"""``archscan scan``, ``archscan check``: judge what hosts run, or may run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import options
from scanner.cli.command import Command
from scanner.cli.outcome import FailOn, exit_code
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.cli.operations import Operations

PlatformOption = Annotated[
    list[str] | None,
    typer.Option(
        "--platform", "-p", metavar="OS/ARCH", help="A plain host of this platform, such as linux/arm64. Repeatable."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("scan", cls=Command)(scan)
    app.command("check", cls=Command)(check)


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


def check(
    context: typer.Context,
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="What is about to be deployed.")],
    host: options.HostOption = None,
    platform: PlatformOption = None,
    form: options.FormatOption = options.Format.TABLE,
    to: options.OutputOption = None,
    quiet: options.QuietOption = False,
    fail_on: options.FailOnOption = FailOn.MISMATCH,
    depth: options.DepthChoice = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """May these images go to these hosts? The deploy gate, before anything is deployed.

    Name hosts of the inventory (--host) or plain platforms (--platform), which need no configuration.
    The decision is allow, warn, hold (not enough is known) or deny; deny ends with exit code 1, hold with 3.

    Example: archscan check registry.example/shop/api:1.4 --platform linux/arm64
    """
    if bool(host) == bool(platform):
        raise UsageError("name either hosts (--host PATTERN) or platforms (--platform OS/ARCH) to check against")
    import asyncio

    from scanner.cli import output, progress

    operations: Operations = context.obj()
    common = options.common(config, log_format, log_level)
    with progress.shown(quiet=quiet) as listen:
        checked = asyncio.run(operations.check(common, images, host or (), platform or (), depth, listen))
    output.write(checked.report, form, decision=checked.decision, every=True, to=to, quiet=quiet)
    raise typer.Exit(exit_code(checked.report, fail_on, checked.decision))
