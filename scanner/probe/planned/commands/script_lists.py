"""What a shell's script makes of all elements of an array, or of all parameters, by ``${@:2}`` with its like."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.formats.shell.syntax import Glob, Literal
from scanner.probe.planned.commands import script_operators
from scanner.probe.planned.commands.script_shell import MANY, may_be_several
from scanner.probe.planned.unknown_text import UNKNOWN

if TYPE_CHECKING:
    from scanner.formats.shell.syntax import Assignment, Parameter, Word
    from scanner.probe.planned.commands.script_operators import Words
    from scanner.probe.planned.commands.script_shell import Shell

INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
"""A subscript that is one number for every reader: an octal one is not."""

OPEN_LIST = (MANY, MANY)
"""Stands for a list of which nobody knows how long it is: more than one word, so that none behind it is where it seems to be."""

_BOUNDS = re.compile(r"\s*(-?\d{1,4})\s*(?::\s*(\d{1,4})\s*)?", re.ASCII)


def elements(part: Parameter, shell: Shell) -> list[str] | None:
    """The words of ``$@``, or of all elements of an array, whatever is made of them; none where a part is none of these."""
    signs = {"@"} if part.quoted else {"@", "*"}
    if part.indirect or signs.isdisjoint((part.name, part.subscript)):
        return None
    if part.name in {"@", "*"}:
        given = OPEN_LIST if shell.parameters is None else shell.parameters[1:]
        return [word for one in given for word in (OPEN_LIST if MANY in one else (one,))]
    if part.name in shell.arrays:
        return list(shell.arrays[part.name])
    text = shell.texts.get(part.name)
    if text is None or text == UNKNOWN:
        return [] if text is None and shell.is_unset(part.name) else [*OPEN_LIST]
    return [text]


def element(part: Parameter, shell: Shell) -> tuple[str | None, bool]:
    """An element of an array by its number, none where it is not known; then whether it surely is not set.

    A variable that is no array is the first element of one.
    """
    if not part.subscript or not INDEX.fullmatch(part.subscript):
        return None, False
    at, text = int(part.subscript), shell.texts.get(part.name)
    if part.name not in shell.arrays and text == UNKNOWN:
        return None, False
    found = shell.arrays.get(part.name, () if text is None else (text,))
    if any(map(may_be_several, found[: at + 1])):
        return None, False
    is_known = text is not None or shell.is_unset(part.name)
    return (found[at], False) if at < len(found) else (None, is_known)


def put_element(shell: Shell, one: Assignment, text: str) -> None:
    """Set an element of an array that has those before it; of any other nobody knows then what it holds."""
    is_new = one.name not in shell.texts and shell.is_unset(one.name)
    found = list(shell.arrays.get(one.name, ()))
    at = int(one.subscript) if one.subscript and INDEX.fullmatch(one.subscript) else len(found) + 1
    is_open = at > len(found) or any(map(may_be_several, found[: at + 1]))
    if one.append or is_open or not (is_new or one.name in shell.arrays):
        shell.put(one.name, UNKNOWN)
        return
    found[at : at + 1] = [text]
    shell.put_array(one.name, tuple(found))


def is_placed(word: Word) -> bool:
    """Whether an element of an array says where it stands: ``[1]=x``, ``[web]=x``."""
    first = word.parts[0] if word.parts else None
    return isinstance(first, Literal | Glob) and not getattr(first, "quoted", False) and first.text[:1] == "["


def changed(part: Parameter, found: list[str], shell: Shell, words: Words) -> list[str] | None:
    """The words behind the operator; none where it is not understood."""
    if any(map(may_be_several, found)):
        return [*OPEN_LIST]
    if part.operator != ":":
        return [script_operators.changed(replace(part, name="element"), one, words) for one in found]
    bounds = _BOUNDS.fullmatch(words.operand(part.word))
    are_parameters = part.name in {"@", "*"}
    if bounds is None or not (are_parameters or part.name in shell.arrays):
        return None
    first = 1 if are_parameters else 0
    whole = [*(shell.parameters or ("",))[:first], *found]
    start = int(bounds[1])
    if start < 0:
        start += len(whole)
    left = whole[start:] if start >= 0 else []
    return left if bounds[2] is None else left[: int(bounds[2])]
