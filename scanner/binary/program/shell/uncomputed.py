"""Looks in an image for what a path may lead to of which only parts are known before its script runs."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scanner.binary.program.argv import UNKNOWN, unsplit
from scanner.binary.program.shell.image_paths import PathKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.binary.program.shell.image_paths import Files

MAX_NAMES = 512
"""Names of one directory in each of which the known rest of a path is looked for."""


def lacking(files: Files, word: str, cwd: str, path: Sequence[str]) -> str:
    """Why nothing in the image fits a path, or a name that is looked for in ``path``; empty where something may.

    Nothing is said of a word of which no part is known, nor of a directory whose names are not known.
    """
    word = unsplit(word)
    name = word.rpartition("/")[2]
    if UNKNOWN not in word or not word.strip(f"{UNKNOWN}/."):
        return ""
    if "/" not in word:
        return _in_path(files, name, cwd, path)
    if name and UNKNOWN not in name and not files.is_called(name):
        return f"nothing in the image is called {name}"
    if not word.startswith("/"):
        if UNKNOWN in cwd or word.startswith(UNKNOWN):
            return ""
        word = f"{cwd}/{word}"
    return _in_directory(files, *_parts(word))


def is_missing(files: Files, path: str) -> bool:
    """Whether surely nothing stands at a path of which only parts are known; what is no absolute one may lead anywhere."""
    if not path.startswith("/"):
        return False
    head, part, rest = _parts(path.rstrip("/"))
    if part == UNKNOWN and not rest and files.stands(head).kind is not PathKind.MISSING:
        return False  # the directory itself, should nothing follow
    return bool(_in_directory(files, head, part, rest))


def _parts(path: str) -> tuple[str, str, str]:
    """The directory that is known of an absolute path, the first name that is not, what follows behind it."""
    at = path.rfind("/", 0, path.index(UNKNOWN)) + 1
    part, slash, rest = path[at:].partition("/")
    return posixpath.normpath(f"/{path[:at].lstrip('/')}"), part, f"{slash}{rest}"


def _in_path(files: Files, name: str, cwd: str, path: Sequence[str]) -> str:
    """A name that the shell looks for in all directories of PATH."""
    start, end = name[: name.index(UNKNOWN)], name[name.rindex(UNKNOWN) + 1 :]
    if not start:
        return ""  # what comes first may hold slashes
    for directory in path:
        if UNKNOWN in directory or (not directory.startswith("/") and UNKNOWN in cwd):
            return ""
        at = directory if directory.startswith("/") else f"{cwd}/{directory or '.'}"
        if files.stands(at).kind is PathKind.MISSING:
            continue
        names = files.names(at)
        if names is None or any(each.startswith(start) and each.endswith(end) for each in names):
            return ""
    return f"nothing in PATH is called {_shown(name)}"


def _in_directory(files: Files, head: str, part: str, rest: str) -> str:
    """What fits ``part`` in a directory, with ``rest`` below it; unknown text may hold slashes, or nothing."""
    kind = files.stands(head).kind
    if kind is PathKind.MISSING:
        return f"{head} is not in the image"
    names = files.names(head) if kind is PathKind.DIRECTORY else None
    if names is None or len(names) > MAX_NAMES:
        return ""
    start = part[: part.index(UNKNOWN)]
    fitting = [each for each in names if each.startswith(start)]
    if not rest and not part.endswith(UNKNOWN):
        end = part[part.rindex(UNKNOWN) + 1 :]
        fitting = [each for each in fitting if each.endswith(end) or _is_folder(files, f"{head}/{each}")]
    elif rest and UNKNOWN not in rest and fitting:
        places = [f"{head}/{each}{rest}" for each in fitting] + ([f"{head}{rest}"] if part == UNKNOWN else [])
        if all(files.stands(each).kind is PathKind.MISSING for each in places) and not _is_deep(files, head, fitting):
            return f"nothing in {head} has {rest.lstrip('/')}"
    return "" if fitting else f"nothing in {head} is called {_shown(part)}"


def _is_folder(files: Files, path: str) -> bool:
    return files.stands(path).kind is not PathKind.FILE


def _is_deep(files: Files, head: str, names: Sequence[str]) -> bool:
    """Whether there are directories in the directories that fit, so that unknown text with a slash in it may lead on."""
    for each in names:
        below = files.names(f"{head}/{each}") if _is_folder(files, f"{head}/{each}") else ()
        if below is None or len(below) > MAX_NAMES or any(_is_folder(files, f"{head}/{each}/{one}") for one in below):
            return True
    return False


def _shown(name: str) -> str:
    return name.replace(UNKNOWN, "…")
