"""Arithmetic of shells over integers that are known."""

from __future__ import annotations

import operator
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_TOKENS = 64
"""Of one expression; hand-written ones have five."""

_BITS = 64
_TOKEN = re.compile(
    r"\s*(?:(0[xX][0-9a-fA-F]+|\d+)|\$\{([A-Za-z_]\w*)\}|\$?([A-Za-z_]\w*)|(&&|\|\||[<>=!]=|[-+*/%<>()!~&|^?:]))\s*",
    re.ASCII,
)


class _NotKnownError(Exception):
    """The value is not known, or the expression not understood."""


def _divided(a: int, b: int) -> int:
    if b == 0:
        raise _NotKnownError
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


_LEVELS: tuple[dict[str, Callable[[int, int], int]], ...] = (
    {"||": lambda a, b: int(bool(a or b))},
    {"&&": lambda a, b: int(bool(a and b))},
    {"|": operator.or_},
    {"^": operator.xor},
    {"&": operator.and_},
    {"==": lambda a, b: int(a == b), "!=": lambda a, b: int(a != b)},
    {
        "<": lambda a, b: int(a < b), ">": lambda a, b: int(a > b), "<=": lambda a, b: int(a <= b),
        ">=": lambda a, b: int(a >= b),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": _divided, "%": lambda a, b: a - b * _divided(a, b)},
)  # fmt: skip


def names(text: str) -> set[str]:
    """The variables that an expression may read."""
    return set(re.findall(r"(?<![0-9A-Za-z_])[A-Za-z_]\w*", text, re.ASCII))


def assigns(text: str) -> bool:
    """Whether an expression changes a variable."""
    return re.search(r"(?<![<>=!])=(?!=)|<<=|>>=|\+\+|--", text) is not None


_SETS = re.compile(r"\s*([A-Za-z_]\w*)\s*([-+*/%]?)=(?!=)(.*)", re.ASCII | re.DOTALL)
_STEPS = re.compile(r"\s*(?:([A-Za-z_]\w*)\s*(\+\+|--)|(\+\+|--)\s*([A-Za-z_]\w*))\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Assigned:
    """What an expression that only sets one variable does: the name, its new value, what the whole comes to."""

    name: str
    value: int
    result: int


def assigned(text: str, variable: Callable[[str], str | None]) -> Assigned | None:
    """``name = expression``, ``name += expression``, ``name++``; ``None`` for any other or where it is not known."""
    if stepped := _STEPS.fullmatch(text):
        name, sign = stepped[1] or stepped[4], stepped[2] or stepped[3]
        before = value(name, variable)
        if before is None:
            return None
        after = before + (1 if sign == "++" else -1)
        return Assigned(name, after, before if stepped[1] else after)
    matched = _SETS.fullmatch(text)
    if matched is None or assigns(matched[3]):
        return None
    found = value(f"{matched[1]} {matched[2]} ({matched[3]})" if matched[2] else matched[3], variable)
    return None if found is None else Assigned(matched[1], found, found)


def value(text: str, variable: Callable[[str], str | None]) -> int | None:
    """The value of an expression, ``None`` where it is not known."""
    tokens: list[str] = []
    at = 0
    while at < len(text):
        matched = _TOKEN.match(text, at)
        if matched is None or len(tokens) >= MAX_TOKENS:
            return None
        tokens.append(matched[matched.lastindex or 0])
        at = matched.end()
    try:
        found, left = _level(tokens, 0, variable)
    except _NotKnownError:
        return None
    return found if not left and abs(found) < 1 << (_BITS - 1) else None


def _level(tokens: list[str], level: int, variable: Callable[[str], str | None]) -> tuple[int, list[str]]:
    """One level of precedence; parentheses nest at most as deep as there are tokens."""
    if level == len(_LEVELS):
        return _atom(tokens, variable)
    found, tokens = _level(tokens, level + 1, variable)
    while tokens and tokens[0] in _LEVELS[level]:
        apply = _LEVELS[level][tokens[0]]
        other, tokens = _level(tokens[1:], level + 1, variable)
        found = apply(found, other)
        if abs(found) >> _BITS:
            raise _NotKnownError
    return found, tokens


def _atom(tokens: list[str], variable: Callable[[str], str | None]) -> tuple[int, list[str]]:
    if not tokens:
        raise _NotKnownError
    head, rest = tokens[0], tokens[1:]
    if head == "(":
        found, rest = _level(rest, 0, variable)
        if not rest or rest[0] != ")":
            raise _NotKnownError
        return found, rest[1:]
    if head in {"!", "-", "+", "~"}:
        found, rest = _atom(rest, variable)
        return {"!": int(not found), "-": -found, "+": found, "~": ~found}[head], rest
    if head[0].isdigit():
        return _number(head), rest
    if head[0].isalpha() or head[0] == "_":
        return _number(variable(head) or "0"), rest
    raise _NotKnownError


def _number(text: str) -> int:
    """A number as C writes it: decimal, octal behind a zero, hexadecimal behind ``0x``."""
    if re.fullmatch(r"-?0[0-7]{1,18}", text.strip(), re.ASCII):
        return int(text, 8)
    if re.fullmatch(r"-?0[xX][0-9a-fA-F]{1,15}", text.strip(), re.ASCII):
        return int(text, 16)
    if not re.fullmatch(r"-?(?:0|[1-9]\d{0,17})", text.strip(), re.ASCII):
        raise _NotKnownError
    return int(text)


_STEP_BEHIND = re.compile(r"\w\s*(?:\+\+|--)(?!\s*[\w(+-])", re.ASCII)


def steps_behind(text: str) -> bool:
    """Whether it has an ``i++``, an error to dash, which reads ``++i`` as a sign twice."""
    return _STEP_BEHIND.search(text) is not None
