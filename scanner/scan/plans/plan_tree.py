"""The files of a plan directory, read within bounds."""

from __future__ import annotations

import os
import posixpath
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.text import printable
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.probe.planned import file_kinds
from scanner.probe.planned.plans import MAX_DOCUMENT_BYTES, UnclearError
from scanner.probe.planned.units import included_tables
from scanner.probe.planned.units.included_tables import Folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.probe.planned.units.included_tables import Table

MAX_ENTRIES = 100_000
"""Names looked at: ten for each host of the largest fleet that one scanner is measured with."""

MAX_FILES = 20_000
"""Files read: two for each host of that fleet."""

MAX_TOTAL_BYTES = 64 << 20
"""Plans are written by hand or nearly so: twenty thousand files of 3 KiB."""

GLANCED_BYTES = 4 << 20
"""How much of a file that is too long to be read is looked at for what it could be."""

MAX_GLANCED_BYTES = 256 << 20
"""Of all such files: sixty-four of them; those beyond are unread, whatever they are."""

MAX_DEPTH = 8
"""Folders within a host's folder; deeper is a mistake."""

MAX_SCRIPTS = 1000
"""Scripts read, with files that they or units name: one for each host of a fleet that starts containers so.

A unit that runs one of the others is a gap.
"""

MAX_SCRIPT_BYTES = 64 << 10
"""What the reader of scripts takes."""

MAX_INCLUDES = 5
"""Tables that others include, within each other."""

IGNORED = (".", "_")
"""How the names of folders begin that are no host's: ``.git``, or pieces that several hosts share."""


class TreeError(Exception):
    """The directory as a whole cannot be read; nobody can say what is planned."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The texts by path below the directory, the top folders, and what could not be read, by path, with its reason.

    ``others`` are the files within folders that are no plans by their names.
    """

    folders: tuple[str, ...] = ()
    texts: Mapping[str, bytes] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict)
    unplaced: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def read(directory: Path) -> Tree:
    """Read every file that may plan something.

    Links are followed only to what is inside the directory, links to folders only where they are a host's own folder.

    Raises:
        TreeError: it cannot be listed, or holds more than a plan directory may.
    """
    return _Reading(directory).tree()


def read_whole(directory: Path) -> Tree:
    """Read every file below ``directory`` as one folder, under its own name.

    Raises:
        TreeError: as ``read``.
    """
    return _Reading(directory).whole()


