"""The texts of plans that a running archscan is asked about, by the names that it is to see."""

from __future__ import annotations

import os
import posixpath
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

MAX_FILES = 256
"""What one question of the API takes."""

MAX_TEXT_BYTES = 1 << 20
"""Of one plan; the server bounds the whole question."""

DOTENV = ".env"

_LEFT_OUT = frozenset({".git", ".hg", "node_modules", "__pycache__"})
"""Folders of tools, in which nobody plans a container."""


def texts(
    compose: Sequence[Path], manifests: Sequence[Path], environ: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """What the server gets: a Compose project below its folder's name, each manifest, each text of a folder.

    Raises:
        UsageError: one is not there, is no text, or there are more than one question takes.
    """
    found: dict[str, str] = {}
    if compose:
        _add_project(found, compose, environ)
    for path in manifests:
        if not files.is_folder(path):
            _add(found, path.name, path)
            continue
        for inner in _of_folder(path):
            _add(found, inner.relative_to(path).as_posix(), inner, in_folder=True)
    return found


def _add_project(found: dict[str, str], compose: Sequence[Path], environ: Mapping[str, str]) -> None:
    """The files of a project with its ``.env``, which tells in its last lines what the command line says of it here."""
    from scanner.formats.parsing.offload import Parsers
    from scanner.scan.plans.compose_sent import sent_project

    with closing(Parsers(1)) as parsers:
        project = sent_project(compose, environ, parsers)
    if isinstance(project, str):
        raise UsageError(f"{compose[0]}: {project}")
    whole = {path: posixpath.normpath(Path.cwd() / path) for path in project.texts}  # Compose follows no link either
    folder = posixpath.dirname(whole[project.roots[0]])
    base = posixpath.dirname(posixpath.commonpath([folder, *map(posixpath.dirname, whole.values())]))
    for path, place in whole.items():
        _add_text(found, posixpath.relpath(place, base), path, project.texts[path])
    dotenv = posixpath.relpath(posixpath.join(folder, DOTENV), base)
    names = [posixpath.relpath(whole[path], folder) for path in project.roots]
    separator = next(each for each in ":|;,\t" if not any(each in name for name in names) or each == "\t")
    told = {**project.variables, "COMPOSE_PATH_SEPARATOR": separator, "COMPOSE_FILE": separator.join(names)}
    lines = "".join(f"{name}={_quoted(value)}\n" for name, value in told.items())
    found[dotenv] = f"{found[dotenv]}\n{lines}" if dotenv in found else lines


def _add_text(found: dict[str, str], name: str, path: str, raw: bytes) -> None:
    try:
        found[name] = files.decode(raw, Path(path), MAX_TEXT_BYTES)
    except FileError as error:
        raise UsageError(str(error)) from None
    _refuse_too_many(found)


def _quoted(text: str) -> str:
    """A value of a ``.env`` that is taken as it is."""
    escaped = text.replace("'", "\\'")
    return f"'{escaped}'"


def _add(found: dict[str, str], name: str, path: Path, *, in_folder: bool = False) -> None:
    try:
        text = files.read_text(path, MAX_TEXT_BYTES)
    except FileError as error:
        if in_folder and _is_binary(path):
            return  # a picture among manifests plans nothing
        raise UsageError(str(error)) from None
    if found.setdefault(name, text) != text:
        raise UsageError(f"{path}: another file of this question is called {name} too: ask for each by itself")
    _refuse_too_many(found)


def _refuse_too_many(found: Mapping[str, str]) -> None:
    if len(found) > MAX_FILES:
        raise UsageError(f"these are more than {MAX_FILES} files, which one question takes: ask for each part of them")


def _of_folder(folder: Path) -> Iterator[Path]:
    """Its files in their order; links that lead to folders are not followed."""
    for place, inner, names in os.walk(folder):
        inner[:] = sorted(set(inner) - _LEFT_OUT)
        yield from (Path(place, name) for name in sorted(names) if files.is_file(Path(place, name)))


def _is_binary(path: Path) -> bool:
    try:
        with path.open("rb") as opened:
            return b"\0" in opened.read(8192)
    except OSError:
        return False
