"""What a plain YAML scalar means: YAML 1.1 as most tools read it, YAML 1.2's core schema for our own files."""

from __future__ import annotations

import re
from typing import Any

import yaml

MAX_NUMBER_CHARS = 100
"""Longer numbers cost quadratic time (``1:1:1...`` is sexagesimal); nothing that we read counts so far."""

_BOOLS = {"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False}
_PREFIX = "tag:yaml.org,2002:"
_RESOLVERS: dict[Any, list[tuple[str, re.Pattern[str]]]] = {
    first: [
        (tag.removeprefix(_PREFIX), form)
        for tag, form in resolvers
        if tag.removeprefix(_PREFIX) in {"bool", "float", "int", "null"}
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
"""PyYAML's own patterns, by first character. Dates stay text: nobody here counts days; ``=`` stays text, too."""

_CORE = (
    (re.compile(r"~|null|Null|NULL|"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})"), int),
    (re.compile(r"[-+]?[0-9]{1,17}\.[0-9]{1,17}"), float),
)
"""YAML 1.2's core schema: ``no`` and ``22:30`` stay text instead of turning into false and 1350."""


def yaml11(text: str) -> Any:
    """The value as PyYAML reads it, except that dates stay text.

    Raises:
        ValueError: a number of more than ``MAX_NUMBER_CHARS`` characters.
    """
    for kind, form in _RESOLVERS.get(text[:1], ()):
        if form.match(text):
            return _made(kind, text)
    return text


def core(text: str) -> Any:
    """The value as YAML 1.2's core schema has it."""
    if not text.isascii():
        return text
    return next((make(text) for form, make in _CORE if form.fullmatch(text)), text)


def tagged(kind: str, text: str) -> Any:
    """The value of a scalar with a standard tag, such as ``!!str``.

    Raises:
        ValueError: the text is none of the tag's, or nothing here reads such a tag.
    """
    if kind in {"str", "timestamp"}:
        return text
    if kind not in {"bool", "float", "int", "null"}:
        raise ValueError("has a tag that is not read here")
    try:
        return _made(kind, text)
    except (ValueError, KeyError, OverflowError):
        raise ValueError(f"has a scalar that is no {kind}, though its tag says so") from None


def _made(kind: str, text: str) -> Any:
    if kind == "null":
        return None
    if kind == "bool":
        return _BOOLS[text.lower()]
    if len(text) > MAX_NUMBER_CHARS:
        raise ValueError(f"has a number of more than {MAX_NUMBER_CHARS} characters")
    plain = text.replace("_", "").lower()
    sign, digits = (-1, plain[1:]) if plain.startswith("-") else (1, plain.removeprefix("+"))
    return sign * (_integer(digits) if kind == "int" else _number(digits))


def _integer(digits: str) -> int:
    if ":" in digits:
        return int(_sexagesimal([int(part) for part in digits.split(":")]))
    if digits.startswith("0b"):
        return int(digits[2:] or "0", 2)
    if digits.startswith("0x"):
        return int(digits[2:] or "0", 16)
    return int(digits, 8 if digits.startswith("0") else 10)


def _number(digits: str) -> float:
    if digits in {".inf", ".nan"}:
        return float(digits[1:])
    return float(_sexagesimal([float(part) for part in digits.split(":")])) if ":" in digits else float(digits)


def _sexagesimal(parts: list[Any]) -> Any:
    value: Any = 0
    for part in parts:
        value = value * 60 + part
    return value
