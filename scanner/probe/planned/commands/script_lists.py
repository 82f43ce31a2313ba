"""What a shell's script makes of all elements of an array, or of all parameters, by ``${@:2}`` with its like."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.probe.planned.commands import script_operators
from scanner.probe.planned.commands.script_shell import MANY, may_be_several

if TYPE_CHECKING:
    from scanner.formats.shell.syntax import Parameter
    from scanner.probe.planned.commands.script_operators import Words
    from scanner.probe.planned.commands.script_shell import Shell

_BOUNDS = re.compile(r"\s*(-?\d{1,4})\s*(?::\s*(\d{1,4})\s*)?", re.ASCII)


def elements(part: Parameter, shell: Shell) -> list[str] | None:
    """The words of ``$@``, or of all elements of an array, whatever is made of them; none where a part is none of these."""
    if part.indirect or "@" not in {part.name, part.subscript}:
        return None
    if part.name == "@":
        return [MANY] if shell.parameters is None else list(shell.parameters[1:])
    if part.name in shell.arrays:
        return list(shell.arrays[part.name])
    text = shell.texts.get(part.name)
    return [text] if text is not None else [] if shell.is_unset(part.name) else [MANY]


def changed(part: Parameter, found: list[str], shell: Shell, words: Words) -> list[str] | None:
    """The words behind the operator; none where it is not understood."""
    if any(map(may_be_several, found)):
        return [MANY]
    if part.operator != ":":
        return [script_operators.changed(replace(part, name="element"), one, words) for one in found]
    bounds = _BOUNDS.fullmatch(words.operand(part.word))
    if bounds is None:
        return None
    first = 1 if part.name == "@" else 0
    whole = [*(shell.parameters or ("",))[:first], *found]
    start = int(bounds[1])
    if start < 0:
        start += len(whole)
    left = whole[start:] if start >= 0 else []
    return left if bounds[2] is None else left[: int(bounds[2])]
