"""The files of a plan directory, read within bounds."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.text import printable
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.probe.planned import folder
from scanner.probe.planned.plans import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_ENTRIES = 100_000
"""Names looked at: ten for each host of the largest fleet that one scanner is measured with."""

MAX_FILES = 20_000
"""Files read: two for each host of that fleet."""

MAX_TOTAL_BYTES = 64 << 20
"""Plans are written by hand or nearly so: twenty thousand files of 3 KiB."""

MAX_DEPTH = 8
"""Folders within a host's folder; deeper is a mistake."""

IGNORED = (".", "_")
"""How the names of folders begin that are no host's: ``.git``, or pieces that several hosts share."""


class TreeError(Exception):
    """The directory as a whole cannot be read; nobody can say what is planned."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The texts by path below the directory, the top folders, and what could not be read, by path, with its reason."""

    folders: tuple[str, ...] = ()
    texts: Mapping[str, bytes] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    unplaced: tuple[str, ...] = ()


def read(directory: Path) -> Tree:
    """Read every file that may plan something.

    Links are followed only to what is inside the directory, links to folders only where they are a host's own folder.

    Raises:
        TreeError: it cannot be listed, or holds more than a plan directory may.
    """
    return _Reading(directory).tree()


class _Reading:
    """One pass over the directory, counting what it costs."""

    def __init__(self, directory: Path) -> None:
        try:
            self._home = directory.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise TreeError(f"{directory}: {_why(error)}") from error
        self._entries = self._bytes = 0
        self._texts: dict[str, bytes] = {}
        self._unread: dict[str, str] = {}

    def tree(self) -> Tree:
        folders, unplaced = [], []
        for entry in self._listed(self._home, ""):
            if not self._is_inside(entry):
                self._unread[entry.name] = "a link that leads outside"
                folders.append(entry.name)
            elif entry.is_dir():
                folders.append(entry.name)
                self._walk(Path(entry.path).resolve(), entry.name, 1)
            elif folder.is_plan(entry.name) and entry.name != folder.DOTENV_NAME:
                unplaced.append(entry.name)
        return Tree(tuple(folders), MappingProxyType(self._texts), MappingProxyType(self._unread), tuple(unplaced))

    def _walk(self, place: Path, path: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._unread[path] = f"nested deeper than {MAX_DEPTH} folders"
            return
        for entry in self._listed(place, path):
            name = f"{path}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                self._walk(Path(entry.path), name, depth + 1)
            elif entry.is_symlink() and entry.is_dir():
                self._unread[name] = "a link to a folder"
            elif folder.is_plan(name):
                self._take(entry, name)

    def _listed(self, place: Path, path: str) -> Iterator[os.DirEntry[str]]:
        """What is in a folder, by name, without what is hidden, shared or no file of a plan."""
        try:
            with os.scandir(place) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not path:
                raise TreeError(f"{place}: {_why(error)}") from error
            self._unread[path] = _why(error)
            return
        self._entries += len(found)
        if self._entries > MAX_ENTRIES:
            raise TreeError(f"{self._home}: more than {MAX_ENTRIES} names")
        for entry in found:
            if not entry.name.startswith(".") or entry.name == folder.DOTENV_NAME:
                yield entry

    def _is_inside(self, entry: os.DirEntry[str]) -> bool:
        return Path(entry.path).resolve().is_relative_to(self._home)

    def _take(self, entry: os.DirEntry[str], name: str) -> None:
        if not self._is_inside(entry):
            self._unread[name] = "a link that leads outside"
            return
        try:
            raw = files.read_bytes(Path(entry.path).resolve(), MAX_DOCUMENT_BYTES, follow=False)
        except FileError as error:
            self._unread[name] = printable(error.problem, 200)
            return
        except OSError as error:  # the link leads in a circle
            self._unread[name] = _why(error)
            return
        self._bytes += len(raw)
        if len(self._texts) >= MAX_FILES or self._bytes > MAX_TOTAL_BYTES:
            raise TreeError(f"{self._home}: more than {MAX_FILES} files or {MAX_TOTAL_BYTES} bytes of plans")
        self._texts[name] = raw


def _why(error: Exception) -> str:
    return printable((error.strerror if isinstance(error, OSError) else None) or str(error), 200)
