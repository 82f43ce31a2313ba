"""What a shell lets the programs below it do: modes of new files, limits of the kernel's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell.state import AtRunTimeError, ShellKind, is_known

if TYPE_CHECKING:
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Simple

_USAGE = 2

_UMASK = re.compile(r"[0-7]{1,9}|[ugoa]*[-+=][rwxXstugo]*(?:,[ugoa]*[-+=][rwxXstugo]*)*", re.ASCII)
_MAX_UMASK = 0o777
"""Busybox refuses what lies above; dash and bash take it."""


def umask(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """The mask of new files' modes, which decides nothing but whether it is taken."""
    operands = [word for word in words[1:] if word not in {"-S", "-p", "--"}]
    if not operands:
        return machine.done(state.printed(UNKNOWN).with_status(0))
    mask = operands[0]
    if not is_known(mask):
        return machine.done(state.with_status(None))
    if _UMASK.fullmatch(mask):
        is_high = mask.isdigit() and int(mask, 8) > _MAX_UMASK
        return machine.done(state.with_status(None if is_high else 0))
    return machine.failed(state, failure(machine), f"line {node.line}: umask {mask}, which is no mode")


def failure(machine: Machine) -> int:
    """The status of a builtin that failed."""
    return 1 if machine.kind is ShellKind.BASH else _USAGE


_USUAL_LIMITS = {"n": 524_288, "l": 64}
"""The hard limits that containers have at least (systemd's of open files, the kernel's of locked memory in KiB)."""


_LIMIT = re.compile(r"[0-9]{1,18}", re.ASCII)


def ulimit(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """A limit is raised only up to the hard one, which the engine sets."""
    letters = "".join(word[1:] for word in words[1:] if word.startswith("-"))
    value = next((word for word in reversed(words[1:]) if not word.startswith("-")), "")
    most = next((_USUAL_LIMITS[letter] for letter in letters if letter in _USUAL_LIMITS), None)
    high = value == "unlimited" or (most is not None and _LIMIT.fullmatch(value) is not None and int(value) > most)
    if most is not None and high and "e" in state.options and not state.quiet:
        why = f"line {node.line}: {' '.join(words)}, which the engine's limits may refuse"
        raise AtRunTimeError(why, is_faulty=True)
    return machine.done(state.with_status(None))
