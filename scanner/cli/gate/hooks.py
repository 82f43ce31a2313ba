"""``archscan gate-snippet``, ``archscan compose``: the gate before what starts containers."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli.command import ArchscanCommand
from scanner.cli.outcome import Exit, FailOn, exit_code
from scanner.errors import UsageError

if TYPE_CHECKING:
    from scanner.cli.operations import Operations

SNIPPET = "gate_snippet.sh"

_UNPARSED = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""Everything behind ``compose`` is Compose's own."""


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("gate-snippet", cls=ArchscanCommand)(gate_snippet)
    app.command("compose", cls=ArchscanCommand, context_settings=_UNPARSED, options_metavar="")(compose)


def gate_snippet() -> None:
    """Print the script by which a host asks a running archscan before it runs an image: POSIX sh and curl.

    Example: archscan gate-snippet > /usr/local/bin/archscan-gate && chmod 755 /usr/local/bin/archscan-gate
    """
    print(snippet(), end="")  # noqa: T201 -- data goes to stdout


def snippet() -> str:
    """The script."""
    return resources.files("scanner.cli.gate").joinpath(SNIPPET).read_text(encoding="utf-8")


def compose(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="up|create|run [ARG]...", help="As docker compose takes them: -f FILE, --profile NAME, up -d …"
        ),
    ] = None,
) -> None:
    """Check every image of a Compose project against this machine, then run docker compose.

    What was judged is pulled by its digest and tagged before anything is taken down. What is denied ends with exit code
    1, what is not known with 3; docker compose is not run then. ARCHSCAN_CONFIG names a configuration.

    Example: archscan compose -f compose.yml up -d
    """
    import os
    from pathlib import Path

    from scanner.cli import options
    from scanner.cli.gate import checked_output, compose_run
    from scanner.cli.output import progress
    from scanner.hosts import names

    run = compose_run.read(words or (), os.environ)
    operations: Operations = context.obj()
    config = os.environ.get("ARCHSCAN_CONFIG")
    common = options.common(Path(config) if config else None, None, None)
    with progress.shown(quiet=False) as listen:
        checked = names.run(operations.check(common, run.asked, listen))
    code = exit_code(checked.report, FailOn.MISMATCH, checked.decision)
    checked_output.write_aside(checked)
    is_built_here = not checked.report.findings and bool(checked.report.hosts)
    if code is not Exit.OK and not is_built_here:  # what a project builds, it pulls from nobody
        raise typer.Exit(code)
    try:
        compose_run.start(run, checked)
    except OSError as error:
        raise UsageError(f"docker: {error.strerror}") from None
    except compose_run.PullError as error:
        raise UsageError(str(error)) from None
