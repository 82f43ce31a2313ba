"""The programs that a shell script starts, with what they leave behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, Command, split_path
from scanner.binary.program.busybox import APPLETS, RARER_APPLETS
from scanner.binary.program.launch import started
from scanner.binary.program.shell import (
    exact_tools,
    filters,
    lookups,
    made_files,
    making,
    printed_env,
    redirect_files,
    shell_programs,
    temporary,
    tool_files,
    writes,
)
from scanner.binary.program.shell.state import (
    EATEN,
    MAX_EXTERNALS,
    OWN_HOME,
    OWN_INPUT,
    OWN_SCRIPT,
    SHARED,
    ZERO,
    AtRunTimeError,
    External,
    ShellKind,
    is_known,
)

if TYPE_CHECKING:
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State
    from scanner.binary.program.shell.writes import Write
    from scanner.formats.shell.syntax import Simple


OPTIONS_OF_BASH = frozenset({"SHELLOPTS", "BASHOPTS"})
"""Variables that bash sets itself, and that tell the next one its options where they are exported."""

_BY_NAME = frozenset({
    "sh", "ash", "dash", "bash", "rbash", "ksh", "mksh", "ksh93", "zsh", "busybox", "toybox", "coreutils",
})  # fmt: skip
"""Programs that do what they are called."""

NOT_FOUND = 127
"""What every shell makes of a program that is not there; of one that may not be executed 126."""


def external(machine: Machine, made: State, state: State, arguments: tuple[str, ...], node: Simple) -> list[State]:
    """A program that is started and waited for."""
    if _does_otherwise(machine, made, arguments):
        return _external(machine, made, state, arguments, node, prepares=False)
    if shell_programs.name_of(arguments) == "find" and (refusal := _refusal(machine, made, state, arguments)):
        return machine.failed(state.lacking_files(arguments, refusal), 1, refusal)
    begun = _by_others(machine, made, state, arguments, node)
    if begun is not None and begun.surely:
        return begun.ways
    if begun is not None:
        behind = _used(machine, state, arguments).waited()
        if not begun.ways:
            return machine.done(behind.with_status(0))
        idle = External(command_of(replace(made, input=state.input), arguments), prepares=True)
        return [*begun.ways, *machine.done(replace(behind, last=idle).with_status(None))]
    return _external(machine, made, state, arguments, node, prepares=shell_programs.prepares(arguments))


def _refusal(machine: Machine, made: State, state: State, arguments: tuple[str, ...]) -> str:
    """Why a tool that is there surely fails; empty where nobody can tell."""
    if _is_missing(machine, made, arguments[0]) or _is_foreign(machine, made, arguments[0]):
        return ""
    return tool_files.refusal(machine.files, state, arguments)


def _does_otherwise(machine: Machine, made: State, arguments: tuple[str, ...]) -> bool:
    """Whether a program that usually makes ready is a script of the image's own, which may start anything."""
    name = arguments[0]
    if not shell_programs.is_well_known(arguments) or not lookups.is_own_script(machine.files, made, name):
        return False
    if machine.kind is ShellKind.ASH and "/" not in name and name in APPLETS | RARER_APPLETS:
        raise AtRunTimeError(f"how busybox was built decides whether {name} is its own, or a script of the image's")
    return True


@dataclass(frozen=True, slots=True)
class _Begun:
    """The ways behind what find or xargs starts; ``surely`` where there is no way without it."""

    ways: list[State]
    surely: bool


def _by_others(machine: Machine, made: State, state: State, arguments: tuple[str, ...], node: Simple) -> _Begun | None:
    """What another program starts that is there, with nothing to read; ``None`` where it starts nothing that counts."""
    text = state.input if is_known(state.input) else None
    found = started.by(shell_programs.name_of(arguments), arguments[1:], text)
    if found is None or _is_missing(machine, made, arguments[0]) or _is_foreign(machine, made, arguments[0]):
        return None
    if _is_of_busybox(machine, made, arguments[0]) and (lacks := started.lacking_in_busybox(arguments)):
        return _Begun(
            machine.failed(state, 1, f"line {node.line}: busybox' {arguments[0]} knows no {lacks}"), surely=True
        )
    if not found.surely and text is not None and not text.strip():
        return _Begun([], surely=False)
    if found.words[0] == UNKNOWN and shell_programs.name_of(arguments) == "xargs":
        raise AtRunTimeError(f"line {node.line}: what xargs reads is no part of its program's name", is_faulty=True)
    inner = shell_programs.name_of(found.words)
    if inner in {"find", "xargs"}:
        raise AtRunTimeError(f"line {node.line}: {arguments[0]} starts {inner}, which starts others")
    state = state.drained()
    if shell_programs.name_of(arguments) == "find":
        state = replace(state.wrote(*writes.written_by(state.cwd, arguments)), vague=True)
    ways = external(machine, replace(made, input=OWN_INPUT), replace(state, input=OWN_INPUT), found.words, node)
    return _Begun([replace(each, input=state.input) for each in ways], found.surely)


