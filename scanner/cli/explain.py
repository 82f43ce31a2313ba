"""``archscan explain``: what a container runtime's error means."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from scanner.cli import options
from scanner.cli.command import Command
from scanner.cli.outcome import Exit

MAX_EXPLAINED_CHARS = 1 << 20
"""A log of one MiB is more than anybody pastes; the rest would only take time."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", cls=Command)(explain)


def explain(
    text: Annotated[str, typer.Argument(metavar="[TEXT|-]", help="The error, or - to read it from stdin.")] = "-",
    log_format: options.LogFormatOption = None,
    log_level: options.LogLevelOption = None,
) -> None:
    """Decode an error of a container runtime: what it means, what causes it, what to do.

    Example: docker logs api 2>&1 | archscan explain -
    """
    from scanner.domain.text import printable
    from scanner.domain.verdict import error_phrases
    from scanner.domain.verdict.reason import STATUS_OF

    del log_format, log_level  # every command takes them; this one has nothing to log
    found = error_phrases.explain(sys.stdin.read(MAX_EXPLAINED_CHARS) if text == "-" else text[:MAX_EXPLAINED_CHARS])
    if not found:
        print("Nothing in it is a known sign of a wrong CPU or a broken entrypoint.")  # noqa: T201 -- data goes to stdout
        raise typer.Exit(Exit.OK)
    for observation in found:
        title = f"{observation.reason} ({STATUS_OF[observation.reason]})"
        is_plain = "NO_COLOR" in os.environ or not sys.stdout.isatty()
        print(title if is_plain else typer.style(title, fg=typer.colors.RED, bold=True))  # noqa: T201 -- the same
        print(f"  said:  {printable(observation.phrase)}\n  means: {observation.cause}")  # noqa: T201 -- the same
    raise typer.Exit(Exit.FINDINGS)
