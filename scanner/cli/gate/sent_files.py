"""The texts of plans that a running archscan is asked about, by the names that it is to see."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_FILES = 256
"""What one question of the API takes."""

MAX_TEXT_BYTES = 1 << 20
"""Of one plan; the server bounds the whole question."""

_LEFT_OUT = frozenset({".git", ".hg", "node_modules", "__pycache__"})
"""Folders of tools, in which nobody plans a container."""


def texts(compose: Sequence[Path], manifests: Sequence[Path]) -> dict[str, str]:
    """What the server gets: each file of Compose with the ``.env`` beside it, each manifest, each text of a folder.

    Raises:
        UsageError: one is not there, is no text, or there are more than one question takes.
    """
    found: dict[str, str] = {}
    for path in compose:
        _add(found, path.name, path)
        beside = path.with_name(".env")
        if files.is_file(beside):
            _add(found, ".env", beside)
    for path in manifests:
        if not files.is_folder(path):
            _add(found, path.name, path)
            continue
        for inner in _of_folder(path):
            _add(found, inner.relative_to(path).as_posix(), inner, in_folder=True)
    return found


def _add(found: dict[str, str], name: str, path: Path, *, in_folder: bool = False) -> None:
    try:
        text = files.read_text(path, MAX_TEXT_BYTES)
    except FileError as error:
        if in_folder and _is_binary(path):
            return  # a picture among manifests plans nothing
        raise UsageError(str(error)) from None
    if found.setdefault(name, text) != text:
        raise UsageError(f"{path}: another file of this question is called {name} too: ask for each by itself")
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