def _known(machine: Machine, state: State, arguments: tuple[str, ...], node: Simple) -> tuple[int | None, str | None]:
    """Status and output of a program that answers by what is known."""
    status, printed = shell_programs.known_program(machine.files, state, arguments)
    line = printed_env.printed(machine, state, arguments) if printed is None and not node.assignments else None
    return (status, printed) if line is None else (0, line)


def _external(  # noqa: PLR0913 - who runs it, in which state, and whether it only makes ready
    machine: Machine, made: State, state: State, arguments: tuple[str, ...], node: Simple, *, prepares: bool
) -> list[State]:
    if not prepares:
        _refuse_eaten(state)
    missing = _is_missing(machine, made, arguments[0])
    foreign = not missing and _is_foreign(machine, made, arguments[0])
    made_before = not missing and lookups.is_absent(machine.files, made, arguments[0], machine.kind)
    prepares = prepares and not foreign
    status, printed = None, None
    if not missing and not foreign and not _does_otherwise(machine, made, arguments):
        if refusal := tool_files.refusal(machine.files, state, arguments):
            return machine.failed(state.lacking_files(arguments, refusal), 1, refusal)
        state = state.lacking_files(arguments, tool_files.lacking_source(machine.files, state, arguments))
        status, printed = _known(machine, state, arguments, node)
    if printed is not None:
        name = shell_programs.name_of(arguments)
        reads = name in filters.NAMES or (name in shell_programs.COPYING and len(arguments) == 1)
        behind = temporary.made(state.drained() if reads else state, arguments, printed)
        return machine.done(behind.printed(printed).with_status(status))
    command = _named(machine, made, state, arguments, node)
    external = External(
        command, prepares, missing, foreign, written=state.written, makes=making.makes(command), absent=made_before
    )
    placed: tuple[Write, ...] = ()
    if missing:
        status, state = NOT_FOUND, replace(state, lacks=command)
    else:
        before = state.written
        state = _used(machine, state, arguments, is_sure=prepares and not made_before).waited()
        new = state.written[len(before) :]
        placed = tuple(each for each in new if each.is_sure or each.runs)
        if made_files.works(machine.files, made, arguments, new, is_sure=prepares and not made_before):
            status, placed = 0, ()
    asks = None if missing or (prepares and not made_before) or UNKNOWN in command.argv[0] else external
    asks = replace(external, placed=placed) if placed else asks
    if state.substituted is not None:
        asked = state.asked if prepares or external in state.asked else (*state.asked, external)
        return machine.done(replace(state, asked=asked, status=status, asks=asks))
    if not prepares:
        if len(state.externals) >= MAX_EXTERNALS:
            raise AtRunTimeError(f"line {node.line}: it starts more than {MAX_EXTERNALS} programs")
        state = replace(state, externals=(*state.externals, external))
    return machine.done(replace(state, last=external, status=status, asks=asks))


def _named(machine: Machine, made: State, state: State, arguments: tuple[str, ...], node: Simple) -> Command:
    """The command, or why nobody knows which one it is."""
    if UNKNOWN not in arguments[0]:
        return command_of(replace(made, input=state.input), arguments)
    why = f"line {node.line}: what it starts is known at run time only"
    lacks = state.doubt or lookups.uncalled(machine.files, state, arguments[0])
    return Command((UNKNOWN, f"{why}; {lacks}", "faulty") if lacks else (UNKNOWN, why), ())


def _refuse_eaten(state: State) -> None:
    if state.input == EATEN:
        raise AtRunTimeError("what ran before may have read the rest of what the shell is given to read")


def refuse_name(machine: Machine, state: State, name: str, program: str) -> None:
    """Refuse what is called otherwise (``exec -a``) and does what its name says."""
    found = lookups.located(machine.files, state, program)
    if found == "":
        return
    path = machine.files.stands(state.absolute(found)).path if found else ""
    called = {each.rpartition("/")[2].removeprefix("-") for each in (name, program, path)}
    if not path or _BY_NAME & called:
        raise AtRunTimeError(f"{program}, which may do what {name} does for it is called so")


def _is_missing(machine: Machine, made: State, name: str) -> bool:
    """Whether a name surely leads to no program, or to a busybox that was built without an applet of that name."""
    if lookups.is_missing(machine.files, made, name, machine.kind):
        return True
    path = lookups.located(machine.files, made, name) if is_known(name) and is_known(made.cwd) else None
    return (
        bool(path)
        and not made.touched(made.absolute(path or ""))
        and machine.files.lacks_applet(made.absolute(path or ""))
    )


def _is_foreign(machine: Machine, made: State, name: str) -> bool:
    """Whether a program is surely for another CPU than the shell, so that they do not run on one machine natively."""
    if not made.architecture or not is_known(name) or not is_known(made.cwd):
        return False
    path = lookups.located(machine.files, made, name)
    if not path or made.touched(made.absolute(path)):
        return False
    return machine.files.architecture(made.absolute(path)) not in {"", made.architecture}


