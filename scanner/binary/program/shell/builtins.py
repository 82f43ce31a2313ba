"""The commands that shells do by themselves, as far as they decide which program is started."""

from __future__ import annotations

import re
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UNKNOWN_WORDS
from scanner.binary.program.shell import (
    aliases,
    directories,
    evaluating,
    lookups,
    printing,
    process_limits,
    searching,
    shell_programs,
    shell_reading,
    sourcing,
    starts,
    variables,
)
from scanner.binary.program.shell.expand import Expander
from scanner.binary.program.shell.frames import (
    AfterLoopBody,
    AfterLoopCondition,
    LeaveFile,
    LeaveFunction,
    NextWord,
    Settle,
    push,
)
from scanner.binary.program.shell.state import AtRunTimeError, ShellKind, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Simple

SPECIAL = frozenset({
    ".", ":", "break", "continue", "eval", "exec", "exit", "export", "readonly", "return", "set", "shift", "times",
    "trap", "unset",
})  # fmt: skip
"""POSIX's special builtins, which no function hides."""

_OF_BASH = frozenset({
    "builtin", "caller", "compgen", "coproc", "declare", "dirs", "disown", "enable", "mapfile", "popd", "pushd",
    "readarray", "select", "shopt", "suspend", "typeset",
})  # fmt: skip
_LOOKED_UP = MappingProxyType({ShellKind.ASH: _OF_BASH, ShellKind.DASH: _OF_BASH | {"let", "source"}})
"""Builtins and words of bash that other shells look up in PATH like any program."""

_INTEGER = re.compile(r"\s*[-+]?\d{1,18}\s*", re.ASCII)
_STATUS = re.compile(r"[0-9]{1,9}")
_USAGE = 2
"""The status of a builtin that was called wrongly."""


def is_known_to(kind: ShellKind, name: str) -> bool:
    """Whether a shell does a command by itself."""
    return name in BUILTINS and name not in _LOOKED_UP.get(kind, ())


def _pass(machine: Machine, state: State, _words: tuple[str, ...], _node: Simple) -> list[State]:
    return machine.done(state.with_status(0))


def _false(machine: Machine, state: State, _words: tuple[str, ...], _node: Simple) -> list[State]:
    return machine.done(state.with_status(1))


def _doubtful(machine: Machine, state: State, _words: tuple[str, ...], _node: Simple) -> list[State]:
    return machine.done(state.with_status(None))


