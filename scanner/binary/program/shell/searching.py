"""Tells what grep finds of a plain pattern in a known text, or in a file of the image."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import OptionError, grammar
from scanner.binary.program.shell import redirect_files
from scanner.binary.program.shell.state import PathKind, is_known
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from scanner.binary.program.launch.getopt import Parsed
    from scanner.binary.program.shell.state import Files, State

PROGRAMS = frozenset({"grep", "fgrep", "egrep"})

BYTES_A_MICROSECOND = 100

_OPTIONS = grammar(
    "qsEFixvclno", "quiet>q silent>q no-messages>s ignore-case>i fixed-strings>F extended-regexp>E line-regexp>x invert-match>v count>c",
    permutes=True,
)  # fmt: skip
_PLAIN = re.compile(r"\^?(?:[\w \t/:=,\"'@%&<>~;!#-]|\\\.|\.)*\$?", re.ASCII)
"""A pattern that means the same to every grep and costs one look at each place: no repetition, no choice."""


def answer(files: Files, state: State, words: tuple[str, ...]) -> int | None:
    """The status of ``grep PATTERN FILE`` where it ends its script if nothing is found; ``None`` where it is not known.

    It is asked for only there: to have the file costs one more reading of its layer.
    """
    if "e" not in state.options or state.quiet or not state.is_sure_of_files or not all(map(is_known, words)):
        return None
    parsed = _OPTIONS.parse(words[1:])
    if isinstance(parsed, OptionError) or len(parsed.rest) != 2:  # noqa: PLR2004 - a pattern and a file
        return None
    pattern, path = parsed.rest
    text = image_text(files, state, path)
    if text is None or "\0" in text:
        return None
    found = _sought(parsed, pattern, text, fixed=words[0].endswith("fgrep"))
    return None if found is None else int(not found)


def among(words: tuple[str, ...], lines: list[str]) -> tuple[list[str], bool] | None:
    """The lines that ``grep`` with these words finds, with whether it keeps quiet; ``None`` for uncommon words."""
    parsed = _OPTIONS.parse(words)
    if isinstance(parsed, OptionError) or len(parsed.rest) != 1 or parsed.has("c", "l", "n", "o"):
        return None
    found = _sought(parsed, parsed.rest[0], "".join(f"{line}\n" for line in lines), fixed=False)
    return None if found is None else (found, parsed.has("q"))


def _sought(parsed: Parsed, pattern: str, text: str, *, fixed: bool) -> list[str] | None:
    """The lines that are found; ``None`` where greps, or locales, differ in what the pattern means."""
    fixed = fixed or parsed.has("F")
    if "\n" in pattern:
        return None
    if not fixed and _PLAIN.fullmatch(pattern) is None:
        return None
    if not (text.isascii() and pattern.isascii()) and (not fixed or parsed.has("i")):
        return None  # the locale decides what a character is
    pattern = pattern.encode("utf-8", "surrogateescape").decode("latin-1")
    wanted = re.escape(pattern) if fixed else pattern
    wanted = f"^(?:{wanted})$" if parsed.has("x") else wanted
    spend(1 + len(text) // BYTES_A_MICROSECOND)
    sought = re.compile(wanted, re.IGNORECASE if parsed.has("i") else 0)
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line for line in lines if (sought.search(line) is None) == parsed.has("v")]


def image_text(files: Files, state: State, path: str) -> str | None:
    """A file's text as the image holds it."""
    absolute = redirect_files.untouched(files, state, path)
    if absolute is None:
        return None
    standing = files.stands(absolute)
    if standing.kind is not PathKind.FILE or any(redirect_files.is_made(state, at) for at in (absolute, standing.path)):
        return None
    raw = files.text(absolute)
    return None if raw is None else raw.decode("latin-1")