def _is_of_busybox(machine: Machine, made: State, name: str) -> bool:
    """Whether a program surely is an applet of busybox'."""
    path = lookups.located(machine.files, made, name) if is_known(name) and is_known(made.cwd) else None
    real = machine.files.stands(made.absolute(path)).path if path else ""
    return real.rpartition("/")[2] == "busybox"


def _used(machine: Machine, state: State, arguments: tuple[str, ...], *, is_sure: bool = False) -> State:
    """What a program that ran has written, read, printed; ``is_sure`` where it is the one of that name."""
    made = writes.written_by(state.cwd, arguments)
    is_exact = exact_tools.is_exact(arguments) and not any(redirect_files.is_elsewhere(machine.files, w) for w in made)
    placed = made_files.put(machine.files, state, arguments, made) if is_sure else made
    if placed is made and shell_programs.name_of(arguments) not in _OF_NAMES:
        placed = redirect_files.with_led(machine.files, made)
    state = replace(state.wrote(*placed), vague=state.vague or not is_exact)
    if not reads_nothing(arguments):
        state = state.shared()
    return state if prints_nothing(arguments) else state.printed(UNKNOWN)


def execd(machine: Machine, state: State, arguments: tuple[str, ...], variables: State) -> list[State]:
    """A program that takes the shell's place, or a subshell's."""
    _refuse_eaten(state)
    external = External(command_of(replace(variables, input=state.input), arguments))
    state = state.printed(UNKNOWN).drained()
    if state.substituted is not None:
        return machine.exit(replace(state, asked=(*state.asked, external)), None)
    externals = (*state.externals, external)
    ended = replace(state, externals=externals, last=external, status=None, asks=external, exit_trap="")
    unwound = machine.exit(ended, None)
    return [replace(e, execd=True) if e.stack.height == 0 else e for e in unwound]


def unbegun(state: State) -> str:
    """A program beside others that is not there unless one of them makes it; empty for none."""
    lacking = (each for each in state.background if (each.missing or each.absent) and not each.prepares)
    return next((each.command.argv[0] for each in lacking), "")


_OF_NAMES = frozenset({"rm", "rmdir", "unlink", "mv", "ln", "mkdir", "mkfifo", "mknod"})
"""Programs that change a link itself, not what it leads to."""

_SILENT = frozenset({
    "mkdir", "chown", "chgrp", "chmod", "cp", "mv", "ln", "rm", "rmdir", "touch", "sleep", "install", "unlink", "mkfifo", "mknod",
    "truncate",
})  # fmt: skip
"""Programs that print nothing, unless they are told to, nor read what they are given."""


def prints_nothing(words: tuple[str, ...]) -> bool:
    """Whether a program leaves the output as it was."""
    plain = not any("v" in word for word in words[1:] if word.startswith("-"))
    return words[0].rpartition("/")[2] in _SILENT and plain


def reads_nothing(words: tuple[str, ...]) -> bool:
    """Whether a program leaves the input as it was."""
    return words[0].rpartition("/")[2] in _SILENT and not any("i" in word for word in words[1:] if word[:1] == "-")


def command_of(state: State, arguments: tuple[str, ...]) -> Command:
    """What is exec'd, with what is exported."""
    env: dict[str, str | None] = {}
    for name in state.exported:
        value = state.variables.get(name)
        if value == OWN_HOME:
            continue  # whoever asks for it reads the accounts, unless the script has taken it away
        if value is not None or name in OPTIONS_OF_BASH:
            env[name] = value if is_known(value) else None
    if "HOME" not in state.exported or "HOME" not in state.variables:
        env["HOME"] = None
    path = state.value("PATH")
    if path is None or not is_known(path):
        if "/" not in arguments[0] and path is not None:
            why = f"PATH, in which it looks for {arguments[0]}, is known at run time only"
            raise AtRunTimeError(why, word=f"{UNKNOWN}/{arguments[0]}")
        path = "/bin:/usr/bin"
    if not is_known(state.cwd) and not arguments[0].startswith("/"):
        why = f"the directory in which it starts {arguments[0]} is known at run time only"
        raise AtRunTimeError(why, word=f"{state.cwd}/{arguments[0].removeprefix('./')}")
    return Command(
        arguments,
        split_path(path),
        state.cwd,
        env=MappingProxyType(env),
        env_known=state.env_known,
        user=state.user,
        mounts=state.mounts,
        volumes=state.volumes,
        input=_handed(state.input),
        is_renamed=not state.architecture,
    )


def _handed(text: str | None) -> str | None:
    """What a program may read; ``None`` where nobody knows."""
    if text is None or text in {OWN_SCRIPT, EATEN} or text.startswith(SHARED) or ZERO in text:
        return None
    return "" if text == OWN_INPUT else text
