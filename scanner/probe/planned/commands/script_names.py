"""Which variables parts of a shell's script set, wherever control goes in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.formats.shell.syntax import (
    AndOr,
    Arithmetic,
    ArithmeticPart,
    Case,
    Conditional,
    For,
    Function,
    Group,
    If,
    Loop,
    Parameter,
    Pipeline,
    Redirected,
    Sequence,
    Simple,
    Subshell,
    Word,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.formats.shell.syntax import Statement

_SET = re.compile(
    r"(?<!\w)[0-9]*+([A-Za-z_]\w*+)(?:\[[^\]]*\])?\s*+(?:(?:[-+*/%&|^]|<<|>>)?=(?!=)|\+\+|--)|(?:\+\+|--)\s*([A-Za-z_]\w*)",
    re.ASCII,
)
MAX_ARITHMETIC_CHARS = 1024
"""Of an expression that is looked through for what it sets; a longer one, whose brackets may stay open, sets anything."""

_DECLARING = frozenset({
    "read", "mapfile", "readarray", "getopts", "export", "readonly", "local", "declare", "typeset", "let", "unset", "printf",
})  # fmt: skip
_WITH_OWN = frozenset({"read", "mapfile", "readarray", "getopts", "let", "printf"})
"""Of these, those to which a variable in front belongs alone: ``IFS= read``."""

_LEADING = frozenset({"command", "builtin"})
_ANYTHING = frozenset({"eval", ".", "source"})
"""Commands that may set whatever there is."""

_BESIDE = {
    **dict.fromkeys(("cd", "pushd", "popd"), frozenset({"PWD", "OLDPWD"})), "read": frozenset({"REPLY"}),
    **dict.fromkeys(("mapfile", "readarray"), frozenset({"MAPFILE"})), "getopts": frozenset({"OPTARG", "OPTIND", "OPTIND[letter]"}),
}  # fmt: skip
"""What commands set that their words do not name."""

_SET_NAME = re.compile(r"(\w+)(?:(?:\[[^\]]*\])?[-+*/%]?=.*)?", re.DOTALL)
_PLACING = frozenset({"set", "shift"})
"""Commands that set the positional parameters, which ``@`` stands for."""


def set_by_arithmetic(text: str) -> Iterator[str]:
    """The variables that an arithmetic expression sets; ``*`` for everything."""
    if len(text) > MAX_ARITHMETIC_CHARS:
        yield "*"
        return
    yield from (name or other for name, other in _SET.findall(text))


def assigned(parts: Iterable[Statement | Sequence], functions: Mapping[str, Statement]) -> set[str]:
    """Every variable that these parts, with the functions that they call, may set.

    ``@`` are the positional parameters, ``*`` is everything.
    """
    found: set[str] = set()
    waiting: list[Statement | Sequence] = list(parts)
    called: set[str] = set()
    while waiting:
        match waiting.pop():
            case Simple() as simple:
                found |= _of_simple(simple)
                name = simple.words[0].literal if simple.words else ""
                for one in {name} & functions.keys() if name is not None else functions.keys():
                    waiting += [functions[one]] if one not in called else []
                    called.add(one)
            case Arithmetic(text=text):
                found |= set(set_by_arithmetic(text))
            case Conditional(tokens=tokens):
                found |= _by_words(token for token in tokens if isinstance(token, Word))
                found.add("BASH_REMATCH")
            case For(name=name, words=words, body=body):
                found |= {name, *_by_words(words or ())}
                waiting.append(body)
            case Case(subject=subject, items=cases):
                found |= _by_words((subject, *(pattern for item in cases for pattern in item.patterns)))
                waiting += [item.body for item in cases]
            case Function() | Subshell():
                continue  # what they set stays in them
            case other:
                waiting += _inside(other)
    return found


def defined(parts: Iterable[Statement | Sequence]) -> Iterator[Function]:
    """Every function that these parts may define."""
    waiting: list[Statement | Sequence] = list(parts)
    while waiting:
        match waiting.pop():
            case Function() as function:
                yield function
            case For(body=body):
                waiting.append(body)
            case Case(items=cases):
                waiting += [item.body for item in cases]
            case Subshell():
                continue  # what they define stays in them
            case other:
                waiting += _inside(other)


def _of_simple(simple: Simple) -> set[str]:
    is_kept = not simple.words or simple.words[0].literal in _DECLARING - _WITH_OWN  # local images=(a b)
    found = {one.name for one in simple.assignments} if is_kept else set()
    values = [word for one in simple.assignments for word in (one.value, *(one.elements or ())) if word is not None]
    found |= _by_words((*simple.words, *values, *(one.target for one in simple.redirects if one.target)))
    words = list(simple.words)
    while words[1:] and words[0].literal in _LEADING:
        del words[0]
    name = words[0].literal if words else None
    if name == "printf":
        words = words[:1] + words[2:3] if words[1:2] and words[1].literal == "-v" else words[:1]
    if name in _ANYTHING:
        found.add("*")
    if name in _PLACING:
        found.add("@")
    if name in _DECLARING:
        texts = ["".join(getattr(part, "text", "") for part in word.parts) for word in words[1:]]
        found |= {named[1] for text in texts if (named := _SET_NAME.fullmatch(text)) and named[1].isidentifier()}
        if any(word.literal is None and word.parts[:1] != () and not _begins_with_a_name(word) for word in words[1:]):
            found.add("*")
    return found | _BESIDE.get(name or "", frozenset())


def _begins_with_a_name(word: Word) -> bool:
    """Whether what a word declares is told by its beginning, as by ``name=$value``, or is an option or a place."""
    text = getattr(word.parts[0], "text", "")
    return "=" in text or text.startswith("-")


def _by_words(words: Iterable[Word]) -> set[str]:
    """What is set by putting words together: ``${name:=word}``, ``$((name=1))``."""
    found: set[str] = set()
    waiting = list(words)
    while waiting:
        for part in waiting.pop().parts:
            if isinstance(part, ArithmeticPart):
                found |= set(set_by_arithmetic(part.text))
            if isinstance(part, Parameter):
                found |= {part.name} if part.operator in {"=", ":="} else set()
                waiting += [word for word in (part.word, part.replacement) if word is not None]
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
        case Loop(condition=condition, body=body):
            return [condition, body]
        case Pipeline(parts=parts):
            return list(parts[-1:])  # of several the last one changes something where bash is asked to (lastpipe)
    return []
