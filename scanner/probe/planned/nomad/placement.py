"""Which clients a Nomad job is for, by its constraints."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.domain.plan import Placement, Requirement
from scanner.domain.platform import uname
from scanner.domain.platform.platform import KNOWN_ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Iterable

_MACHINE = "attr.kernel.arch"
"""What ``uname -m`` says, where ``attr.cpu.arch`` is Go's name."""

_KEYS = {
    "attr.cpu.arch": "arch",
    _MACHINE: "arch",
    "attr.kernel.name": "os",
    "node.unique.name": "host",
    "attr.unique.hostname": "host",
}
_REFERENCE = re.compile(r"\$\{([^{}]+)\}")
_PLAIN_PATTERN = re.compile(r"(?:[\w|^$()-]|\.[*+]?)+", re.ASCII)
"""A pattern without repetition but that of any sign: Go and Python mean the same by it, at the same low price."""

MAX_PATTERN_CHARS = 200
"""Of a pattern that is tried on architectures: people write two or three names."""

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
    if (
        not _REFERENCE.fullmatch(attribute.strip())
        and _REFERENCE.fullmatch(value.strip())
        and operator in _IS | _IS_NOT
    ):
        attribute, value = value, attribute
    named = _REFERENCE.fullmatch(attribute.strip())
    name = named[1].strip() if named else attribute
    key = _KEYS.get(name) or f"label:{name.removeprefix('meta.')}"
    if operator in _IS:
        return Requirement(key, "In", (_word(name, value),))
    if operator in _IS_NOT:
        return Requirement(key, "NotIn", (_word(name, value),))
    if operator == "is_set":
        return Requirement(key, "Exists")
    if operator == "is_not_set":
        return Requirement(key, "DoesNotExist")
    if operator == "set_contains_any":
        return Requirement(key, "In", tuple(_word(name, word.strip()) for word in value.split(",")))
    matching = _matching(value) if operator == "regexp" and key == "arch" and name != _MACHINE else None
    if matching is not None:
        return Requirement(key, "In", matching)
    return Requirement(f"label:{name} {operator}", "In", (value,))  # nobody here compares so


def _word(name: str, value: str) -> str:
    """What is compared, where it is a machine's name that of its architecture."""
    if name != _MACHINE:
        return value
    platform = uname.from_uname("Linux", value).platform
    return platform.architecture if platform else value


def _matching(pattern: str) -> tuple[str, ...] | None:
    """The architectures that a pattern is found in; none where it is not tried."""
    if len(pattern) > MAX_PATTERN_CHARS or not _PLAIN_PATTERN.fullmatch(pattern):
        return None
    try:
        tried = re.compile(pattern, re.ASCII)
    except re.error:
        return None
    return tuple(sorted(name for name in KNOWN_ARCHITECTURES if tried.search(name)))
