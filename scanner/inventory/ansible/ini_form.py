"""Ansible's INI form of an inventory."""

from __future__ import annotations

import ast
import re
import shlex
from typing import TYPE_CHECKING, Any

from scanner.domain.text import printable
from scanner.inventory.ansible.groups import VariableValue
from scanner.inventory.ansible.ranges import hosts_of
from scanner.inventory.error import InventoryError
from scanner.inventory.reading.inventory_file import lines

if TYPE_CHECKING:
    from scanner.inventory.ansible.groups import Groups

_SECTION = re.compile(r"\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?")
_GROUP_NAME = re.compile(r"([^:\]\s]+)\s*(?s:#.*)?")
_QUOTING = frozenset("'\"\\#")

_PLAIN = re.compile(r"[A-Za-z_/~][A-Za-z0-9_./~@:-]*|[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
"""What is no literal of Python, or one of ``_CONSTANTS``."""

_CONSTANTS = frozenset({"True", "False", "None"})

MAX_LITERAL_CHARS = 10_000
"""Longer values stay text: interpreting them is work without a use here."""

MAX_SHOWN_CHARS = 120
"""Of a name or line in a message."""

MAX_NAMED = 500_000
"""Hosts that the lines of one file name, each as often as it is named: the largest inventory in five groups."""


def read_ini(groups: Groups, text: str, file: str) -> None:
    """Adds what the text says; a line that names a host, but cannot be understood, costs this host.

    Raises:
        InventoryError: naming every line that leaves open who is meant.
    """
    reader = _Reader(groups, file)
    for number, raw in enumerate(lines(text, file), start=1):
        line = raw.strip()
        if line and line[0] not in "#;":
            reader.line(line, f"{file}:{number}")
    if reader.problems:
        raise InventoryError(reader.problems)


class _Reader:
    """Where in the text we are: in which section of which group."""

    def __init__(self, groups: Groups, file: str) -> None:
        self.problems: list[str] = []
        self._groups, self._file = groups, file
        self._group, self._kind = "ungrouped", "hosts"
        self._named = 0

    def line(self, line: str, place: str) -> None:
        if line.startswith("["):
            if section := _SECTION.fullmatch(line):
                self._open(section[1], section[2] or "hosts", place)
                return
            if line.endswith("]"):
                self.problems.append(f"{place}: {_shown(line)} is no section")
                return
        if self._kind == "hosts":
            self._hosts(line, place)
        elif self._kind == "vars":
            self._variable(line, place)
        elif self._kind == "children":
            self._child(line, place)

    def _open(self, group: str, kind: str, place: str) -> None:
        if kind not in {"hosts", "children", "vars"}:
            self.problems.append(f"{place}: section [{group}:{kind}] is neither :children nor :vars")
        self._groups.group(group)
        self._group, self._kind = group, kind

    def _child(self, line: str, place: str) -> None:
        found = _GROUP_NAME.fullmatch(line)
        if found is None:
            self.problems.append(f"{place}: {_shown(line)} is not the name of a group")
            return
        self._groups.group(found[1])
        self._groups.group(self._group).children[found[1]] = place

    def _variable(self, line: str, place: str) -> None:
        name, equals, value = line.partition("=")
        group = self._groups.group(self._group)
        if not equals:
            group.problem = group.problem or f"{place}: {_shown(line)} is not name = value"
            return
        name = name.strip()
        self._groups.note_variable(group, name, _value(name, value.strip(), self._groups.kept), place)

    def _hosts(self, line: str, place: str) -> None:
        """The hosts of one line; what cannot be understood costs these."""
        pattern = line.split(maxsplit=1)[0]
        try:
            pattern, *words = _words(line)
            variables = _assignments(words, place, self._groups.kept)
            names, port = hosts_of(pattern)
            if pattern.endswith(":") or pattern == "---":
                raise ValueError(f"{_shown(pattern)} is no host")  # noqa: TRY301 -- told with its place below
        except ValueError as error:
            member = self._groups.add_host(pattern, place, self._group)
            member.problem = member.problem or f"{place}: host {printable(pattern, MAX_SHOWN_CHARS)}: {error}"
            return
        self._named += len(names)
        if self._named > MAX_NAMED:
            raise InventoryError([f"{place}: the lines up to here name hosts more than {MAX_NAMED} times"])
        for name in names:
            self._groups.add_host(name, place, self._group, port).variables.update(variables)


def _words(line: str) -> list[str]:
    """The words as a shell has them."""
    if _QUOTING.isdisjoint(line):
        return line.split()
    try:
        return shlex.split(line, comments=True)
    except ValueError as error:
        raise ValueError(f"{_shown(line)} cannot be split: {error}") from None


def _assignments(words: list[str], place: str, kept: frozenset[str]) -> dict[str, VariableValue]:
    variables = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"{_shown(word)} is not name=value")
        if name in kept:
            variables[name] = VariableValue(_value(name, value, kept), place)
    return variables


def _shown(text: str) -> str:
    return repr(printable(text, MAX_SHOWN_CHARS))


def _value(name: str, text: str, kept: frozenset[str]) -> Any:
    """A Python literal if it is one, as Ansible reads INI values; else the text. What is not kept is not interpreted."""
    if len(text) > MAX_LITERAL_CHARS or (name not in kept and not name.startswith("ansible_group")):
        return text
    if _PLAIN.fullmatch(text) and text not in _CONSTANTS:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text
