"""Arrays of bash whose elements have names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Self

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell.state import AtRunTimeError
from scanner.formats.shell import grammar
from scanner.formats.shell.syntax import Glob, Literal, Sequence, Simple, Word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.binary.program.shell.pieces import Pieces
    from scanner.formats.shell.syntax import Parameter

MAX_ELEMENTS = 256
"""Of one array; those that scripts choose a program by have a dozen."""

_PLAIN = re.compile(r"[\w.:/+-]+", re.ASCII)


class Table(tuple[str, ...]):  # noqa: SLOT001 - a tuple may have no slots
    """An array by names; whoever asks for no element by its name sees words that nobody knows, for their order is bash's."""

    entries: Mapping[str, str]

    def __new__(cls, entries: Mapping[str, str]) -> Self:
        """With these elements."""
        made = super().__new__(cls, () if not entries else (UNKNOWN_WORDS,))
        made.entries = entries
        return made

    def __eq__(self, other: object) -> bool:
        """Whether the elements are the same."""
        return isinstance(other, Table) and self.entries == other.entries

    __hash__ = tuple.__hash__

    def with_element(self, name: str, value: str) -> tuple[str, ...]:
        """The array with one element set; nothing is known of one whose names are not."""
        if not name:
            raise AtRunTimeError("an array without a name in its subscript")
        entries = {**self.entries, name: value}
        return UNKNOWN_TABLE if UNKNOWN in name or len(entries) > MAX_ELEMENTS else Table(entries)


UNKNOWN_TABLE: tuple[str, ...] = (UNKNOWN_WORDS,)
"""An array of which nothing is known."""


def made_of(words: Pieces, elements: tuple[Word, ...], before: Mapping[str, str]) -> tuple[str, ...]:
    """``([name]=value …)``, on top of what was there before."""
    table: tuple[str, ...] = Table(before)
    for element in elements:
        parted = _parted(element)
        if parted is None:
            words.text(element)  # for what it runs and assigns
            table = UNKNOWN_TABLE
            continue
        name, value = words.text(parted[0]), words.text(parted[1])
        table = table.with_element(name, value) if isinstance(table, Table) else table
    return table


def _parted(element: Word) -> tuple[Word, Word] | None:
    """The name and the value of ``[name]=value``; ``None`` for any other word."""
    parts = element.parts
    if not parts or parts[0] != Glob("["):
        return None
    for at, part in enumerate(parts[1:-1], 1):
        behind = parts[at + 1]
        if part == Glob("]") and isinstance(behind, Literal) and not behind.quoted and behind.text.startswith("="):
            value = (Literal(behind.text[1:]), *parts[at + 2 :])
            return Word(parts[1:at], element.line), Word(value, element.line)
    return None


def all_of(table: tuple[str, ...] | None, part: Parameter) -> tuple[str, ...] | None:
    """All elements, or all names of a table, ``None`` where their order matters, or for any other array."""
    if not isinstance(table, Table) or len(table.entries) > 1 or part.operator:
        return None
    return tuple(table.entries) if part.indirect else tuple(table.entries.values())


def looked_up(words: Pieces, table: Table, subscript: str) -> str | None:
    """The element of a name, ``None`` where there is none."""
    name = name_in(words, subscript)
    return UNKNOWN if UNKNOWN in name else table.entries.get(name)


def name_in(words: Pieces, subscript: str) -> str:
    """The name that a subscript, as it is written, comes to; ``UNKNOWN`` in it where that is not known."""
    if _PLAIN.fullmatch(subscript):
        return subscript
    if not subscript.isascii():
        return UNKNOWN
    read = grammar.parse(f": {subscript}".encode())
    statement = read.items[0].statement if isinstance(read, Sequence) and len(read.items) == 1 else None
    if not isinstance(statement, Simple) or len(statement.words) != 2 or statement.redirects:  # noqa: PLR2004 - : and the name
        return UNKNOWN
    return words.text(statement.words[1])
