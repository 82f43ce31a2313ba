"""Tells which files a shell surely cannot open or make in an image."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scanner.binary.program.shell.state import PathKind, is_known

if TYPE_CHECKING:
    from scanner.binary.program.shell.state import Files, State


def fails(files: Files, state: State, operator: str, target: str) -> bool:
    """Whether a redirection to this target surely fails."""
    if not is_known(target) or (re.fullmatch(r"\d*-?", target) and "&" in operator) or operator in {"<<", "<<-", "<<<"}:
        return False
    if operator == "<":
        return is_missing(files, state, target)
    if operator == ">" and {"C", "noclobber"} & state.options and stands_as(files, state, target, PathKind.FILE):
        return True
    return ">" in operator and (
        forbids(files, state, target)
        or stands_as(files, state, target, PathKind.DIRECTORY)
        or lacks_directory(files, state, target)
    )


_MADE_BY_ENGINES = frozenset({
    "/etc", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab", "/run", "/run/.containerenv", "/.dockerenv",
})  # fmt: skip


def _path(state: State, path: str) -> str | None:
    """The absolute path, ``None`` where it is not known or where something else than the image's may stand.

    The script may have made or removed it, or the engine, the working directory among it.
    """
    absolute = _untouched(state, path)
    return None if absolute is None or _is_made(state, absolute) else absolute


def _untouched(state: State, path: str) -> str | None:
    """The absolute path, ``None`` where it is not known or where the script, or what it started, may have been at it."""
    if not path or not is_known(state.cwd) or state.has_started:
        return None
    absolute = posixpath.normpath(state.absolute(path))
    return None if state.touched(absolute) else absolute


def _is_made(state: State, absolute: str) -> bool:
    return absolute in _MADE_BY_ENGINES or f"{state.cwd}/".startswith(f"{absolute.rstrip('/')}/")


def stands_as(files: Files, state: State, path: str, kind: PathKind) -> bool:
    """Whether a path surely is of this kind."""
    at = _path(state, path)
    return at is not None and files.stands(at).kind is kind


def is_missing(files: Files, state: State, path: str) -> bool:
    """Whether surely nothing stands at a path."""
    return stands_as(files, state, path, PathKind.MISSING)


def forbids(files: Files, state: State, path: str) -> bool:
    """Whether its user surely may not write at a path, nor make it where nothing stands."""
    at = _untouched(state, path)
    if at is None or (_is_made(state, at) and files.stands(at).kind is PathKind.MISSING):
        return False
    return files.forbids(at)


def is_there(files: Files, state: State, path: str) -> bool:
    """Whether surely a file or a directory stands at a path."""
    return stands_as(files, state, path, PathKind.FILE) or stands_as(files, state, path, PathKind.DIRECTORY)


def lacks_directory(files: Files, state: State, path: str) -> bool:
    """Whether the directory in which a path is to be made is none."""
    above = posixpath.dirname(posixpath.normpath(state.absolute(path)))
    return is_missing(files, state, above) or stands_as(files, state, above, PathKind.FILE)
