"""Reads a plain YAML scalar: by YAML 1.1 as most tools do, by YAML 1.2's core schema in our own files."""

from __future__ import annotations

import math
import re
from datetime import date
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


_GO_WORDS = (
    dict.fromkeys(("", "~", "null", "Null", "NULL"), None)
    | dict.fromkeys(("true", "True", "TRUE"), True)
    | dict.fromkeys(("false", "False", "FALSE"), False)
    | {f"{sign}{word}": float(f"{sign}inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")}
    | dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan"))
)
_GO_V2_BOOLS = (
    dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True)
    | dict.fromkeys(("n", "N", "no", "No", "NO", "off", "Off", "OFF"), False)
)  # fmt: skip
_GO_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[bB](?P<two>[01]+)|0[xX](?P<sixteen>[0-9a-fA-F]+)|0[oO]?(?P<eight>[0-7]+)|(?P<ten>0|[1-9][0-9]*))",
    re.ASCII,
)
_GO_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", re.ASCII)


_GO_DATE = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})(?:(?:[Tt]| )[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:\.[0-9]+)?(?:Z|[-+][0-9]{2}:[0-9]{2})?)?",
    re.ASCII,
)
"""Such a text is a moment; only its day is kept, since nobody takes one where a plan says something."""


def yaml11(text: str) -> Any:
    """The value as PyYAML reads it, except that dates stay text.

    Raises:
        ValueError: a number of more than ``MAX_NUMBER_CHARS`` characters.
    """
    for kind, form in _RESOLVERS.get(text[:1], ()):
        if form.match(text):
            return _made(kind, text)
    return text


def go_yaml(text: str) -> Any:
    """The value as Go's yaml.v3 has it, which Compose reads with: ``yes`` is text, ``010`` is 8, a date is a date.

    Raises:
        ValueError: a number of more than ``MAX_NUMBER_CHARS`` characters.
    """
    if text in _GO_WORDS:
        return _GO_WORDS[text]
    if not text or text[0] not in "+-.0123456789" or not text.isascii():
        return text
    plain = text.replace("_", "")
    if form := _GO_INTEGER.fullmatch(plain):
        if len(plain) > MAX_NUMBER_CHARS:
            raise ValueError(f"has a number of more than {MAX_NUMBER_CHARS} characters")
        base = next((base for base, group in ((2, "two"), (8, "eight"), (16, "sixteen")) if form[group]), 10)
        value = int(f"{form['sign']}{form['two'] or form['eight'] or form['sixteen'] or form['ten']}", base)
        if -(1 << 63) <= value < 1 << 64:
            return value
    if _GO_FLOAT.fullmatch(plain):
        return text if math.isinf(float(plain)) else float(plain)
    return _date(form, text) if (form := _GO_DATE.fullmatch(text)) else text


def go_yaml_v2(text: str) -> Any:
    """The value as Go's yaml.v2 has it, with which Kubernetes' tools and ``docker stack`` read: ``y`` is true, a date is text.

    Raises:
        ValueError: as for ``go_yaml``.
    """
    if text in _GO_V2_BOOLS:
        return _GO_V2_BOOLS[text]
    value = go_yaml(text)
    return text if isinstance(value, date) else value


def _date(form: re.Match[str], text: str) -> Any:
    try:
        return date(int(form[1]), int(form[2]), int(form[3]))
    except ValueError:
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
