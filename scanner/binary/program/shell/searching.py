"""Tells what grep finds of a plain pattern in a known text, or in a file of the image."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scanner.binary.program.launch.getopt import OptionError, grammar
from scanner.binary.program.shell import placing, redirect_files, text_tools
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.state import is_known
from scanner.formats.parsing.patience import spend
from scanner.formats.shell.regexes import regex_of

if TYPE_CHECKING:
    from scanner.binary.program.launch.getopt import Parsed
    from scanner.binary.program.shell.image_paths import Files
    from scanner.binary.program.shell.state import State

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
    if isinstance(parsed, OptionError) or len(parsed.rest) != 1 or parsed.has("c", "l", "n"):
        return None
    if parsed.has("o"):
        parts = None if parsed.has("v", "x", "i", "F") else _parts(parsed, lines)
        return None if parts is None else (parts, parsed.has("q"))
    found = _sought(parsed, parsed.rest[0], "".join(f"{line}\n" for line in lines), fixed=False)
    return None if found is None else (found, parsed.has("q"))


def _sought(parsed: Parsed, pattern: str, text: str, *, fixed: bool) -> list[str] | None:
    """The lines that are found; ``None`` where greps, or locales, differ in what the pattern means."""
    fixed = fixed or parsed.has("F")
    if "\n" in pattern:
        return None
    if not fixed and _PLAIN.fullmatch(pattern) is None:
        return None if parsed.has("i", "x") else _with(pattern, parsed, text)
    if not (text.isascii() and pattern.isascii()) and (not fixed or parsed.has("i")):
        return None  # the locale decides what a character is
    pattern = pattern.encode("utf-8", "surrogateescape").decode("latin-1")
    wanted = re.escape(pattern) if fixed else pattern
    wanted = f"^(?:{wanted})$" if parsed.has("x") else wanted
    spend(1 + len(text) // BYTES_A_MICROSECOND)
    sought = re.compile(wanted, re.IGNORECASE if parsed.has("i") else 0)
    lines = text.removesuffix("\n").split("\n") if text else []
    return [line for line in lines if (sought.search(line) is None) == parsed.has("v")]


MAX_READ_LINES = 60
"""Of a file that a loop reads line by line; fewer than the rounds of a loop that are followed."""


def _with(pattern: str, parsed: Parsed, text: str) -> list[str] | None:
    """The lines with an expression."""
    regex = regex_of(((pattern, True),), basic=not parsed.has("E"))
    lines = text.removesuffix("\n").split("\n") if text else []
    answers = [regex.is_in(line) for line in lines] if regex is not None else [None]
    if any(each is None for each in answers):
        return None
    return [line for line, is_in in zip(lines, answers, strict=True) if is_in is not parsed.has("v")]


def _parts(parsed: Parsed, lines: list[str]) -> list[str] | None:
    """What of each line an expression matches."""
    regex = regex_of(((parsed.rest[0], True),), basic=not parsed.has("E"))
    found = [each for line in lines for each in text_tools.matches(regex, line)] if regex is not None else [None]
    return None if None in found else [each[1][0] for each in found if each is not None]


def few_lines(files: Files, state: State, path: str) -> str | None:
    """What the image holds in a file of few lines, ``None`` where that is not known."""
    text = image_text(files, state, path) if is_known(path) else None
    is_plain = text is not None and text.isascii() and text.count("\n") <= MAX_READ_LINES
    return text if is_plain else None


def image_text(files: Files, state: State, path: str) -> str | None:
    """A file's text as the image holds it, or as its script has made it."""
    made = dict(placing.Placement.by(state.written).texts)
    if made and is_known(path) and is_known(state.cwd) and (text := made.get(posixpath.normpath(state.absolute(path)))):
        return text
    absolute = redirect_files.untouched(files, state, path)
    if absolute is None:
        return None
    standing = files.stands(absolute)
    if standing.kind is not PathKind.FILE or any(redirect_files.is_made(state, at) for at in (absolute, standing.path)):
        return None
    raw = files.text(absolute)
    return None if raw is None else raw.decode("latin-1")
