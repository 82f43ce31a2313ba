"""Tells what env prints to a grep that looks for one variable."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.binary.program.shell.expand import Expander
from scanner.binary.program.shell.frames import LeaveSubshell, NextPart
from scanner.binary.program.shell.state import is_known
from scanner.formats.shell.syntax import Simple

if TYPE_CHECKING:
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State

_WANTED = re.compile(r"\^([A-Za-z_]\w*)=", re.ASCII)

_GIVEN = frozenset({"HOME", "HOSTNAME", "OLDPWD", "PATH", "PWD", "SHLVL", "TERM", "USER", "_", "container"})
"""Variables that engines and shells set by themselves, each on one line."""


def printed(machine: Machine, state: State, words: tuple[str, ...]) -> str | None:
    """The line of a variable that the next part of a pipeline lets pass; in which order all come nobody knows.

    ``None`` where that is not all it would let pass, or nobody can tell.
    """
    if words not in {("env",), ("/usr/bin/env",), ("printenv",), ("/usr/bin/printenv",)} or not state.env_known:
        return None
    name = _asked_by_grep(machine, state)
    if not name or name in _GIVEN or not all(_is_one_line(state, each) for each in state.exported - _GIVEN):
        return None
    value = state.value(name) if name in state.exported else None
    return "" if value is None else f"{name}={value}\n"


def _is_one_line(state: State, name: str) -> bool:
    value = state.value(name)
    return value is None or (is_known(value) and "\n" not in value)


def _asked_by_grep(machine: Machine, state: State) -> str:
    """The variable whose line alone the next part of a pipeline lets pass; empty where it is no such part."""
    stack = state.stack
    if not isinstance(stack.frame, LeaveSubshell) or not stack.frame.piped or stack.below is None:
        return ""
    frame = stack.below.frame
    part = frame.parts[frame.at] if isinstance(frame, NextPart) else None
    if not isinstance(part, Simple) or part.redirects or part.assignments or len(part.words) < 2:  # noqa: PLR2004 - grep and what it looks for
        return ""
    first, *options = [word.literal for word in part.words[:-1]]
    if first != "grep" or any(option not in {"-E", "-e"} for option in options):
        return ""
    found = _WANTED.fullmatch(Expander(machine, state).text(part.words[-1]))
    return found[1] if found else ""
