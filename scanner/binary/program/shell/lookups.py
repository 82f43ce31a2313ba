"""Where a shell finds the programs that its script names."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, unsplit
from scanner.binary.program.busybox import APPLETS, RARER_APPLETS
from scanner.binary.program.injected import is_injected
from scanner.binary.program.script import Shebang, is_shell, parse
from scanner.binary.program.shell import uncomputed
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
    return any(write.may_make(place) for write in state.written for place in places)


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
    """Why a program, or a file to read, that is not known to its last character is not there; empty where it may be.

    Nothing in the image fits it, nor has its script made by itself anything that may; what other programs may have made
    is no reason to take it for there.
    """
    word = unsplit(word)
    name = word.rpartition("/")[2]
    made = [each for each in state.written if not each.makes]
    ends = [each.path.rpartition("/")[2] for each in made]
    if any(end == name or UNKNOWN in end for end in ends) or any(each.below and not each.is_sure for each in made):
        return ""
    if UNKNOWN in name and (made or _is_a_function(state, word)):
        return ""
    path = state.value("PATH")
    return uncomputed.lacking(files, word, state.cwd, (UNKNOWN,) if path is None else path.split(":"))


def _is_a_function(state: State, word: str) -> bool:
    """Whether a name may be that of a function or of another word for a command."""
    start = word[: word.index(UNKNOWN)]
    return "/" not in word and any(each.startswith(start) for each in (*state.functions, *state.aliases))


_OF_SYSTEMS = frozenset({"/bin", "/usr/bin", "/sbin", "/usr/sbin"})
"""Where distributions keep their own programs, some of which are scripts."""


def is_own_script(files: Files, state: State, name: str) -> bool:
    """Whether a well-known name leads to a shell's script that the image has elsewhere than a distribution keeps its programs."""
    found = located(files, state, name) if is_known(name) and is_known(state.cwd) else None
    standing = files.stands(state.absolute(found)) if found else None
    if found is None or standing is None or standing.kind is not PathKind.FILE:
        return False
    places = {posixpath.dirname(path) for path in (posixpath.normpath(state.absolute(found)), standing.path)}
    if places & _OF_SYSTEMS:
        return False
    text = files.text(standing.path) or b""
    shebang = parse(text) if text.startswith(b"#!") else None
    return isinstance(shebang, Shebang) and is_shell(shebang)


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
