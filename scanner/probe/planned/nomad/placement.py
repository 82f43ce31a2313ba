"""Which clients a Nomad job is for, by its constraints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.domain.plan import Placement, Requirement

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEYS = {
    "attr.cpu.arch": "arch",
    "attr.kernel.name": "os",
    "node.unique.name": "host",
    "attr.unique.hostname": "host",
}
_REFERENCE = re.compile(r"\$\{\s*([^{}]+?)\s*\}")
_WORDS = re.compile(r"\^?\(?(\w+(?:\|\w+)*)\)?\$?", re.ASCII)
"""A pattern that is nothing but words to choose from."""

_IS = frozenset({"", "=", "==", "is"})
_IS_NOT = frozenset({"!=", "not"})
_WITHOUT_HOST = frozenset({"distinct_hosts", "distinct_property"})
"""Constraints on how allocations lie beside each other, not on any one client."""

Constraint = tuple[str, str, str]
"""What is asked about, the operator, the value."""


def placement(constraints: Iterable[Constraint]) -> Placement | None:
    """All of them together; ``None`` where nothing is asked."""
    found = tuple(_requirement(*one) for one in constraints if one[1] not in _WITHOUT_HOST)
    return Placement((found,)) if found else None


def _requirement(attribute: str, operator: str, value: str) -> Requirement:
    named = _REFERENCE.fullmatch(attribute.strip())
    name = named[1] if named else attribute
    key = _KEYS.get(name) or f"label:{name.removeprefix('meta.')}"
    if operator in _IS:
        return Requirement(key, "In", (value,))
    if operator in _IS_NOT:
        return Requirement(key, "NotIn", (value,))
    if operator == "is_set":
        return Requirement(key, "Exists")
    if operator == "is_not_set":
        return Requirement(key, "DoesNotExist")
    if operator == "set_contains_any":
        return Requirement(key, "In", tuple(word.strip() for word in value.split(",")))
    words = _WORDS.fullmatch(value)
    if operator == "regexp" and key in ("arch", "os") and words and value.startswith("^") and value.endswith("$"):
        return Requirement(key, "In", tuple(words[1].split("|")))
    return Requirement(f"label:{name} {operator}", "In", (value,))  # nobody here compares so
