"""``archscan worker``: read hosts for a scanner elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import options
from scanner.cli.command import ArchscanCommand

if TYPE_CHECKING:
    from scanner.cli.operations import Operations


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("worker", cls=ArchscanCommand)(worker)


def worker(
    context: typer.Context,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler", metavar="tls://HOST:PORT", help="Dask's scheduler (default: the file's cluster.scheduler)."
        ),
    ] = None,
    zone: Annotated[
        list[str] | None,
        typer.Option(
            "--zone",
            metavar="ZONE",
            help="Read only hosts whose label zone is this one; without it, those without the label. Repeatable.",
        ),
    ] = None,
    listen: Annotated[
        str,
        typer.Option(
            "--listen",
            metavar="[ADDRESS]:PORT",
            help="Where the scheduler reaches this worker (default: the address towards it, any port).",
        ),
    ] = "",
    name: Annotated[
        str,
        typer.Option("--name", help="What this worker is called (default: the machine's name, the process's number)."),
    ] = "",
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Read the hosts that a scanner elsewhere sends, with the keys of this machine, until SIGTERM.

    The file needs no inventory: ssh for keys and known_hosts, cluster for the certificates of TLS.

    Example: archscan worker --scheduler tls://scheduler.example:8786 --zone dmz --config worker.yml
    """
    from scanner.hosts import names

    operations: Operations = context.obj()
    common = options.common(config, log_format, log_level)
    names.run(operations.worker(common, scheduler, tuple(zone or ()), listen, name))
