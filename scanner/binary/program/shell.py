"""Follows a shell script to the program that does its work, by interpreting what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, Command
from scanner.binary.program.shell_frames import (
    Run,
    push,
)  # fmt: skip
from scanner.binary.program.shell_machine import Machine
from scanner.binary.program.shell_state import (
    AtRunTime,
    AtRunTimeError,
    ShellKind,
    State,
)  # fmt: skip
from scanner.formats import shell as grammar
from scanner.formats.shell_syntax import (
    NotUnderstood,
    Sequence,
)  # fmt: skip

if TYPE_CHECKING:
    from scanner.binary.program.shell_state import Files

MAX_ENDINGS = 64
"""Ways through one script that end apart from each other."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A program that the script comes to; ``execd`` where it takes the shell's place.

    ``also`` are other programs that it starts and that are no mere preparation; ``written`` the paths that it may have
    changed before; ``failed`` where the script only comes here because something failed.
    """

    command: Command
    execd: bool
    also: tuple[Command, ...] = ()
    written: tuple[str, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """The script does its work by itself; ``status`` is ``None`` where it is not known."""

    status: int | None
    failed: bool = False


Ending = Reached | Ended | AtRunTime


@dataclass(frozen=True, slots=True)
class Script:
    """A shell's work: its text, who reads it, what it is called, its arguments, where it stands.

    ``command`` gives environment, PATH, directory, user and mounts. ``options`` are the letters and names of ``set``.
    """

    text: bytes
    kind: ShellKind
    name: str
    arguments: tuple[str, ...]
    command: Command
    options: frozenset[str] = frozenset()


def follow(script: Script, files: Files) -> tuple[Ending, ...]:
    """Every way through a script, equal ones once; raises only what ``files`` raises."""
    if script.kind in {ShellKind.ZSH, ShellKind.KSH}:
        return (AtRunTime(f"{script.name} is read by {script.kind.value}, whose rules are its own"),)
    if script.kind is ShellKind.BASH and "BASH_ENV" in script.command.env:
        return (AtRunTime(f"{script.name}: bash reads the file that BASH_ENV names before it"),)
    read = grammar.parse(script.text)
    if isinstance(read, NotUnderstood):
        return (AtRunTime(f"{script.name}:{read.line}: {read.why}"),)
    machine = Machine(script.kind, files)
    try:
        return _told(_run(machine, _start(script, read)))
    except AtRunTimeError as error:
        return (AtRunTime(f"{script.name}: {error}"),)


def _start(script: Script, read: Sequence) -> State:
    command = script.command
    variables: dict[str, str | None] = {
        name: UNKNOWN if value is None else value for name, value in command.env.items()
    }
    if "HOME" not in variables:
        variables["HOME"] = "/root" if command.user in {"", "0", "root"} else UNKNOWN
    variables.setdefault("HOSTNAME", UNKNOWN)
    return State(
        stack=push(Run(read.items), None),
        variables=variables,
        exported=frozenset(variables),
        arrays={},
        positional=script.arguments,
        arg0=script.name,
        file=script.name,
        cwd=command.cwd,
        user=command.user,
        mounts=command.mounts,
        volumes=command.volumes,
        env_known=command.env_known,
        options=script.options,
    )


def _told(endings: list[Ending]) -> tuple[Ending, ...]:
    """Each ending once; giving up after a failure is no way of its own where another one works."""
    unique = list(dict.fromkeys(map(_keyed, endings)))
    works = [ending for _, ending in unique if not (isinstance(ending, Ended | Reached) and ending.failed)]
    if any(isinstance(ending, Reached) for ending in works):
        works = [e for e in works if not isinstance(e, Ended) or not e.status]
    return tuple(works or [ending for _, ending in unique])


class _Keyed(tuple):  # type: ignore[type-arg]  # a key beside its value
    __slots__ = ()

    def __hash__(self) -> int:
        return hash(self[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Keyed) and self[0] == other[0]


def _keyed(ending: Ending) -> _Keyed:
    if isinstance(ending, Reached):
        also = tuple((each.argv, each.path, each.cwd) for each in ending.also)
        command = ending.command
        env = tuple(sorted(command.env.items(), key=str))
        return _Keyed(
            ((command.argv, command.path, command.cwd, command.user, env, also, ending.written, ending.failed), ending)
        )
    return _Keyed((ending, ending))


def _run(machine: Machine, start: State) -> list[Ending]:
    endings: list[Ending] = []
    for state in machine.finals(start):
        ending = state if isinstance(state, AtRunTime) else _ending(state)
        endings.append(ending)
        if len(endings) > MAX_ENDINGS:
            raise AtRunTimeError(f"it ends in more than {MAX_ENDINGS} ways")
    return endings


def _ending(state: State) -> Ending:
    """What one way through the script came to."""
    ending = _reached(state)
    if isinstance(ending, Reached) and UNKNOWN in ending.command.argv[0]:
        return AtRunTime(f"{state.file}: {ending.command.argv[1]}")
    return ending


def _reached(state: State) -> Ending:
    """The program that does the work, whether or not it is known."""
    failed = bool(state.status)
    if state.execd and state.externals:
        *also, reached = state.externals
        others = tuple(each.command for each in (*also, *state.background))
        return Reached(reached.command, execd=True, also=others, written=state.written)
    started = state.externals or tuple(each for each in state.background if not each.prepares)
    if started:
        *also, reached = started
        others = tuple(each.command for each in (*also, *(state.background if state.externals else ())))
        return Reached(reached.command, execd=False, also=others, written=state.written, failed=failed)
    if state.last is not None and not failed:
        return Reached(state.last.command, execd=False, written=state.written)
    return Ended(state.status, failed)


__all__ = ["AtRunTime", "Ended", "Ending", "Reached", "Script", "follow"]
