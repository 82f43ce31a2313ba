"""``archscan image``: what an image holds, without pulling it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli import completion, options, server_operations
from scanner.cli.command import ArchscanCommand
from scanner.cli.outcome import Exit, FailOn, exit_code
from scanner.cli.server_operations import refuse_unsent_files
from scanner.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.cli.operations import Operations


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("image", cls=ArchscanCommand)(image)


def _ask(
    operations: Operations, server: str, token_file: Path | None, reference: str, form: options.PlainFormat
) -> Exit:
    """What a running service knows of the image, then how that reads as an exit code."""
    import json

    from rich.text import Text

    from scanner.cli.output import output

    with operations.server(server, token_file) as there:
        document, findings = there.image(reference)
        whole = there.report()
    if form is options.PlainFormat.JSON:
        print(json.dumps(document, indent=2, ensure_ascii=False))  # noqa: T201 -- data goes to stdout
    else:
        out = output.console()
        offered = ", ".join(document["offered"]) or "nothing that is known"
        out.print(Text(f"{reference}  offers {offered}"), soft_wrap=True)
        for digest in document["digests"]:
            out.print(Text(f"  {digest}"), soft_wrap=True)
    names = {finding.workload.host for finding in findings}
    shown = replace(whole, findings=tuple(findings), hosts=tuple(one for one in whole.hosts if one.name in names))
    if form is not options.PlainFormat.JSON:
        output.write(shown, options.Format.TABLE, every=True, to=None)
    return exit_code(shown, FailOn.MISMATCH, counts_waived=True)


def image(
    context: typer.Context,
    reference: Annotated[
        str,
        typer.Argument(
            metavar="IMAGE",
            help="An image reference, such as nginx:1.27, or before a push oci:DIR[:TAG], oci-archive:FILE[:TAG], "
            "docker-archive:FILE[:IMAGE].",
            autocompletion=completion.images,
        ),
    ],
    all_binaries: Annotated[
        bool,
        typer.Option("--all-binaries", help="List every program and library made for another CPU than its image says."),
    ] = False,
    form: options.PlainOption = options.PlainFormat.TABLE,
    server: server_operations.ServerOption = None,
    token_file: server_operations.TokenFileOption = None,
    config: options.ConfigOption = None,
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """What an image offers, down to the binary that its entrypoint leads to.

    Exit code 1 tells that a binary is for another CPU than its label says, or that nothing of it can start.
    Needs no configuration for public registries; nothing is pulled, nothing is written to disk.
    With --server: what a running archscan knows of the image, where it runs, how it fares there.

    Example: archscan image registry.example/shop/api:1.4
    """
    import json

    from scanner.cli.output import image_table
    from scanner.domain.failure import Failure
    from scanner.domain.report_json import plain
    from scanner.hosts import names

    operations: Operations = context.obj()
    common = options.common(config, log_format, log_level)
    if server is not None:
        refuse_unsent_files(reference)
        if all_binaries:
            raise UsageError("--all-binaries opens the image here: leave --server out")
        raise typer.Exit(_ask(operations, server, token_file, reference, form))
    opened = names.run(operations.image(common, reference, all_binaries=all_binaries))
    if form is options.PlainFormat.JSON:
        print(json.dumps(plain(opened), indent=2, ensure_ascii=False))  # noqa: T201 -- data goes to stdout
    elif isinstance(opened.facts, Failure):
        image_table.refuse(reference, opened.facts)
    else:
        image_table.show(reference, opened.facts, opened)
    raise typer.Exit(image_table.exit_code(opened))