class _Reading:
    """One pass over the directory, counting what it costs."""

    def __init__(self, directory: Path) -> None:
        try:
            self._home = directory.resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise TreeError(f"{directory}: {_why(error)}") from error
        self._entries = self._bytes = self._glanced = self._scripts = 0
        self._others: list[str] = []
        self._texts: dict[str, bytes] = {}
        self._unread: dict[str, str] = {}

    def tree(self) -> Tree:
        folders, unplaced = [], []
        for entry in self._listed(self._home, ""):
            if not self._is_inside(entry):
                self._unread[entry.name] = "a link that leads outside"
                folders.append(entry.name)
            elif (is_folder := self._is_folder(entry, entry.name)) is not False:
                folders.append(entry.name)
                if is_folder:
                    self._walk(files.real(Path(entry.path)), entry.name, 1)
            elif file_kinds.is_named_like_a_plan(entry.name) and not file_kinds.is_environment(entry.name):
                unplaced.append(entry.name)
        self._take_named(self._home)
        texts, unread = MappingProxyType(self._texts), MappingProxyType(self._unread)
        return Tree(tuple(folders), texts, unread, tuple(unplaced), tuple(self._others))

    def whole(self) -> Tree:
        name = self._home.name or "plans"
        self._walk(self._home, name, 1)
        self._take_named(self._home, skipped=f"{name}/")
        return Tree((name,), MappingProxyType(self._texts), MappingProxyType(self._unread), (), tuple(self._others))

    def _walk(self, place: Path, path: str, depth: int) -> None:
        if depth > MAX_DEPTH:
            self._unread[path] = f"nested deeper than {MAX_DEPTH} folders"
            return
        for entry in self._listed(place, path):
            name = f"{path}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                self._walk(Path(entry.path), name, depth + 1)
            elif entry.is_symlink() and (is_folder := self._is_folder(entry, name)) is not False:
                if is_folder:
                    self._unread[name] = "a link to a folder"
            elif file_kinds.is_named_like_a_plan(name):
                self._take(entry, name)
            elif not self._take_script(entry, name):
                self._others.append(name)

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
            if not entry.name.startswith(".") or file_kinds.is_known_though_hidden(entry.name):
                yield entry

    def _is_folder(self, entry: os.DirEntry[str], name: str) -> bool | None:
        """Whether it is one; ``None`` where a link cannot be followed, which leaves a gap."""
        try:
            return entry.is_dir()
        except OSError as error:
            self._unread[name] = _why(error)
            return None

    def _is_inside(self, entry: os.DirEntry[str]) -> bool:
        return files.is_below(Path(entry.path), self._home)

    def _take(self, entry: os.DirEntry[str], name: str) -> None:
        if not self._is_inside(entry):
            self._unread[name] = "a link that leads outside"
            return
        try:
            raw = files.read_bytes(files.real(Path(entry.path)), MAX_DOCUMENT_BYTES, follow=False)
        except FileError as error:
            self._leave(entry, name, error)
            return
        self._bytes += len(raw)
        if len(self._texts) - self._scripts >= MAX_FILES or self._bytes > MAX_TOTAL_BYTES:
            raise TreeError(f"{self._home}: more than {MAX_FILES} files or {MAX_TOTAL_BYTES} bytes of plans")
        self._texts[name] = raw

    def _take_script(self, entry: os.DirEntry[str], name: str) -> bool:
        """A script that a unit may run; any other file is left alone."""
        if not file_kinds.may_be_a_script(name) or not self._is_inside(entry):
            return False
        place = files.real(Path(entry.path))
        try:
            if not file_kinds.is_script(name, files.first_bytes(place, len(file_kinds.SCRIPT_MARK))):
                return False
        except (FileError, OSError):
            return False
        self._scripts += 1
        self._texts[name] = file_kinds.UNREAD_SCRIPT
        with suppress(FileError, OSError):
            if self._scripts <= MAX_SCRIPTS:
                self._texts[name] = files.read_bytes(place, MAX_SCRIPT_BYTES, follow=False)
        return True

    def _take_named(self, home: Path, skipped: str = "") -> None:
        """Files of any name from which a unit, a script or a table takes variables or commands, below any folder around it."""
        asking: Mapping[str, bytes] = dict(self._texts)
        included: dict[str, Table] = {}
        for _ in range(MAX_INCLUDES):
            named, tables = self._named(asking, included)
            included = tables
            taken: dict[str, bytes] = {}
            for name in (name for name in self._others if name in named):
                place = (home / name.removeprefix(skipped)).resolve()
                self._scripts += 1
                if self._scripts > MAX_SCRIPTS:
                    self._unread.update(dict.fromkeys(tables.keys() - taken, "a table, of which there are many"))
                    break
                try:
                    if place.is_relative_to(self._home):
                        taken[name] = files.read_bytes(place, MAX_SCRIPT_BYTES, follow=False)
                except (FileError, OSError) as error:
                    if name in tables:
                        self._unread[name] = _why(error)
            self._texts.update(taken)
            self._others = [name for name in self._others if name not in taken]
            asking = taken
            if not taken:
                break

    def _named(self, asking: Mapping[str, bytes], included: Mapping[str, Table]) -> tuple[set[str], dict[str, Table]]:
        """Of the other files those that some which are read may name; of these the tables that others include."""
        others, by_end = set(self._others), defaultdict[str, list[str]](list)
        for path in self._others:
            for end in _ends(path):
                by_end[end].append(path)
        basenames = {posixpath.basename(path) for path in self._others}
        folders = Folders(self._others)
        found: set[str] = set()
        tables: dict[str, Table] = {}
        for path, raw in asking.items():
            for name in file_kinds.named_by(path, raw):
                if not name.startswith("/"):
                    found.update(by_end.pop(name.removeprefix("./"), ()))  # another file may name the same
                elif name.endswith("/*"):
                    found.update(one for root in _around(path) for one in folders.matching(f"{root}{name}"))
                elif posixpath.basename(name) in basenames:
                    found.update(others.intersection(f"{root}{name}" for root in _around(path)))
            with suppress(UnclearError):  # told where its commands are read
                if table := included.get(path) or included_tables.named(path):
                    tables |= {one.path: one for one in included_tables.included(table, raw, folders)}
        return found | tables.keys(), tables

    def _leave(self, entry: os.DirEntry[str], name: str, error: FileError) -> None:
        """A file that is not read; one that is too long and no plan by what it begins with is left alone."""
        head = self._head(entry, name)
        is_long = len(head) > MAX_DOCUMENT_BYTES
        if is_long and file_kinds.could_be(name, head, is_whole=len(head) < GLANCED_BYTES) is None:
            self._others.append(name)
        else:
            self._unread[name] = printable(error.problem, 200)

    def _head(self, entry: os.DirEntry[str], name: str) -> bytes:
        if not file_kinds.is_yaml(name) or self._glanced >= MAX_GLANCED_BYTES:
            return b""
        try:
            head = files.first_bytes(Path(entry.path), GLANCED_BYTES)
        except FileError:
            return b""
        self._glanced += len(head)
        return head


def _ends(path: str) -> Iterator[str]:
    """A file as it is named from each of the folders around it."""
    while "/" in path:
        path = path.partition("/")[2]
        yield path


def _around(path: str) -> Iterator[str]:
    """The folders around a file, each of which may stand for a host's root."""
    while "/" in path:
        path = path.rpartition("/")[0]
        yield path


def _why(error: Exception) -> str:
    return printable((error.strerror if isinstance(error, OSError) else None) or str(error), 200)
