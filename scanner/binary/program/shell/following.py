"""Follows a shell script to the program that does its work, by interpreting what is known of it.

What is taken for sure, what goes every way, what is decided at run time:

* A status that is not known goes both ways, after ``&&``, ``||``, ``if``, ``while``, ``!`` alike: that of every program but
  those whose answer follows from the image (``id -u``, ``dirname``, ``which`` and the like). With ``set -e`` the way of
  failure ends the script there; with a trap on EXIT it is followed through the trap.
* A program that surely stands nowhere fails with 127; so do redirections that cannot be opened, ``cp`` of what is not there,
  ``mkdir`` of what is, and the like, as long as no program ran before of which nobody knows what it made.
* A way that ends in a failure after which nothing more is started is left out where another way works, as long as it
  started no program that the other ways do not start too.
* A way that is taken only behind the success of a program (``set -e``, ``&&``, ``if``, ``while``) needs it: its files are on
  the way. One for another CPU than the shell is never a mere preparation, and what it prints is not known.
* What shells refuse (a read-only variable that is set again, arithmetic that is none) may end the script.
* ``pipefail`` makes a pipeline fail as its last failing part; without it only the last part counts.
* What is started later stays the image's unless something before it may have changed it. ``shell_writes`` knows of the
  usual tools what they change; redirections change their target. Any other program may change what its words name, with
  all below it, and nothing else; where what is started later is missing, any other program may have made it, unless ``making`` knows of it, or its script shows, that it has not.
* Of a path whose text is not known to the last character, every path that fits may be changed; where not even its beginning
  is known, that is every path, but for removals and links, which are taken not to hit the program.
* ``mkdir``, ``touch`` or ``chmod`` that gives the execute bit spoil nothing that stands; what was missing may be there.
* A variable whose name is not known is taken to be none that image, workload or script set.
* A name that is looked up in PATH may be hidden by what is written into an earlier directory of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, Command
from scanner.binary.program.shell import literals, unreached
from scanner.binary.program.shell.frames import Run, push
from scanner.binary.program.shell.machine import Machine
from scanner.binary.program.shell.starts import NOT_FOUND, OPTIONS_OF_BASH, unbegun
from scanner.binary.program.shell.state import (
    FUNCTIONS,
    OWN_HOME,
    OWN_INPUT,
    OWN_SCRIPT,
    AtRunTime,
    AtRunTimeError,
    ShellKind,
    State,
)  # fmt: skip
from scanner.formats.shell import grammar
from scanner.formats.shell.syntax import (
    NotUnderstood,
    Sequence,
)  # fmt: skip

if TYPE_CHECKING:
    from scanner.binary.program.shell.frames import Stack
    from scanner.binary.program.shell.image_paths import Files
    from scanner.binary.program.shell.state import External
    from scanner.binary.program.shell.writes import Write

MAX_ENDINGS = 64
"""Ways through one script that end apart from each other."""


@dataclass(frozen=True, slots=True)
class Reached:
    """A program that the script comes to; ``execd`` where it takes the shell's place.

    ``also`` are other programs that it starts and that are no mere preparation; ``written`` the paths that it may have
    changed before; ``asked`` where programs ran before for their output; ``failed`` where the script only comes here because something failed,
    ``missing`` where the shell surely does not find the program. ``needs`` are the programs that had to succeed before,
    ``decides`` where the script's own status is that of the program, ``replaced`` where it does something else, with
    success, if the program fails; ``early`` where a loop on the way ends before its lines do, for a program read them.
    ``left`` are the paths that it may have changed when it has ended, behind the program.
    """

    command: Command
    execd: bool
    also: tuple[Command, ...] = ()
    asked: bool = False
    written: tuple[Write, ...] = ()
    failed: bool = False
    missing: bool = False
    needs: tuple[Command, ...] = ()
    decides: bool = True
    replaced: bool = False
    early: bool = False
    left: tuple[Write, ...] = ()


@dataclass(frozen=True, slots=True)
class Ended:
    """The script does its work by itself; ``status`` is ``None`` where it is not known, ``why`` tells of a failure.

    ``asked`` are the programs that it started for their output, ``lacks`` is the one that it did not find and ended for,
    ``needs`` are those that had to succeed before, ``written`` the paths that it may have changed.
    """

    status: int | None
    failed: bool = False
    why: str = ""
    asked: tuple[Command, ...] = ()
    lacks: Command | None = None
    needs: tuple[Command, ...] = ()
    written: tuple[Write, ...] = ()


Ending = Reached | Ended | AtRunTime


@dataclass(frozen=True, slots=True)
class Script:
    """A shell's work: its text, who reads it, what it is called, its arguments, where it stands.

    ``command`` gives environment, PATH, directory, user and mounts. ``options`` are the letters and names of ``set``,
    ``written`` what may have been changed before it runs, ``is_file`` whether its text is
    that of a file (``file``, empty for ``name``), ``is_input`` whether it is what the shell is given to read, ``architecture`` the CPU (in Go's word) that the shell was built for, empty where not known,
    ``vague`` whether scripts before it may have changed more than ``written``, ``profile`` the text that the shell reads
    before, empty for none; ``first`` what it does before that, ``None`` where that is not known.
    """

    text: bytes
    kind: ShellKind
    name: str
    arguments: tuple[str, ...]
    command: Command
    options: frozenset[str] = frozenset()
    written: tuple[Write, ...] = ()
    is_file: bool = False
    is_input: bool = False
    architecture: str = ""
    vague: bool = False
    profile: bytes = b""
    first: bytes | None = b""
    file: str = ""


def follow(script: Script, files: Files) -> tuple[Ending, ...]:
    """Every way through a script, equal ones once; raises only what ``files`` raises."""
    read = grammar.parse(script.text)
    machine = Machine(script.kind, files)
    if why := _unfollowed(script):
        return (_not_run(machine, script, read, why),)
    if isinstance(read, NotUnderstood):
        return (AtRunTime(f"{script.name}:{read.line}: {read.why}", is_faulty=read.is_faulty),)
    try:
        endings = _told(_run(machine, _start(script, read)))
    except AtRunTimeError as error:
        return (_not_run(machine, script, read, f"{script.name}: {error}", is_faulty=error.is_faulty),)
    if any(isinstance(each, AtRunTime) and not each.is_faulty for each in endings):
        endings = tuple(_naming(each, script, files) for each in endings)
    if script.is_input and any(isinstance(each, Reached) and each.also for each in endings):
        return (AtRunTime(f"{script.name}: programs that it starts may read the rest of what it is given to read"),)
    return endings


def _naming(ending: Ending, script: Script, files: Files) -> Ending:
    """An ending that nobody knows before it runs, where the script names a program that is not there."""
    if not isinstance(ending, AtRunTime) or ending.is_faulty or not (lacks := literals.lacking(script.text, files)):
        return ending
    return AtRunTime(f"{ending.why}; it names {lacks}, which is not in the image", is_faulty=True)


def _unfollowed(script: Script) -> str:
    """Why a script is not followed at all, empty where it is."""
    if script.kind in {ShellKind.ZSH, ShellKind.KSH}:
        return f"{script.name} is read by {script.kind.value}, whose rules are its own"
    if script.kind is not ShellKind.BASH:
        return ""
    env = script.command.env
    if script.first is None:
        return f"{script.name}: bash reads the file that BASH_ENV names before it"
    if OPTIONS_OF_BASH & env.keys():
        return f"{script.name}: bash takes options from its environment"
    is_handed = any(name.startswith(FUNCTIONS) for name in env)
    return f"{script.name}: bash takes functions from its environment" if is_handed else ""


def _not_run(
    machine: Machine, script: Script, read: Sequence | NotUnderstood, why: str, *, is_faulty: bool = False
) -> AtRunTime:
    """The ending of a script of which nothing was followed, or not to its end."""
    lacks = "" if is_faulty or isinstance(read, NotUnderstood) else unreached.lacking(machine, _start(script, read))
    return AtRunTime(f"{why}; it starts {lacks}, which is not in the image" if lacks else why, bool(lacks) or is_faulty)


def _input(script: Script) -> str | None:
    """What its commands may read."""
    return OWN_SCRIPT if script.is_input else script.command.input if script.command.input != "" else OWN_INPUT


def _stack(script: Script, read: Sequence) -> Stack:
    """What is to be run: the script, a profile before it."""
    stack = push(Run(read.items), None)
    for text in (script.profile, script.first or b""):
        before = grammar.parse(text)
        stack = push(Run(before.items), stack) if text and isinstance(before, Sequence) else stack
    return stack


def _start(script: Script, read: Sequence) -> State:
    command = script.command
    variables: dict[str, str | None] = {
        name: UNKNOWN if value is None else value
        for name, value in command.env.items()
        if script.kind is not ShellKind.DASH or not name.startswith(FUNCTIONS)  # it hands on what it can name
    }
    variables.setdefault("HOME", UNKNOWN if command.user is None else OWN_HOME)
    variables.setdefault("HOSTNAME", UNKNOWN)
    return State(
        stack=_stack(script, read),
        variables=variables,
        exported=frozenset(variables),
        arrays={},
        positional=script.arguments,
        arg0=script.name,
        file=script.file or script.name,
        cwd=command.cwd,
        user=command.user,
        mounts=command.mounts,
        volumes=command.volumes,
        env_known=command.env_known,
        options=script.options,
        written=script.written,
        vague=script.vague,
        input=_input(script),
        architecture=script.architecture,
    )


def _told(unique: list[Ending]) -> tuple[Ending, ...]:
    """Each ending once; giving up after a failure is no way of its own where another one works."""
    works = [ending for ending in unique if not (isinstance(ending, Ended | Reached) and ending.failed)]
    lacks = next((lack for ending in unique if (lack := _gives_up_for(ending))), "")
    if works and lacks:
        return (AtRunTime(f"on one of its ways it needs {lacks}, which is not in the image", is_faulty=True),)
    known = {_program(each) for ending in works if isinstance(ending, Reached) for each in _started(ending)}
    more = [
        ending
        for ending in unique
        if isinstance(ending, Reached)
        and ending.failed
        and not ending.missing
        and not {_program(each) for each in _started(ending)} <= known
    ]
    return tuple([*works, *more] if works else unique)


def _gives_up_for(ending: Ending) -> str:
    """The program for whose lack a script gives up, which more than prepares; empty for none."""
    if isinstance(ending, Reached) and ending.failed and ending.missing:
        return ending.command.argv[0]
    return ending.lacks.argv[0] if isinstance(ending, Ended) and ending.failed and ending.lacks is not None else ""


def _met(one: Ending, other: Ending) -> Ending:
    """One ending for two ways to it."""
    if isinstance(one, AtRunTime) or isinstance(other, AtRunTime):
        return one
    needs = tuple(each for each in one.needs if each in other.needs)
    if isinstance(one, Reached) and isinstance(other, Reached):
        replaced = one.replaced or other.replaced
        missing = one.missing and other.missing
        one = replace(one, left=tuple(dict.fromkeys((*one.left, *other.left))))
        return replace(one, needs=needs, decides=one.decides and other.decides, replaced=replaced, missing=missing)
    written = tuple(dict.fromkeys((*one.written, *other.written)))
    return replace(one, needs=needs, written=written)


def _started(ending: Reached) -> tuple[Command, ...]:
    return (*ending.also, ending.command)


def _program(command: Command) -> tuple[str, tuple[str, ...], str]:
    return command.argv[0], command.path, command.cwd


def _key(ending: Ending) -> object:
    if isinstance(ending, Reached):
        also = tuple((each.argv, each.path, each.cwd) for each in ending.also)
        return ending.command.identity, also, ending.written, ending.failed, ending.early
    if isinstance(ending, Ended):
        asked = tuple((each.argv, each.path, each.cwd) for each in ending.asked)
        lacks = ending.lacks.argv[0] if ending.lacks is not None else ""
        return ending.status, ending.failed, ending.why, asked, lacks
    return ending


def _at_work(state: State) -> tuple[tuple[External, ...], tuple[External, ...]]:
    """The programs of which the last one does the work, and those beside them.

    A missing one does no work, unless it was to read what another prints.
    """
    beside = tuple(each for each in state.background if not each.prepares)
    live = any(not each.missing or each.breaks for each in state.externals)
    if state.externals and (live or not beside):
        return state.externals, state.background
    return beside, ()


def _lacked(state: State) -> Reached | None:
    """The program for whose lack a script ends, or may end, that has started others."""
    last = state.last
    if state.status is None and last is not None and last.prepares and last == state.asks:
        also = tuple(each.command for each in (*state.externals, *state.background, *state.asked))
        return Reached(last.command, execd=False, also=also, asked=state.has_asked, written=state.written)
    if (
        state.status != NOT_FOUND
        or last is None
        or not last.missing
        or last.command != state.lacks
        or last in state.externals
    ):
        return None
    others = (*state.externals, *state.background)
    if not others:
        return None
    also = tuple(each.command for each in (*others, *state.asked) if not each.missing)
    needs = tuple(each.command for each in state.needs)
    return Reached(last.command, execd=False, also=also, written=state.written, failed=True, missing=True, needs=needs)


def _run(machine: Machine, start: State) -> list[Ending]:
    """Equal endings once, with what all of the ways to them need."""
    found: dict[object, Ending] = {}
    for state in machine.finals(start):
        ending = state if isinstance(state, AtRunTime) else _ending(state)
        key = _key(ending)
        before = found.get(key)
        found[key] = ending if before is None else _met(before, ending)
        if len(found) > MAX_ENDINGS:
            raise AtRunTimeError(f"it ends in more than {MAX_ENDINGS} ways")
    return list(found.values())


def _ending(state: State) -> Ending:
    """What one way through the script came to."""
    ending = _reached(state)
    if isinstance(ending, Reached) and UNKNOWN in ending.command.argv[0]:
        _, why, *faulty = ending.command.argv
        return AtRunTime(f"{state.file}: {why}", is_faulty=bool(faulty))
    return ending


def _reached(state: State) -> Ending:
    """The program that does the work, whether or not it is known."""
    failed = bool(state.status)
    if (lacked := _lacked(state)) is not None:
        return lacked
    asked = state.has_asked
    for_output = tuple(each.command for each in state.asked if not each.missing)
    needs = tuple(each.command for each in state.needs)
    if state.externals and (unbegan := unbegun(state)):
        return AtRunTime(f"{state.file}: {unbegan}, which it starts beside others, is not in the image", is_faulty=True)
    if state.execd and state.externals:
        *also, reached = state.externals
        others = (*(each.command for each in (*also, *state.background) if not each.missing), *for_output)
        made = Reached(reached.command, execd=True, also=others, asked=asked, written=state.written, needs=needs)
        return replace(made, early=state.early)
    started, besides = _at_work(state)
    if started:
        *also, reached = started
        beside = (*also, *besides)
        name = reached.command.argv[0]
        if reached.missing and not failed:
            return AtRunTime(f"{state.file}: {name} is not found, and it goes on without it", is_faulty=True)
        if state.status == NOT_FOUND and not reached.missing and state.lacks is not None:
            why = f"{state.file}: it ends with status {NOT_FOUND}, whatever {name} comes to"
            return AtRunTime(why, is_faulty=True)
        others = (*(each.command for each in beside if not each.missing), *for_output)
        return Reached(
            reached.command,
            execd=False,
            also=others,
            asked=asked,
            written=state.written if reached.written is None else reached.written,
            failed=failed,
            missing=reached.missing,
            needs=tuple(each for each in needs if each != reached.command),
            decides=failed or reached in (state.asks, *state.needs),
            early=state.early,
            left=state.written,
            replaced=not failed and (state.replaced == reached or (bool(also) and started[0] in state.background)),
        )
    if state.last is not None and not failed:
        return Reached(
            state.last.command, execd=False, also=for_output, asked=asked, written=state.written, needs=needs
        )
    why = f"{state.file}: {state.gave_up}" if state.gave_up and failed else ""
    lacks = state.lacks if state.status == NOT_FOUND else None
    return Ended(state.status, failed, why, for_output, lacks, needs, state.written)


__all__ = ["AtRunTime", "Ended", "Ending", "Reached", "Script", "follow"]
