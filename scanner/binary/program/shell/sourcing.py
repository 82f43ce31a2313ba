"""What a shell reads by ``.`` from a file, from what a script itself has written, from what a command prints."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, unsplit
from scanner.binary.program.shell import homes, placing
from scanner.binary.program.shell.frames import LeaveFile, Settle, push
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.state import OWN_HOME, AtRunTimeError, ShellKind, is_known
from scanner.formats.shell.syntax import Substitution

if TYPE_CHECKING:
    from scanner.binary.program.shell.frames import Stack
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Simple

MAX_SOURCED = 16
"""Files that source each other."""


def source(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """The builtin ``.``, in bash, busybox, zsh ``source`` as well."""
    if words[0] == "source" and machine.kind is ShellKind.POSIX:
        why = f"line {node.line}: source, which this shell does not know"
        raise AtRunTimeError(why, is_faulty="e" in state.options and not state.quiet)
    rest = words[2:] if words[1:2] == ("--",) else words[1:]
    if (piped := _source_printed(machine, state, node)) is not None:
        return piped
    if not rest or not is_known(rest[0]):
        why = f"line {node.line}: the file that it reads is known at run time only"
        raise AtRunTimeError(why, word=rest[0] if rest and "/" in unsplit(rest[0]) else "")
    made = dict(placing.Placement.by(state.written).texts)
    if (printed := made.get(posixpath.normpath(state.absolute(rest[0])))) is not None and "/" in rest[0]:
        body = printed.encode("utf-8", "surrogateescape")
        return _read_here(machine, state, body, state.absolute(rest[0]), rest[1:], node)
    if posixpath.normpath(state.absolute(rest[0])) == "/dev/null":
        return machine.done(state.with_status(0))
    path = _sourced(machine, state, rest[0], node)
    if path is None:
        why = f"line {node.line}: {words[0]} {rest[0]}, where no file is"
        if state.is_posix(machine.kind):
            return machine.exit(replace(state.with_status(2), gave_up=why), 2)
        return machine.failed(state, 1, why)
    if any(each.changes(posixpath.normpath(path)) for each in state.written):
        raise AtRunTimeError(f"line {node.line}: {path}, which it reads, is written by the script")
    text = machine.files.text(path)
    if text is None:
        raise AtRunTimeError(f"line {node.line}: {path}, which it reads, was not kept")
    return _read_here(machine, state, text, path, rest[1:], node)


def _read_here(  # noqa: PLR0913, PLR0917 - what is read, by whom, with which arguments
    machine: Machine, state: State, text: bytes, path: str, arguments: tuple[str, ...], node: Simple
) -> list[State]:
    """Run what a file holds in this shell."""
    if _files_deep(state.stack) >= MAX_SOURCED:
        raise AtRunTimeError(f"line {node.line}: more than {MAX_SOURCED} files read each other")
    given = arguments if machine.kind is not ShellKind.DASH else ()
    settled = push(Settle(state.quiet), state.stack)
    leave = push(LeaveFile(state.positional if given else None, state.file, given), settled)
    if state.variables.get("HOME") == OWN_HOME and state.user is not None and homes.asks(text):
        home = homes.home_of(state.user, machine.files)
        state = replace(state, variables={**state.variables, "HOME": UNKNOWN if home is None else home})
    inner = replace(state, stack=leave, positional=given or state.positional, file=path)
    return machine.evaluated(inner, text, path)


def _source_printed(machine: Machine, state: State, node: Simple) -> list[State] | None:
    """``source <(commands)``: what they print, where that is known."""
    part = node.words[1].parts[0] if len(node.words) == 2 and node.words[1].parts else None  # noqa: PLR2004 - source and its file
    if not isinstance(part, Substitution) or not part.process:
        return None
    text, behind = machine.printed_by(state, part.body, node.line)
    if not is_known(text):
        return None
    settled = replace(behind, stack=push(Settle(state.quiet), state.stack))
    return machine.evaluated(settled, text.encode("utf-8", "surrogateescape"), f"line {node.line}")


def _sourced(machine: Machine, state: State, name: str, node: Simple) -> str | None:
    """Where ``. name`` leads, ``None`` where there is no such file."""
    candidates = [state.absolute(name)]
    if "/" not in name:
        path = state.value("PATH") or ""
        if not is_known(path):
            raise AtRunTimeError(f"line {node.line}: PATH, in which it looks for {name}, is not known")
        candidates = [state.absolute(f"{directory or '.'}/{name}") for directory in path.split(":")]
        candidates += [] if state.is_posix(machine.kind) else [state.absolute(name)]
    for candidate in candidates:
        kind = machine.files.stands(candidate).kind
        if kind is PathKind.UNKNOWN or (kind is PathKind.MISSING and (state.has_started or state.touched(candidate))):
            raise AtRunTimeError(f"line {node.line}: {candidate}, which it reads, is not the image's")
        if kind is PathKind.FILE:
            return candidate
    return None


def _files_deep(stack: Stack | None) -> int:
    count = 0
    while stack is not None:
        count += isinstance(stack.frame, LeaveFile)
        stack = stack.below
    return count
