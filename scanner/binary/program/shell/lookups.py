"""Where a shell finds the programs that its script names."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.busybox import APPLETS, RARER_APPLETS
from scanner.binary.program.injected import is_injected
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.state import ShellKind, is_known

if TYPE_CHECKING:
    from scanner.binary.program.shell.image_paths import Files
    from scanner.binary.program.shell.state import State


def located(files: Files, state: State, name: str) -> str | None:
    """Where PATH has a program, empty where nowhere, ``None`` where that is not known."""
    found = _in_image(files, state, name)
    if found != "":
        return found
    return None if state.may_have_made or _is_filled(state, name) else ""


def _is_filled(state: State, name: str) -> bool:
    """Whether the script itself may have put a program of this name where it is looked for."""
    places = [posixpath.normpath(state.absolute(candidate)) for candidate in _candidates(state, name) or ()]
    return any(write.fills(place) for write in state.written for place in places)


def _candidates(state: State, name: str) -> list[str] | None:
    if "/" in name:
        return [name]
    path = state.value("PATH")
    if path is None or not is_known(path):
        return None
    return [f"{directory.rstrip('/') or ('' if directory else '.')}/{name}" for directory in path.split(":")]


def _in_image(files: Files, state: State, name: str) -> str | None:
    """Where the image itself has a program, empty where nowhere, ``None`` where that is not known."""
    candidates = _candidates(state, name)
    for candidate in candidates or ():
        standing = files.stands(state.absolute(candidate))
        if standing.kind is PathKind.UNKNOWN:
            return None
        if standing.kind is PathKind.FILE and standing.executable:
            return candidate
    return None if candidates is None else ""


def uncalled(files: Files, state: State, word: str) -> str:
    """Why a program whose directory is not known surely is not there; empty where it may be.

    Nothing in the image has its name, nor has its script made anything that may have it.
    """
    directory, _, name = word.rpartition("/")
    if UNKNOWN not in directory or not name or UNKNOWN in name or not state.is_sure_of_files:
        return ""
    ends = [each.path.rpartition("/")[2] for each in state.written if not each.makes]
    if any(end == name or UNKNOWN in end for end in ends) or any(
        each.below and not each.is_sure for each in state.written
    ):
        return ""
    return "" if files.is_called(name) else f"nothing in the image is called {name}"


_BUILT_IN = frozenset({"bind", "chdir", "complete", "compopt", "help", "history", "logout"})
"""Builtins of one shell or another that are not followed, so that no file need stand for them."""


def is_missing(files: Files, state: State, name: str, kind: ShellKind) -> bool:
    """Whether a shell surely finds no program of this name: then it goes on with the status 127, or 126."""
    return _is_looked_up(state, name, kind) and located(files, state, name) == ""


def is_absent(files: Files, state: State, name: str, kind: ShellKind) -> bool:
    """Whether a shell finds no program of this name unless another program that ran before has made it."""
    return _is_looked_up(state, name, kind) and _in_image(files, state, name) == "" and not _is_filled(state, name)


def _is_looked_up(state: State, name: str, kind: ShellKind) -> bool:
    """Whether a name leads to a file of the image, and to nothing else."""
    if not is_known(name) or not is_known(state.cwd) or is_injected(name):
        return False
    if "/" not in name and (name in _BUILT_IN or "command_not_found_handle" in state.functions):
        return False
    # builds of busybox run their applets without any file
    return "/" in name or kind in {ShellKind.BASH, ShellKind.DASH} or name not in APPLETS | RARER_APPLETS
