"""The builtins of shells that change, or tell, the working directory."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, UnsplitWords
from scanner.binary.program.shell import redirect_files
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.process_limits import failure
from scanner.binary.program.shell.state import AtRunTimeError, ShellKind, is_known

if TYPE_CHECKING:
    from scanner.binary.program.shell.machine import Machine
    from scanner.binary.program.shell.state import State
    from scanner.formats.shell.syntax import Simple

_DIRECTORIES = "DIRSTACK:"
"""Where the directories that ``pushd`` left stand; no script can name it."""


def print_directory(machine: Machine, state: State, words: tuple[str, ...], _node: Simple) -> list[State]:
    """``pwd``."""
    where = _real(machine, state.cwd) if "-P" in words else state.cwd
    return machine.done(state.printed(f"{where}\n").with_status(0))


def _real(machine: Machine, path: str) -> str:
    """Where a directory's links lead, as far as the image tells."""
    found = machine.files.stands(path)
    return found.path if found.kind is PathKind.DIRECTORY and found.path else UNKNOWN


def change(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """``cd``."""
    operands = [word for word in words[1:] if word not in {"-P", "-L", "--", "-e"}]
    target = operands[0] if operands else state.value("HOME") or ""
    if target == "-":
        target = state.value("OLDPWD") or UNKNOWN
    if not is_known(target) or not (target.startswith("/") or is_known(state.cwd)):
        moved = target if target.startswith("/") else UNKNOWN
        if isinstance(target, UnsplitWords) and target.one.startswith("/"):
            moved = target.one[: target.one.index(UNKNOWN) + 1]  # the first word, should they be several
        before = state.cwd if state.value("OLDPWD") == state.cwd else UNKNOWN  # as it was, should this fail
        behind = replace(state, cwd=moved).assigned("OLDPWD", before).assigned("PWD", moved)
        return machine.done(replace(behind, status=None, asks=None))
    if not target:
        return machine.done(state.with_status(0 if machine.kind is not ShellKind.BASH or operands else 1))
    if state.value("CDPATH"):
        raise AtRunTimeError("cd with CDPATH")
    path = posixpath.normpath(state.absolute(target))
    path = "/" + path.lstrip("/")
    if "-P" in words[1:-1]:  # each .. from where the links before it lead
        real = _real(machine, state.absolute(target))
        if not is_known(real):
            raise AtRunTimeError(f"line {node.line}: cd -P to what the image does not tell")
        path = real
    kind = machine.files.stands(path).kind
    if kind in {PathKind.MISSING, PathKind.FILE, PathKind.OTHER} and redirect_files.untouched(
        machine.files, state, path
    ):
        return machine.failed(state, failure(machine), f"line {node.line}: cd {target}, which is no directory")
    before = state.cwd
    return machine.done(replace(state, cwd=path, status=0).assigned("OLDPWD", before).assigned("PWD", path))


def push(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """``pushd``."""
    if machine.kind is not ShellKind.BASH or len(words) != 2 or words[1][:1] in {"-", "+"}:  # noqa: PLR2004 - pushd and a directory
        raise AtRunTimeError(f"line {node.line}: {words[0]} in a way that is not followed")
    kept = (state.cwd, *state.arrays.get(_DIRECTORIES, ()))
    behind = replace(state, arrays={**state.arrays, _DIRECTORIES: kept}).printed(UNKNOWN)
    return change(machine, behind, ("cd", words[1]), node)


def pop(machine: Machine, state: State, words: tuple[str, ...], node: Simple) -> list[State]:
    """``popd``."""
    kept = state.arrays.get(_DIRECTORIES, ())
    if machine.kind is not ShellKind.BASH or len(words) > 1 or not kept:
        raise AtRunTimeError(f"line {node.line}: {words[0]} in a way that is not followed")
    behind = replace(state, arrays={**state.arrays, _DIRECTORIES: kept[1:]}).printed(UNKNOWN)
    return change(machine, behind, ("cd", kept[0]), node)
