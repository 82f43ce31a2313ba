"""What the programs that ran before another may have made, told by their names, or by what their scripts do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell.making import Makes, makes
from scanner.binary.program.shell.shell_programs import prepares
from scanner.binary.program.shell.writes import written_by
from scanner.binary.program.steps import Done, Next, Stopped
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.program.argv import Command
    from scanner.binary.program.execve import Run
    from scanner.binary.program.shell.writes import Write

MAX_MAKERS = 32
"""Programs that are looked at for what they made before one that is missing; entrypoints with parts start some ten."""


@dataclass(frozen=True, slots=True)
class Made:
    """The paths that programs may have changed, as far as their scripts tell; ``anything`` where one may have made any."""

    paths: tuple[Write, ...] = ()
    anything: bool = False


Known: TypeAlias = dict[object, Made]
"""What was found of the programs before a step."""

Onward: TypeAlias = Callable[["Command"], "tuple[Next, ...] | Stopped | Done"]
"""What a program starts where it is a launcher or a shell with its script; nothing where it does the work itself."""


def written(onward: Onward, commands: tuple[Command, ...]) -> Made:
    """What programs may have changed, each followed as far as it tells."""
    todo, anything = list(commands), False
    made: dict[Write, None] = {}
    seen: set[tuple[tuple[str, ...], str, str | None]] = set()
    while todo:
        command = todo.pop()
        key = (command.argv, command.cwd, command.input)
        if key in seen or prepares(command.argv) or makes(command) < Makes.ANYTHING:
            continue
        seen.add(key)
        if len(seen) > MAX_MAKERS:
            return Made(tuple(made), anything=True)
        behind = onward(command)
        if isinstance(behind, Stopped) or not behind:
            anything = True
            made |= dict.fromkeys(written_by(command.cwd, command.argv))
            continue
        if isinstance(behind, Done):
            todo += behind.also
            made |= dict.fromkeys(behind.written)
            continue
        for step in behind:
            anything = anything or step.asked
            todo += (*step.also, step.command)
            made |= dict.fromkeys((*step.written, *step.left))
    return Made(tuple(made), anything)


def written_before(known: Known, onward: Onward, step: Next) -> Made:
    """What the programs that ran before a step may have changed, each row of them looked at once."""
    key = *(each.identity for each in step.also), step.written
    if key not in known:
        known[key] = written(onward, step.also)
    return replace(known[key], anything=known[key].anything or step.asked)


def spoilt(run: Run, step: Next, made: Made) -> Failure | None:
    """Why what stands in the image may be gone, or may no longer be executed: a script before has taken it away.

    Any program may change what its words name. Where not even the beginning of that is known, it is taken for this path only
    where its last part is told to be the same.
    """
    told = [each for each in made.paths if each not in step.written and each.path.rpartition("/")[2].strip(UNKNOWN)]
    path = next((file.path for file in run.files for each in told if each.changes(file.path)), None)
    why = f"{path} is changed by a script that runs before {step.command.argv[0]}"
    return None if path is None else Failure(Reason.BINARY_UNKNOWN, why, path=path)
