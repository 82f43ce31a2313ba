"""``archscan image``: what an image holds, without pulling it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import options
from scanner.cli.check import FILES
from scanner.cli.command import Command
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.cli.operations import Operations


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("image", cls=Command)(image)


def image(
    context: typer.Context,
    reference: Annotated[str, typer.Argument(metavar="IMAGE", help="An image reference, such as nginx:1.27.")],
    all_binaries: Annotated[
        bool,
        typer.Option("--all-binaries", help="List every program and library made for another CPU than its image says."),
    ] = False,
    form: options.PlainOption = options.Plain.TABLE,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """What an image offers, down to the binary that its entrypoint leads to.

    Exit code 1 tells that a binary is for another CPU than its label says, or that nothing of it can start.
    Needs no configuration for public registries; nothing is pulled, nothing is written to disk.

    Example: archscan image registry.example/shop/api:1.4
    """
    import asyncio
    import json

    from scanner.cli import image_table
    from scanner.domain.facts import Failure
    from scanner.domain.report_json import plain

    if reference.startswith(FILES):
        raise UsageError(
            f"image reads what a registry has; of a file: archscan check {reference} --platform linux/amd64"
        )
    operations: Operations = context.obj()
    common = options.common(config, log_format, log_level)
    opened = asyncio.run(operations.image(common, reference, all_binaries=all_binaries))
    if form is options.Plain.JSON:
        print(json.dumps(plain(opened), indent=2, ensure_ascii=False))  # noqa: T201 -- data goes to stdout
    elif isinstance(opened.facts, Failure):
        image_table.refuse(reference, opened.facts)
    else:
        image_table.show(reference, opened.facts, opened)
    raise typer.Exit(image_table.exit_code(opened))
