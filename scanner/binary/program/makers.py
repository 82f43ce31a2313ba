"""What the programs that ran before another may have made, told by their names, or by what their scripts do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell.making import Makes, makes
from scanner.binary.program.shell.shell_programs import prepares
from scanner.binary.program.steps import Done, Next, Stopped
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.binary.program.execve import Run
    from scanner.binary.program.shell.writes import Write

MAX_MAKERS = 32
"""Programs that are looked at for what they made before one that is missing; entrypoints with parts start some ten."""

Known: TypeAlias = "dict[object, tuple[Write, ...] | None]"
"""What was found of the programs before a step."""

Onward: TypeAlias = Callable[["Command"], "tuple[Next, ...] | Stopped | Done"]
"""What a program starts where it is a launcher or a shell with its script; nothing where it does the work itself."""


def written(onward: Onward, commands: tuple[Command, ...]) -> tuple[Write, ...] | None:
    """The paths that programs may have changed of which no other one may have become executable; ``None`` for any path."""
    todo = list(commands)
    made: dict[Write, None] = {}
    seen: set[tuple[tuple[str, ...], str, str | None]] = set()
    while todo:
        command = todo.pop()
        key = (command.argv, command.cwd, command.input)
        if key in seen or prepares(command.argv) or makes(command) < Makes.ANYTHING:
            continue
        seen.add(key)
        if len(seen) > MAX_MAKERS:
            return None
        behind = onward(command)
        if isinstance(behind, Stopped) or not behind:
            return None
        if isinstance(behind, Done):
            todo += behind.also
            made |= dict.fromkeys(behind.written)
            continue
        if any(step.asked for step in behind):
            return None
        for step in behind:
            todo += (*step.also, step.command)
            made |= dict.fromkeys(step.written)
    return tuple(made)


def written_before(known: Known, onward: Onward, step: Next) -> tuple[Write, ...] | None:
    """What the programs that ran before a step may have changed, each row of them looked at once; ``None`` for any path."""
    if step.asked:
        return None
    key = *(each.identity for each in step.also), step.written
    if key not in known:
        known[key] = written(onward, step.also)
    return known[key]


def spoilt(run: Run, step: Next, made: tuple[Write, ...] | None) -> Failure | None:
    """Why what stands in the image may be gone, or may no longer be executed: a script before has taken it away.

    Any program may change what its words name, and is taken to change nothing of which not even the beginning is known.
    """
    told = [each for each in made or () if not each.path.startswith(UNKNOWN) and each not in step.written]
    path = next((file.path for file in run.files for each in told if each.changes(file.path)), None)
    why = f"{path} is changed by a script that runs before {step.command.argv[0]}"
    return None if path is None else Failure(Reason.BINARY_UNKNOWN, why, path=path)