def _wait(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    lacks = next((each.command.argv[0] for each in state.background if each.missing), "") if "-n" in words else ""
    if lacks:
        raise AtRunTimeError(f"line {node.line}: wait -n, which {lacks} may end that is not there", is_faulty=True)
    return machine.done(state.waited().with_status(None))


def _echo(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    return machine.done(state.printed(printing.echoed(words[1:], machine.kind)).with_status(0))


def _printf(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    if words[1:2] == ("-v",):
        if machine.kind is not ShellKind.BASH or len(words) < 4 or not words[2].isidentifier():  # noqa: PLR2004 - a format
            raise AtRunTimeError("printf -v, which only bash knows")
        return machine.done(state.assigned(words[2], printing.formatted(words[3:], quotes=True)).with_status(0))
    status = int(printing.is_no_number(words[1:]))
    return machine.done(
        state.printed(printing.formatted(words[1:], quotes=machine.kind is ShellKind.BASH)).with_status(status)
    )


def _test(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    if words[0] == "[":
        if words[-1] == UNKNOWN_WORDS:
            return machine.done(state.with_status(None))
        if words[-1] != "]":
            return machine.done(state.with_status(2))
        words = words[:-1]
    return machine.tested(state, words[1:])


# ---------------------------------------------------------------- running


def _exec(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    rest, variables, name = words[1:], state, ""
    while rest and rest[0].startswith("-") and rest[0] != "-":
        option = rest[0]
        if option == "--" and machine.kind in {ShellKind.BASH, ShellKind.ASH}:
            rest = rest[1:]
            break
        if machine.kind is not ShellKind.BASH:
            why = f"line {node.line}: exec {option}, which not every shell knows"
            raise AtRunTimeError(why, is_faulty=machine.kind is ShellKind.DASH)
        if option == "-a" and len(rest) > 1:
            name, rest = rest[1], rest[2:]
        elif option in {"-c", "-l", "-cl", "-lc"}:
            name = "-" if "l" in option else name
            variables = replace(variables, exported=frozenset()) if "c" in option else variables
            rest = rest[1:]
        else:
            raise AtRunTimeError(f"line {node.line}: exec {option}")
    if not rest:
        if len(node.words) > 1:
            raise AtRunTimeError(f"line {node.line}: exec of words that become none starts nothing", is_faulty=True)
        return machine.done(_with_opened(machine, state, node))
    if UNKNOWN in rest[0]:
        raise AtRunTimeError(f"line {node.line}: what exec starts is known at run time only", word=rest[0])
    if name:
        starts.refuse_name(machine, state, name, rest[0])
    return starts.execd(machine, state, rest, variables)


def _with_opened(machine: Machine, state: State, node: Simple) -> State:
    """The state behind ``exec 3<file``: what is there to be read by that number."""
    words, is_known_text = Expander(machine, state), True
    for redirect in node.redirects:
        if redirect.operator not in {"<", "<>"} or redirect.target is None:
            continue
        path = words.text(redirect.target)
        text = searching.few_lines(machine.files, state, path) if redirect.operator == "<" else None
        number = redirect.fd or "0"
        state = replace(state, input=text) if number == "0" else replace(state, opened={**state.opened, number: text})
        is_known_text = is_known_text and text is not None
    return state.with_status(0 if is_known_text else None)


def _eval(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    text = " ".join(words[2:] if words[1:2] == ("--",) else words[1:])
    if words[1:2] == ("--",) and machine.kind is not ShellKind.BASH:
        raise AtRunTimeError(f"line {node.line}: eval --, which not every shell knows", is_faulty=True)
    if not is_known(text):
        return evaluating.partly_known(machine, state, text, node)
    if not text.strip():
        return machine.done(state.with_status(0))
    settled = replace(state, stack=push(Settle(state.quiet), state.stack))
    return machine.evaluated(settled, text.encode("utf-8", "surrogateescape"), f"line {node.line}")


def _command(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    rest, by_default = words[1:], False
    while rest and rest[0].startswith("-"):
        option, rest = rest[0], rest[1:]
        by_default = by_default or option == "-p"
        if by_default and rest and not rest[-1].startswith("-") and not is_known_to(machine.kind, rest[0]):
            raise AtRunTimeError(
                f"line {node.line}: command -p, which looks where the shell was built to", word=rest[-1]
            )
        if option in {"-v", "-V"}:
            return _located(machine, state, rest, verbose=option == "-V")
        if option == "--":
            break
        if option != "-p":
            raise AtRunTimeError(f"line {node.line}: command {option}")
    if not rest:
        return machine.done(state.with_status(0))
    if UNKNOWN in rest[0]:
        raise AtRunTimeError(f"line {node.line}: what it starts is known at run time only", word=rest[0])
    if is_known_to(machine.kind, rest[0]):
        return BUILTINS[rest[0]](machine, state, rest, node)
    return starts.external(machine, state, state, rest, node)


def _builtin(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    if machine.kind is not ShellKind.BASH or len(words) < 2 or words[1] not in BUILTINS:  # noqa: PLR2004 - builtin and a name
        raise AtRunTimeError(f"line {node.line}: builtin {' '.join(words[1:2])}")
    return BUILTINS[words[1]](machine, state, words[1:], node)


def _time(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    rest = words[2:] if words[1:2] == ("-p",) else words[1:]
    if machine.kind is not ShellKind.BASH or not rest or rest[0].startswith("-") or UNKNOWN in rest[0]:
        raise AtRunTimeError(f"line {node.line}: time, which not every shell knows")
    if rest[0] in {"{", "(", "!", "[[", "if", "while", "for", "case", "until", "time"} or rest[0] in state.functions:
        raise AtRunTimeError(f"line {node.line}: time of more than a command")
    if rest[0] in BUILTINS:
        return BUILTINS[rest[0]](machine, state, rest, node)
    return starts.external(machine, state, state, rest, node)


def _located(
    machine: Machine, state: State, names: tuple[str, ...], *, verbose: bool = False, by_file: bool = False
) -> list[State]:
    """``command -v``: where a name leads; ``by_file`` asks for a file, whatever else is called so."""
    if len(names) != 1 or not is_known(names[0]):
        return machine.done(state.printed(UNKNOWN).with_status(None))
    name = names[0]
    if not by_file and (name in state.functions or name in state.aliases or is_known_to(machine.kind, name)):
        return machine.done(state.printed(UNKNOWN if verbose or name in state.aliases else f"{name}\n").with_status(0))
    found = lookups.located(machine.files, state, name)
    if found is None:
        return machine.done(state.printed(UNKNOWN).with_status(None))
    if not found:
        return machine.done(state.with_status(127 if machine.kind is ShellKind.DASH else 1))
    return machine.done(state.printed(UNKNOWN if verbose else f"{found}\n").with_status(0))


def _type(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    option, names = words[1:2], tuple(word for word in words[1:] if not word.startswith("-"))
    if machine.kind is ShellKind.DASH and option and option[0].startswith("-"):  # a name like any other
        where = lookups.located(machine.files, state, names[0]) if len(names) == 1 and names == words[2:] else None
        said = f"{names[0]} is {where}\n" if where and names[0] not in BUILTINS else UNKNOWN
        return machine.done(state.printed(f"{option[0]}: not found\n{said}").with_status(127))
    if machine.kind is ShellKind.BASH and option == ("-t",) and names == words[2:] and len(names) == 1:
        return _kind_of(machine, state, names[0])
    if machine.kind is ShellKind.BASH and option in {("-p",), ("-P",)} and names == words[2:] and len(names) == 1:
        if option == ("-p",) and (names[0] in state.functions or names[0] in state.aliases or names[0] in BUILTINS):
            return machine.done(state.with_status(0))
        return _located(machine, state, names, by_file=True)
    return [each.printed(UNKNOWN) for each in _located(machine, state, names, verbose=True)]


_KEYWORDS = frozenset({
    "if", "then", "else", "elif", "fi", "time", "for", "in", "until", "while", "do", "done", "case", "esac", "select",
    "function", "{", "}", "!", "[[", "]]", "coproc",
})  # fmt: skip


def _kind_of(machine: Machine, state: State, name: str) -> list[State]:
    """``type -t``: what bash takes a name for."""
    said = "keyword" if name in _KEYWORDS else "function" if name in state.functions else ""
    said = said or ("builtin" if name in BUILTINS else "")
    if name in state.aliases or not is_known(name):
        return machine.done(state.printed(UNKNOWN).with_status(None))
    found = "" if said else lookups.located(machine.files, state, name)
    is_absent = bool(said) or lookups.is_missing(machine.files, state, name, machine.kind)
    if found is None or (not found and not is_absent):
        return machine.done(state.printed(UNKNOWN).with_status(None))
    said = said or ("file" if found else "")
    return machine.done(state.printed(f"{said}\n" if said else "").with_status(0 if said else 1))


def _trap(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    rest = words[2:] if words[1:2] == ("--",) else words[1:]
    if {"EXIT", "0"} & set(rest[1:]):
        if not is_known(rest[0]):
            raise AtRunTimeError(f"line {node.line}: what it does at its end is known at run time only")
        state = replace(state, exit_trap="" if rest[0] == "-" else rest[0])
    if {"ERR", "DEBUG", "RETURN"} & set(rest[1:]):
        raise AtRunTimeError(f"line {node.line}: a trap that runs between commands")
    return machine.done(state.with_status(0))


# ---------------------------------------------------------------- leaving


def _exit(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    if len(words) > 1 and is_known(words[1]) and not _INTEGER.fullmatch(words[1]):
        return machine.exit(replace(state, gave_up=f"exit {words[1]}, which is no number"), _USAGE)
    return machine.exit(state, _told(state, words))


def _told(state: State, words: tuple[str, ...]) -> int | None:
    """The status that ``exit`` or ``return`` names."""
    if len(words) < 2:  # noqa: PLR2004 - the builtin and a number
        return state.status
    return int(words[1]) & 255 if _STATUS.fullmatch(words[1]) else None


def _return(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    status = _told(state, words)
    if len(words) > 1 and is_known(words[1]) and not _INTEGER.fullmatch(words[1]):
        if machine.kind is not ShellKind.BASH and words[1].strip("+-").isdecimal():
            raise AtRunTimeError("a return by a number that only some shells take")
        if machine.kind is not ShellKind.BASH:
            return machine.exit(replace(state, gave_up=f"return {words[1]}, which is no number"), _USAGE)
        status = _USAGE
    stack = machine.unwound(state, (LeaveFunction, LeaveFile))
    if stack is None:
        if machine.kind is ShellKind.BASH:
            raise AtRunTimeError("a return outside of any function")
        return machine.exit(state, status)
    return [replace(state, stack=stack, status=status)]


def _break(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    if len(words) > 1 and words[1] != "1":
        raise AtRunTimeError(f"line {node.line}: {words[0]} {words[1]}")
    stack = machine.unwound(state, (AfterLoopBody, AfterLoopCondition, NextWord, LeaveFunction))
    if stack is None or isinstance(stack.frame, LeaveFunction):
        raise AtRunTimeError(f"line {node.line}: {words[0]} outside of any loop")
    if words[0] == "continue":
        if isinstance(stack.frame, AfterLoopCondition):
            raise AtRunTimeError(f"line {node.line}: continue in a condition")
        return [replace(state, stack=stack, status=0)]
    frame = stack.frame
    if isinstance(frame, AfterLoopBody) and frame.doubted:
        state = shell_programs.forgotten(state, frame.node.body, frame.node.condition)
    if isinstance(frame, NextWord) and frame.words == (UNKNOWN_WORDS,):
        state = shell_programs.forgotten(state, frame.node.body).assigned(frame.node.name, UNKNOWN)
    quiet = frame.quiet if isinstance(frame, AfterLoopCondition) else state.quiet
    return [replace(state, stack=machine.below(stack), status=0, quiet=quiet)]


def _refused(_machine: Machine, _state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    raise AtRunTimeError(f"line {node.line}: {words[0]}, which is not followed")


def _hash(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """``hash -p PATH NAME`` lets a name stand for any program."""
    if any(word.startswith("-") and "p" in word for word in words[1:]):
        if words[1] == "-p" and len(words) > 2 and lookups.is_absent(machine.files, state, words[2], machine.kind):  # noqa: PLR2004 - -p and a path
            raise AtRunTimeError(
                f"line {node.line}: hash lets a name stand for {words[2]}, which is not there", is_faulty=True
            )
        return _refused(machine, state, words, node)
    if len(words) == 2 and is_known(words[1]) and words[1] not in {*BUILTINS, *state.functions} and "/" not in words[1]:  # noqa: PLR2004 - a name
        found = lookups.located(machine.files, state, words[1])
        return machine.done(state.with_status(None if found is None else int(not found)))
    return _doubtful(machine, state, words, node)


BUILTINS: Mapping[str, Callable[[Machine, State, tuple[str, ...], Simple], list[State]]] = MappingProxyType({
    ":": _pass, "true": _pass, "false": _false, "[": _test, "test": _test, "echo": _echo, "printf": _printf,
    "cd": directories.change, "pwd": directories.print_directory, "export": variables.export_words, "readonly": variables.declare_words, "local": variables.declare_words, "declare": variables.declare_words,
    "typeset": variables.declare_words, "unset": variables.unset_words, "set": variables.set_words, "shift": variables.shift_words, "exit": _exit, "return": _return,
    "break": _break, "continue": _break, "exec": _exec, "eval": _eval, ".": sourcing.source, "source": sourcing.source, "trap": _trap,
    "wait": _wait, "umask": process_limits.umask, "ulimit": process_limits.ulimit, "read": shell_reading.read_words, "command": _command, "builtin": _builtin,
    "type": _type, "hash": _hash, "getopts": shell_reading.getopts_words, "kill": _doubtful, "jobs": _doubtful, "bg": _doubtful,
    "fg": _doubtful, "times": _pass, "let": variables.let_words, "shopt": variables.shopt_words, "disown": _doubtful, "time": _time,
    "alias": aliases.alias_words, "unalias": aliases.unalias_words, "enable": _refused, "pushd": directories.push, "popd": directories.pop, "dirs": _refused,
    "mapfile": shell_reading.map_lines, "readarray": shell_reading.map_lines, "coproc": _refused, "select": _refused,
    "suspend": _refused, "fc": _refused, "compgen": _doubtful, "caller": _doubtful,
})  # fmt: skip
"""Each takes the machine, the state, the words with the name in front, the command as written."""
