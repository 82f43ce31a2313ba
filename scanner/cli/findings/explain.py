"""``archscan explain``: what a container runtime's error means."""

from __future__ import annotations

import codecs
import io
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
    from typing import BinaryIO

    from scanner.domain.verdict.explanation import Explanation

EXCERPT_CHARS = 1 << 20
"""A log may be of any length: so much of it is looked at, then forgotten."""

NOTHING = "there is nothing to explain: name the error, or - to read it from stdin"

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
    if text != "-" and len(text) < MAX_PATH_CHARS and "\n" not in text and is_file(Path(text)):
        raise UsageError(f"{text} is a file, not an error: archscan explain - <{shlex.quote(text)}")
    if not text.strip():
        raise UsageError(NOTHING)
    if text == "-" and sys.stdin.isatty():
        print("archscan: paste the error, then Ctrl-D", file=sys.stderr)  # noqa: T201 -- talk goes to stderr
    found, instead = _found_in(_excerpts(sys.stdin.buffer) if text == "-" else iter([text]))
    if not found:
        about = f" It is about something else: {instead}." if instead else ""
        print(f"Nothing in it is a known sign of a wrong CPU or a broken entrypoint.{about}")  # noqa: T201 -- data goes to stdout
        raise typer.Exit(Exit.OK)
    is_plain = "NO_COLOR" in os.environ or not sys.stdout.isatty()
    for explanation in found:
        title, *rows = _lines(explanation)
        print(title if is_plain else typer.style(title, fg=typer.colors.RED, bold=True))  # noqa: T201 -- the same
        print("\n".join(rows))  # noqa: T201 -- the same
    raise typer.Exit(Exit.OK)


def _found_in(excerpts: Iterator[str]) -> tuple[tuple[Explanation, ...], str]:
    """What a log says of programs that do not start, then what it is about instead.

    Raises:
        UsageError: it says nothing at all.
    """
    from scanner.domain.verdict import error_phrases
    from scanner.domain.verdict.explanation import explained_all

    instead, is_empty = "", True

    def seen() -> Iterator[str]:
        nonlocal instead, is_empty
        for excerpt in excerpts:
            is_empty = is_empty and not excerpt.strip()
            instead = instead or error_phrases.instead(excerpt)
            yield excerpt

    found = explained_all(seen())
    if is_empty:
        raise UsageError(NOTHING)
    return found, instead


def _excerpts(log: BinaryIO) -> Iterator[str]:
    """A log in whole lines; one that does not end within an excerpt is looked at in two."""
    rest = ""
    for read in _texts(log):
        whole, newline, rest = (rest + read).rpartition("\n")
        if newline:
            yield whole
        elif len(rest) > EXCERPT_CHARS:
            yield rest
            rest = ""
    yield rest


def _texts(log: BinaryIO) -> Iterator[str]:
    """What is written in it, a piece at a time; what is no text becomes a mark in its place.

    Raises:
        UsageError: it is packed.
    """
    begun = log.read(EXCERPT_CHARS)
    if unpack := next((command for sign, command in _PACKED.items() if begun.startswith(sign)), ""):
        raise UsageError(f"the log is packed: {unpack} FILE | archscan explain -")
    made = codecs.getincrementaldecoder(_encoding(begun))("replace")
    decoder = io.IncrementalNewlineDecoder(made, translate=True)
    while begun:
        yield decoder.decode(begun)
        begun = log.read(EXCERPT_CHARS)
    yield decoder.decode(b"", final=True)


_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # which begins as UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""How a log begins that PowerShell wrote (``docker logs api > api.log``), or an editor."""

_PACKED = {b"\x1f\x8b": "zcat", b"\x28\xb5\x2f\xfd": "zstdcat", b"\xfd7zXZ": "xzcat", b"BZh": "bzcat"}
"""What unpacks a log, by how it begins: in packed bytes nothing is known, which reads like good news."""

LOOKED_AT = 1024
"""Bytes by which UTF-16 is told that has no mark: of a log's letters most are ASCII's, of which one of two bytes is zero."""

MOST = 16
"""Of bytes on the other side, at most every so manyth is zero: a log of UTF-8 has none, what is packed or framed has them anywhere."""


def _encoding(begun: bytes) -> str:
    """How a log is written."""
    marked = next((encoding for mark, encoding in _MARKS if begun.startswith(mark)), None)
    if marked is not None:
        return marked
    first, second = begun[0:LOOKED_AT:2], begun[1:LOOKED_AT:2]
    for high, low, encoding in ((second, first, "utf-16-le"), (first, second, "utf-16-be")):
        if high.count(0) * 2 > len(high) and low.count(0) * MOST <= len(low):
            return encoding
    return "utf-8"


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
