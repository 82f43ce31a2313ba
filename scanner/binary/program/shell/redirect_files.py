"""Tells which files a shell surely cannot open or make in an image."""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN
from scanner.binary.program.shell.image_paths import PathKind
from scanner.binary.program.shell.state import is_known

if TYPE_CHECKING:
    from scanner.binary.program.shell.image_paths import Files
    from scanner.binary.program.shell.state import State
    from scanner.binary.program.shell.writes import Write


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


def _path(files: Files, state: State, path: str) -> str | None:
    """The absolute path, ``None`` where it is not known or where something else than the image's may stand.

    The script may have made or removed it, or the engine, the working directory among it.
    """
    absolute = untouched(files, state, path)
    return None if absolute is None or is_made(state, absolute) else absolute


def untouched(files: Files, state: State, path: str) -> str | None:
    """The absolute path, ``None`` where it is not known or where the script, or what it started, may have been at it."""
    if not path or not is_known(state.cwd) or not state.is_sure_of_files:
        return None
    absolute = posixpath.normpath(state.absolute(path))
    led = led_to(files, absolute)
    return None if led is None or state.touched(absolute) or state.touched(led) else absolute


def led_to(files: Files, absolute: str) -> str | None:
    """Where the links on the way to a path, and at it, lead; ``None`` where one leads to nothing that is known."""
    head, rest = absolute, ""
    while head != "/":
        standing = files.stands(head)
        if standing.kind in {PathKind.FILE, PathKind.DIRECTORY}:
            return posixpath.normpath(f"{standing.path or head}/{rest}")
        if files.is_link(head) is not False:
            return None
        head, rest = posixpath.dirname(head), posixpath.join(posixpath.basename(head), rest)
    return absolute


def is_elsewhere(files: Files, written: Write) -> bool:
    """Whether links lead what is written to another place than the one that is recorded."""
    if written.path.startswith(UNKNOWN):
        return False  # may be anything already
    known, *more = written.path.split(UNKNOWN, 1)
    path = posixpath.dirname(known) if more else known
    return led_to(files, path) != path


def with_led(files: Files, made: tuple[Write, ...]) -> tuple[Write, ...]:
    """Changes, with those of the paths to which links lead them."""
    return tuple(dict.fromkeys((*made, *(led for each in made if (led := _led(files, each)) is not None))))


def _led(files: Files, written: Write) -> Write | None:
    known, mark, _ = written.path.partition(UNKNOWN)
    path = posixpath.dirname(known) if mark else known
    led = led_to(files, path) if path.startswith("/") else None
    return None if led in {None, path} else replace(written, path=f"{led}{written.path[len(path) :]}")


def is_made(state: State, absolute: str) -> bool:
    """Whether an engine makes what stands at a path, the working directory among it."""
    return absolute in _MADE_BY_ENGINES or f"{state.cwd}/".startswith(f"{absolute.rstrip('/')}/")


def is_volume(state: State, absolute: str) -> bool:
    """Whether a path lies on what an engine mounts, so that something else may stand there each time."""
    return any(f"{absolute}/".startswith(f"{each.rstrip('/')}/") for each in (*state.mounts, *state.volumes))


def stands_as(files: Files, state: State, path: str, kind: PathKind) -> bool:
    """Whether a path surely is of this kind."""
    at = _path(files, state, path)
    return at is not None and files.stands(at).kind is kind


def is_missing(files: Files, state: State, path: str) -> bool:
    """Whether surely nothing stands at a path."""
    return stands_as(files, state, path, PathKind.MISSING)


def forbids(files: Files, state: State, path: str) -> bool:
    """Whether its user surely may not write at a path, nor make it where nothing stands."""
    at = untouched(files, state, path)
    if at is None or (is_made(state, at) and files.stands(at).kind is PathKind.MISSING):
        return False
    return files.forbids(at)


def is_others(files: Files, state: State, path: str) -> bool:
    """Whether what stands at a path surely is not its user's."""
    at = _path(files, state, path)
    return at is not None and files.is_others(at)


def is_there(files: Files, state: State, path: str) -> bool:
    """Whether surely a file or a directory stands at a path."""
    return stands_as(files, state, path, PathKind.FILE) or stands_as(files, state, path, PathKind.DIRECTORY)


def lacks_directory(files: Files, state: State, path: str) -> bool:
    """Whether the directory in which a path is to be made is none."""
    above = posixpath.dirname(posixpath.normpath(state.absolute(path)))
    return is_missing(files, state, above) or stands_as(files, state, above, PathKind.FILE)
