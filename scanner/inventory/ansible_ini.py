"""Ansible's INI form of an inventory."""

from __future__ import annotations

import ast
import re
import shlex
from typing import TYPE_CHECKING, Any

from scanner.inventory.ansible_ranges import expand
from scanner.inventory.error import InventoryError
from scanner.inventory.inventory_file import lines

if TYPE_CHECKING:
    from scanner.inventory.ansible_groups import Inventory

_SECTION = re.compile(r"\[\s*([^:\]\s]+)(?::(\w+))?\s*\]\s*(?:[#;].*)?")
_PORT = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]|[^:]+):(?P<port>\d{1,5})")

MAX_LITERAL_CHARS = 10_000
"""Longer values stay text: interpreting them is work without a use here."""


def read_ini(inventory: Inventory, text: str, file: str) -> None:
    """Adds what the text says.

    Raises:
        InventoryError: naming every line that cannot be understood.
    """
    group, kind, problems = "ungrouped", "hosts", []
    for number, raw in enumerate(lines(text, file), start=1):
        line = raw.strip()
        if not line or line[0] in "#;":
            continue
        try:
            if line.startswith("[") and (section := _SECTION.fullmatch(line)):
                group, kind = section[1], section[2] or "hosts"
                _open_section(inventory, group, kind)
            else:
                _line(inventory, line, group, kind, f"{file}:{number}")
        except ValueError as error:
            problems.append(f"{file}:{number}: {error}")
    if problems:
        raise InventoryError(problems)


def _open_section(inventory: Inventory, group: str, kind: str) -> None:
    if kind not in {"hosts", "children", "vars"}:
        raise ValueError(f"section [{group}:{kind}] is neither :children nor :vars")
    inventory.group(group)


def _line(inventory: Inventory, line: str, group: str, kind: str, place: str) -> None:
    if kind == "children":
        child = line.split("#", maxsplit=1)[0].strip()
        inventory.group(child)
        inventory.group(group).children[child] = None
    elif kind == "vars":
        name, equals, value = line.partition("=")
        if not equals:
            raise ValueError(f"{line!r} is not name = value")
        inventory.group(group).variables[name.strip()] = _value(value.strip())
    else:
        _hosts(inventory, line, group, place)


def _hosts(inventory: Inventory, line: str, group: str, place: str) -> None:
    try:
        pattern, *words = shlex.split(line, comments=True)
    except ValueError as error:
        raise ValueError(f"{line!r} cannot be split: {error}") from None
    variables: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError(f"{word!r} is not name=value")
        variables[name] = _value(value)
    if port := _PORT.fullmatch(pattern):
        pattern = port["host"]
        variables.setdefault("ansible_port", int(port["port"]))
    for name in expand(pattern):
        inventory.add_host(name.strip("[]") if ":" in name else name, variables, place, group)


def _value(text: str) -> Any:
    """A Python literal if it is one, as Ansible reads INI values; else the text."""
    if len(text) > MAX_LITERAL_CHARS:
        return text
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text
