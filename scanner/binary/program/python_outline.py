"""The statements of a Python module, each as one line without what stands in its texts, with those that it holds.

The parts of a line are those of Python's own tokenizer (Lib/tokenize.py), whatever version wrote it: only texts,
comments, brackets, what ends a line count.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.binary.program.module_files import Doubt

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_NESTING = 32
"""Blocks in each other, where Python itself stops at a hundred; modules that people write nest ten."""

MAX_STATEMENTS = 10_000
"""Of one module; the longest that programs load at their start have half of them. Each takes some 200 bytes."""

KEPT_OUTLINES = 64
"""Modules whose outline is kept while the same image is asked about again; each is some tens of KiB."""

_PART = re.compile(r"#[^\n]*|\"\"\"|'''|[\"'()\[\]{};\n]|\\\n|[^#\"'()\[\]{};\n\\]+|\\")
_ENDS = {
    '"""': re.compile(r"\\.|\"\"\"", re.DOTALL), "'''": re.compile(r"\\.|'''", re.DOTALL),
    '"': re.compile(r"\\.|\"|\n", re.DOTALL), "'": re.compile(r"\\.|'|\n", re.DOTALL),
}  # fmt: skip
"""By what opens a text, what may end it, or hides that end."""

_BLANKS = re.compile(r"[ \t\f]*")
_ONE_LINE = re.compile(r"(try|else|finally|if|elif|except|with|for|while|def|class|async)\b")
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_TAB = 8
_FOLLOWS = -1
"""In the place of a column: behind a semicolon."""


@dataclass(slots=True)
class Statement:
    """One statement; ``text`` has ``""`` in the place of each text, of which ``texts`` are the contents.

    ``body`` are the statements of its block.
    """

    text: str
    texts: tuple[str, ...] = ()
    indent: int = 0
    body: list[Statement] = field(default_factory=list)


@lru_cache(maxsize=KEPT_OUTLINES)
def outline(text: str) -> tuple[Statement, ...]:
    """The statements of a module; raises ``Doubt`` for what is no Python, or nests too deeply."""
    found: list[Statement] = []
    blocks: list[list[Statement]] = [found]
    indents = [0]
    for count, line in enumerate(_lines(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"))):
        if count >= MAX_STATEMENTS:
            raise Doubt
        if line.indent == _FOLLOWS:
            if not blocks[-1]:
                raise Doubt
            (blocks[-1][-1].body or blocks[-1]).append(line)
            continue
        while line.indent < indents[-1]:
            indents.pop()
            blocks.pop()
        if line.indent > indents[-1]:
            if not blocks[-1] or len(blocks) >= MAX_NESTING:
                raise Doubt
            indents.append(line.indent)
            blocks.append(blocks[-1][-1].body)
        blocks[-1] += _split(line)
    return tuple(found)


def _split(line: Statement) -> list[Statement]:
    """A line that holds its block behind a colon as the statement and the block."""
    at = _colon(line.text) if _ONE_LINE.match(line.text) else -1
    head, rest = line.text[: at + 1], line.text[at + 1 :].strip()
    if at < 0 or not rest:
        return [line]
    return [Statement(head, line.texts, line.indent, [Statement(rest, line.texts, line.indent)])]


def _colon(text: str) -> int:
    """Where the block of a statement begins; in brackets a colon means something else, as it does behind ``lambda``."""
    depth = 0
    lambdas = 0
    for match in re.finditer(r"[()\[\]{}:]|\blambda\b", text):
        part = match[0]
        depth += (part in _OPENING) - (part in _CLOSING)
        if depth:
            continue
        if part == "lambda":
            lambdas += 1
        elif part == ":" and lambdas:
            lambdas -= 1
        elif part == ":" and text[match.end() : match.end() + 1] != "=":
            return match.start()
    return -1


def _lines(text: str) -> Iterator[Statement]:
    """The logical lines, those that a semicolon parts each by itself."""
    at = depth = 0
    indent = _indent(text, 0)
    parts: list[str] = []
    texts: list[str] = []
    while at < len(text):
        match = _PART.match(text, at)
        part = match[0] if match else text[at]
        at += len(part)
        if part in _ENDS:
            end = _end(text, at, part)
            texts.append(text[at : end - len(part)])
            parts.append('""')
            at = end
        elif part in {"\n", ";"} and depth <= 0:
            if line := "".join(parts).strip():
                yield Statement(line, tuple(texts), indent)
            parts, texts = [], []
            indent = _FOLLOWS if part == ";" else _indent(text, at)
        elif part == "\\":
            raise Doubt
        elif part[0] != "#":
            depth += (part in _OPENING) - (part in _CLOSING)
            parts.append(" " if part in {"\n", "\\\n"} else part)
    if depth > 0:
        raise Doubt
    if line := "".join(parts).strip():
        yield Statement(line, tuple(texts), indent)


def _end(text: str, at: int, quotes: str) -> int:
    """Behind the end of a text that begins here."""
    for match in _ENDS[quotes].finditer(text, at):
        if match[0] == quotes:
            return match.end()
        if match[0] == "\n":
            raise Doubt
    raise Doubt


def _indent(text: str, at: int) -> int:
    """The column of what a line begins with, a tab as Python counts it."""
    blanks = _BLANKS.match(text, at)
    column = 0
    for each in blanks[0] if blanks else "":
        column = 0 if each == "\f" else column // _TAB * _TAB + _TAB if each == "\t" else column + 1
    return column
