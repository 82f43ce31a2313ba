"""The files that inventories are made of, read within bounds."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any

from scanner.formats import files
from scanner.formats.documents import bounded_yaml, lenient_json
from scanner.formats.documents.bounded_yaml import YamlError
from scanner.formats.documents.lenient_json import JsonError
from scanner.formats.files import FileError
from scanner.inventory.error import InventoryError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scanner.formats.documents.bounded_yaml import Place, Rules

MAX_BYTES = 16 << 20
"""An inventory of 10,000 hosts with their variables has a few MiB."""

MAX_LINE_CHARS = 64 << 10
"""Lines are split as a shell would, in quadratic time."""


class Unreadable(Enum):
    """A value that stands in a document, but not for us to read."""

    ENCRYPTED = "is encrypted (!vault), which only Ansible can read: via: ansible-inventory asks it"
    TAGGED = "carries a tag that only Ansible can read: via: ansible-inventory asks it"


ENCRYPTED, UNREADABLE = Unreadable.ENCRYPTED, Unreadable.TAGGED

RULES = bounded_yaml.Rules(
    max_chars=MAX_BYTES,
    max_depth=60,  # deeper than any inventory
    max_nodes=1_000_000,  # 10,000 hosts with fifty variables each
    max_aliased=200_000,  # the variables that 10,000 hosts have in common, twenty for each
    max_aliased_chars=MAX_BYTES,
    tagged=lambda tag, value: value if tag == "unsafe" else ENCRYPTED if tag.startswith("vault") else UNREADABLE,
)
"""Of Ansible's files."""


def read_text(path: Path) -> str:
    """The text of a regular file.

    Raises:
        InventoryError: it cannot be read, is too long, is not UTF-8, or everybody may write to it.
    """
    try:
        return files.read_text(path, MAX_BYTES, forbidden=files.WRITABLE_BY_ALL)
    except FileError as error:
        cure = ": write the path of one that is there, or leave this source out" if error.missing else ""
        raise InventoryError([f"{error}{cure}"]) from None


def lines(text: str, name: str) -> list[str]:
    """The lines of a text.

    Raises:
        InventoryError: a line is longer than ``MAX_LINE_CHARS``.
    """
    found = text.splitlines()
    for number, line in enumerate(found, start=1):
        if len(line) > MAX_LINE_CHARS:
            raise InventoryError([f"{name}:{number}: is longer than {MAX_LINE_CHARS} characters"])
    return found


def decode(content: bytes, name: str) -> str:
    """Bounded bytes as text.

    Raises:
        InventoryError: too long, or not UTF-8.
    """
    try:
        return files.decode(content, name, MAX_BYTES)
    except FileError as error:
        raise InventoryError([str(error)]) from None


def parse_json(text: str, name: str) -> Any:
    """A JSON document.

    Raises:
        InventoryError: it is none.
    """
    try:
        return lenient_json.loads(text)
    except JsonError as error:
        raise InventoryError([_problem(name, error)]) from None


def parse_yaml(text: str, name: str, places: dict[Place, int] | None = None, rules: Rules = RULES) -> Any:
    """A YAML document; ``places`` is told in which line each of its parts stands.

    Raises:
        InventoryError: it is none, too deep, or its aliases stand for too much.
    """
    try:
        return bounded_yaml.document(text, rules, places)
    except YamlError as error:
        raise InventoryError([_problem(name, error)]) from None


@dataclass(frozen=True, slots=True)
class LocatedDocument:
    """A document with the lines in which its parts stand; a part without one stands where its container does.

    ``names`` are the lines in which names first stand, of a document whose parts carry no marks.
    """

    value: Any
    file: str
    lines: Mapping[Place, int] = field(default_factory=dict)
    names: Mapping[str, int] = field(default_factory=dict)

    def place(self, *path: str | int) -> str:
        """``file:line`` of a part."""
        for length in range(len(path), 0, -1):
            last = path[length - 1]
            if line := self.lines.get(path[:length]) or (self.names.get(last) if isinstance(last, str) else None):
                return f"{self.file}:{line}"
        return self.file


_JSON_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')


def lines_of_names(text: str) -> dict[str, int]:
    """The first line in which each string of a JSON text stands; those with escapes are not looked for."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        for one in _JSON_STRING.finditer(line):
            found.setdefault(one[1], number)
    return found


def parse_located(text: str, file: str, rules: Rules = RULES) -> LocatedDocument:
    """A document in JSON, if the file's name says so, else in YAML; ``!vault`` values are ``ENCRYPTED``.

    Of JSON, which has no marks, a part's line is the first one where its name stands.

    Raises:
        InventoryError: it is neither, too deep, or its aliases stand for too much.
    """
    if file.endswith(".json"):
        return LocatedDocument(parse_json(text, file), file, names=lines_of_names(text))
    places: dict[Place, int] = {}
    return LocatedDocument(parse_yaml(text, file, places, rules), file, places)


def _problem(name: str, error: YamlError | JsonError) -> str:
    return f"{name}:{error.line}: {error.problem}" if error.line else f"{name}: {error.problem}"
