"""Tells which files shells, like the usual tools, surely cannot open, read or make in an image."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from scanner.binary.program.shell.state import PathKind, is_known

if TYPE_CHECKING:
    from scanner.binary.program.shell.state import Files, State

_OPTIONS = {
    "cat": r"-[AbeEnstTuv]+",
    "cp": r"-[abdfHilLnPpRrsuvx]+|--(?:archive|force|recursive|verbose|preserve(?:=[\w,]+)?|no-clobber|update)",
    "mv": r"-[finuvT]+|--(?:force|no-clobber|verbose|update)",
    "rm": r"-[drRv]+|--(?:recursive|verbose|dir)",
    "chmod": r"-[cRv]+|--(?:recursive|changes|verbose)",
    "sed": r"-[nrEsuz]+|-i\S{0,20}|--in-place(?:=\S{1,20})?|--(?:quiet|silent|regexp-extended)",
    "mkdir": r"-v|--verbose|-m\S{1,10}|--mode=\S{1,10}",
    "grep": r"-[EFGPchilnovwxqs]+|--(?:quiet|silent|ignore-case|fixed-strings|extended-regexp)",
    "ln": r"-[srv]+|--(?:symbolic|relative|verbose)",
}
"""Options under which each tool looks at its operands as without them; with any other nothing is said."""


def fails(files: Files, state: State, operator: str, target: str) -> bool:
    """Whether a redirection to this target surely fails."""
    if not is_known(target) or (re.fullmatch(r"\d*-?", target) and "&" in operator) or operator in {"<<", "<<-", "<<<"}:
        return False
    if operator == "<":
        return _is_missing(files, state, target)
    if operator == ">" and {"C", "noclobber"} & state.options and _is(files, state, target, PathKind.FILE):
        return True
    return ">" in operator and (_is(files, state, target, PathKind.DIRECTORY) or _lacks_directory(files, state, target))


def refuses(files: Files, state: State, name: str, words: tuple[str, ...]) -> bool:
    """Whether one of the usual tools surely ends with a failure for what its operands name."""
    options = [word for word in words[1:] if word.startswith("-") and word != "-"]
    operands = [word for word in words[1:] if not word.startswith("-")]
    if (
        name not in _OPTIONS
        or "-" in words
        or not all(map(is_known, words))
        or any(set("*?[") & set(o) for o in operands)
    ):
        return False
    if not all(re.fullmatch(_OPTIONS[name], option) for option in options):
        return False
    match name:
        case "cat" | "rm":
            return any(_is_missing(files, state, each) for each in operands)
        case "cp" | "mv":
            return any(_is_missing(files, state, each) for each in operands[:-1])
        case "chmod" | "sed":
            return any(_is_missing(files, state, each) for each in operands[1:])
        case "grep":
            return len(operands) == 2 and _is_missing(files, state, operands[1])  # noqa: PLR2004 - a pattern and a file
        case "mkdir":
            return any(_is_there(files, state, each) or _lacks_directory(files, state, each) for each in operands)
        case _:
            return len(operands) == 2 and _is(files, state, operands[1], PathKind.FILE)  # noqa: PLR2004 - ln: target, name


_MADE_BY_ENGINES = frozenset({"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab", "/.dockerenv"})


def _path(state: State, path: str) -> str | None:
    """The absolute path, ``None`` where it is not known or where something else than the image's may stand.

    The script may have made or removed it, or the engine, the working directory among it.
    """
    if not path or not is_known(state.cwd) or state.has_started:
        return None
    absolute = posixpath.normpath(state.absolute(path))
    is_made = absolute in _MADE_BY_ENGINES or f"{state.cwd}/".startswith(f"{absolute.rstrip('/')}/")
    return None if is_made or state.touched(absolute) else absolute


def _is(files: Files, state: State, path: str, kind: PathKind) -> bool:
    at = _path(state, path)
    return at is not None and files.stands(at).kind is kind


def _is_missing(files: Files, state: State, path: str) -> bool:
    return _is(files, state, path, PathKind.MISSING)


def _is_there(files: Files, state: State, path: str) -> bool:
    return _is(files, state, path, PathKind.FILE) or _is(files, state, path, PathKind.DIRECTORY)


def _lacks_directory(files: Files, state: State, path: str) -> bool:
    """Whether the directory in which a path is to be made is none."""
    above = posixpath.dirname(posixpath.normpath(state.absolute(path)))
    return _is_missing(files, state, above) or _is(files, state, above, PathKind.FILE)
