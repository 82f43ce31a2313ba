"""``archscan db``: move what is remembered to another database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import options
from scanner.cli.command import ArchscanCommand, ArchscanGroup

if TYPE_CHECKING:
    from scanner.cli.operations import Operations

db_app = typer.Typer(cls=ArchscanGroup, no_args_is_help=True, help="Move the store to another database.")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(db_app, name="db")


@db_app.command("migrate", cls=ArchscanCommand)
def migrate(
    context: typer.Context,
    to: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="URL",
            help="An empty database: sqlite:////path/to/archscan.db or postgresql+psycopg://USER@HOST/NAME.",
        ),
    ] = None,
    to_file: Annotated[
        Path | None,
        typer.Option("--to-file", metavar="FILE", help="A file with that address, for one that holds a password."),
    ] = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Copy the configured store, the trail included, into an empty database of either kind, while archscan does not run.

    All of it is there afterwards, read again and compared, or nothing is.

    Example: archscan db migrate --to postgresql+psycopg://archscan@db.example/archscan
    """
    operations: Operations = context.obj()
    for line in operations.store(options.common(config, log_format, log_level)).migrate(to, to_file):
        print(line)  # noqa: T201 -- data goes to stdout
