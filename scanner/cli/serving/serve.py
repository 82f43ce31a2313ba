"""``archscan serve``, ``archscan demo``: the service, on your fleet or on a made-up one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import options
from scanner.cli.command import ArchscanCommand
from scanner.cli.outcome import FailOn, exit_code

if TYPE_CHECKING:
    from scanner.cli.operations import Operations

DEMO_PORT = 9719


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve", cls=ArchscanCommand)(serve)
    app.command("demo", cls=ArchscanCommand)(demo)


def serve(
    context: typer.Context,
    listen: Annotated[
        str | None,
        typer.Option(
            "--web.listen-address", metavar="[ADDRESS]:PORT", help="Where to listen (default: the file's web.listen)."
        ),
    ] = None,
    web_config: Annotated[
        str | None,
        typer.Option(
            "--web.config.file",
            metavar="FILE",
            help="TLS and users, as exporters have them (default: web.config_file).",
        ),
    ] = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Scan on schedule; serve /metrics, the API and the web page until SIGTERM.

    SIGHUP or POST /-/reload read the configuration again; a bad file keeps the last good one.

    Example: archscan serve --config /etc/archscan/archscan.yml
    """
    import asyncio

    from scanner.hosts.turns import TurnsLoop

    operations: Operations = context.obj()
    with asyncio.Runner(loop_factory=TurnsLoop) as runner:
        runner.run(operations.serve(options.common(config, log_format, log_level), listen, web_config))


def demo(
    context: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="Scan once, print the table, exit 1 for what it shows.")] = False,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port of the page; 0 takes a free one.")
    ] = DEMO_PORT,
    form: options.FormatOption = options.Format.TABLE,
    fail_on: options.FailOnOption = FailOn.MISMATCH,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Watch it work: a small mixed fleet and its registry, real protocols on loopback, no Docker, no root, no network.

    Example: archscan demo --once
    """
    from scanner.cli.output import output, progress
    from scanner.hosts import names

    operations: Operations = context.obj()
    common = options.common(None, log_format, log_level)
    with progress.shown() as listen:
        if not once:
            names.run(operations.demo(common, port, listen))
            return
        report = names.run(operations.demo_once(common, listen))
    output.write(report, form)
    raise typer.Exit(exit_code(report, fail_on))
