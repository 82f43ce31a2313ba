"""``archscan explain``: what a container runtime's error means."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scanner.cli.command import ArchscanCommand
from scanner.cli.outcome import Exit
from scanner.errors import UsageError
from scanner.formats.files import is_file

if TYPE_CHECKING:
    from scanner.domain.verdict.explanation import Explanation

MAX_EXPLAINED_CHARS = 1 << 20
"""A log of one MiB is more than anybody pastes; the rest would only take time."""

MAX_PATH_CHARS = 4096
"""PATH_MAX of Linux: a longer word names no file."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", cls=ArchscanCommand)(explain)


def explain(
    text: Annotated[str, typer.Argument(metavar="[TEXT|-]", help="The error, or - to read it from stdin.")] = "-",
) -> None:
    """Decode an error of a container runtime: what it means, what causes it, what to do.

    Example: docker logs api 2>&1 | archscan explain -
    """
    from scanner.domain.verdict import error_phrases
    from scanner.domain.verdict.explanation import explained

    if text != "-" and len(text) < MAX_PATH_CHARS and "\n" not in text and is_file(Path(text)):
        raise UsageError(f"{text} is a file, not an error: archscan explain - <{shlex.quote(text)}")
    if not text.strip():
        raise UsageError("there is nothing to explain: name the error, or - to read it from stdin")
    if text == "-" and sys.stdin.isatty():
        print("archscan: paste the error, then Ctrl-D", file=sys.stderr)  # noqa: T201 -- talk goes to stderr
    said = sys.stdin.read(MAX_EXPLAINED_CHARS) if text == "-" else text[:MAX_EXPLAINED_CHARS]
    found = explained(said)
    if not found:
        instead = error_phrases.instead(said)
        about = f" It is about something else: {instead}." if instead else ""
        print(f"Nothing in it is a known sign of a wrong CPU or a broken entrypoint.{about}")  # noqa: T201 -- data goes to stdout
        raise typer.Exit(Exit.OK)
    is_plain = "NO_COLOR" in os.environ or not sys.stdout.isatty()
    for explanation in found:
        title, *rows = _lines(explanation)
        print(title if is_plain else typer.style(title, fg=typer.colors.RED, bold=True))  # noqa: T201 -- the same
        print("\n".join(rows))  # noqa: T201 -- the same
    raise typer.Exit(Exit.OK)


def _lines(explanation: Explanation) -> Iterator[str]:
    """A title, then what was said, what that means, who says it, how to see it, what mends it."""
    from scanner.domain.text import printable

    yield f"{explanation.reason} ({explanation.status})"
    yield f"  said:    {printable(explanation.phrase)}"
    yield f"  means:   {explanation.cause}"
    yield f"  said by: {explanation.said_by}"
    yield from _column("confirm:", explanation.confirm)
    yield from _column("cure:", (explanation.fix.summary, *explanation.fix.commands))


def _column(label: str, rows: tuple[str, ...]) -> Iterator[str]:
    for number, row in enumerate(rows):
        yield f"  {label if number == 0 else '':<9}{row}"
