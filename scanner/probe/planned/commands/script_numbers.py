"""Arithmetic of a shell's script, over the variables that it sets itself."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

from scanner.formats.shell import arithmetic, grammar
from scanner.formats.shell.syntax import Item, NotUnderstood, Sequence
from scanner.probe.planned.commands import script_names
from scanner.probe.planned.unknown_text import UNKNOWN, is_known

if TYPE_CHECKING:
    from scanner.probe.planned.commands.script_shell import Shell

_SPECIAL = re.compile(r"\$(?:(\d|#)|\{(\d+|#)\})", re.ASCII)
_NO_NUMBER = "?"
"""Stands for what is no number yet: it makes the whole unknown."""


def calculated(shell: Shell, text: str) -> str:
    """What an expression comes to; a variable that it sets is set, or forgotten where its value is not known."""
    text = _SPECIAL.sub(lambda found: _special(shell, found[1] or found[2]), text)

    def variable(name: str) -> str | None:
        known = shell.texts.get(name)
        if known is None:
            return None if shell.is_unset(name) else _NO_NUMBER
        return known if is_known(known) and name not in shell.arrays else _NO_NUMBER

    if not arithmetic.assigns(text):
        found = arithmetic.value(text, variable)
        return UNKNOWN if found is None else str(found)
    done = arithmetic.assigned(text, variable)
    if done is None:
        shell.forget(script_names.set_by_arithmetic(text))
        return UNKNOWN
    shell.put(done.name, str(done.value))
    return str(done.result)


@functools.lru_cache(maxsize=256)
def commands_in(text: str) -> tuple[Sequence, ...]:
    """What a shell runs to put an expression together."""
    if "`" not in text and "$(" not in text:
        return ()
    found = grammar.parse(f': "{text.strip()}"'.encode("utf-8", "surrogateescape"))
    return (Sequence((Item(found),)) if isinstance(found, NotUnderstood) else found,)


def stated(shell: Shell, text: str) -> None:
    """Do what ``((expression))`` and ``let`` say, which dash takes for other commands."""
    if shell.is_bash:
        calculated(shell, text)
    else:
        shell.forget(script_names.set_by_arithmetic(text))


def _special(shell: Shell, name: str) -> str:
    value = shell.count if name == "#" else shell.positional(name)
    if value is None:
        return "" if shell.is_unset(name) else UNKNOWN
    return value if value.isdigit() else UNKNOWN
