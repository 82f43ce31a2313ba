"""Which variables parts of a shell's script set, wherever control goes in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.formats.shell.syntax import (
    AndOr,
    Arithmetic,
    ArithmeticPart,
    Case,
    For,
    Function,
    Group,
    If,
    Loop,
    Pipeline,
    Redirected,
    Sequence,
    Simple,
    Subshell,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.formats.shell.syntax import Statement

_SET = re.compile(
    r"([A-Za-z_]\w*)(?:\[[^\]]*\])?\s*(?:(?:[-+*/%&|^]|<<|>>)?=(?!=)|\+\+|--)|(?:\+\+|--)\s*([A-Za-z_]\w*)", re.ASCII
)
_DECLARING = frozenset({
    "read", "mapfile", "readarray", "getopts", "export", "readonly", "local", "declare", "typeset", "let", "unset",
})  # fmt: skip
_PLACING = frozenset({"set", "shift"})
"""Commands that set the positional parameters, which ``@`` stands for."""


def set_by_arithmetic(text: str) -> Iterator[str]:
    """The variables that an arithmetic expression sets."""
    yield from (name or other for name, other in _SET.findall(text))


def assigned(parts: Iterable[Statement | Sequence], functions: Mapping[str, Statement]) -> set[str]:
    """Every variable that these parts, with the functions that they call by name, may set."""
    found: set[str] = set()
    waiting: list[Statement | Sequence] = list(parts)
    called: set[str] = set()
    while waiting:
        match waiting.pop():
            case Simple() as simple:
                found |= _of_simple(simple)
                name = simple.words[0].literal if simple.words else None
                if name is not None and name in functions and name not in called:
                    called.add(name)
                    waiting.append(functions[name])
            case Arithmetic(text=text):
                found |= set(set_by_arithmetic(text))
            case For(name=name, body=body):
                found.add(name)
                waiting.append(body)
            case Function() | Subshell():
                continue  # what they set stays in them
            case other:
                waiting += _inside(other)
    return found


def _of_simple(simple: Simple) -> set[str]:
    found = {one.name for one in simple.assignments} if not simple.words else set()
    found |= {
        name
        for word in simple.words
        for part in word.parts
        if isinstance(part, ArithmeticPart)
        for name in set_by_arithmetic(part.text)
    }
    if simple.words and simple.words[0].literal in _PLACING:
        found.add("@")
    if simple.words and simple.words[0].literal in _DECLARING:
        texts = ("".join(getattr(part, "text", "") for part in word.parts) for word in simple.words[1:])
        found |= {name for text in texts if (name := text.partition("=")[0].rstrip("+-*/%")).isidentifier()}
    return found


def _inside(part: Statement | Sequence) -> list[Statement | Sequence]:
    match part:
        case Sequence(items=items):
            return [item.statement for item in items]
        case Group(body=body) | Redirected(body=body):
            return [body]
        case AndOr(first=first, rest=rest):
            return [first, *(one for _, one in rest)]
        case If(branches=branches, otherwise=otherwise):
            return [*(each for branch in branches for each in branch), *((otherwise,) if otherwise else ())]
        case Case(items=cases):
            return [item.body for item in cases]
        case Loop(condition=condition, body=body):
            return [condition, body]
        case Pipeline(parts=parts):
            return list(parts) if len(parts) == 1 else []
    return []
