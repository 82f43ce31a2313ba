"""The files of an inventory, read here, for the process that may open none."""

from __future__ import annotations

import contextlib
import glob
import os
import pwd
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.formats.files import is_folder
from scanner.inventory.error import InventoryError
from scanner.inventory.reading.inventory_file import read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_FILES = 200_000
"""Files in all: ten for each of twenty thousand hosts and groups."""

MAX_CHARS = 64 << 20
"""Of all files together, so that they fit into one call."""

MAX_WILDCARDS = 2
"""Parts of a path with wildcards: each one more looks into every folder that the others find."""

MAX_ACCOUNTS = 20
"""Accounts whose keys an inventory uses: one or two."""

_ACCOUNT = re.compile(r"~([A-Za-z_][A-Za-z0-9_.-]{0,63})/", re.ASCII)


@dataclass(slots=True)
class Snapshot:
    """Texts by path, what is wrong with files that have none, folders, what patterns find.

    ``homes`` are the folders of the accounts that the texts name as ``~NAME``.
    """

    texts: dict[str, str] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    folders: set[str] = field(default_factory=set)
    found: dict[str, tuple[str, ...]] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)
    chars: int = 0

    def add(self, path: Path | str) -> None:
        """Read one file; what is wrong with it is told to whoever asks for its text.

        Raises:
            InventoryError: there are too many, or they are too long together.
        """
        name = str(path)
        if name in self:
            return
        try:
            self.texts[name] = read_text(Path(path))
        except InventoryError as error:
            self.problems[name] = error.problems[0]
        self.chars += len(self.texts.get(name, ""))
        if len(self.texts) + len(self.problems) > MAX_FILES or self.chars > MAX_CHARS:
            raise InventoryError(
                [f"{name}: is one of more than {MAX_FILES} files, or of {MAX_CHARS} characters in all"]
            )

    def add_pattern(self, pattern: str) -> None:
        """Read the files that a pattern finds.

        Raises:
            InventoryError: as ``add``, or the pattern searches too much.
        """
        if sum(glob.has_magic(part) for part in Path(pattern).parts) > MAX_WILDCARDS:
            raise InventoryError([f"{pattern}: has more than {MAX_WILDCARDS} parts with wildcards"])
        self.found[pattern] = tuple(sorted(glob.glob(pattern)))  # noqa: PTH207 -- absolute patterns too
        for name in self.found[pattern]:
            self.add(name)

    def text(self, path: str) -> str:
        """The text of a file.

        Raises:
            InventoryError: it could not be read.
        """
        if path in self.texts:
            return self.texts[path]
        raise InventoryError([self.problems.get(path, f"{path}: cannot be read: No such file or directory")])

    def __contains__(self, path: str) -> bool:
        """Whether there is such a file, be it readable or not."""
        return path in self.texts or path in self.problems


def take(paths: Iterable[Path]) -> Snapshot:
    """These files.

    Raises:
        InventoryError: there are too many, or they are too long together.
    """
    snapshot = Snapshot()
    for path in paths:
        snapshot.add(path)
    return snapshot


def add_homes(snapshot: Snapshot) -> None:
    """Look up the accounts whose homes the texts name; those beyond ``MAX_ACCOUNTS``, and unknown ones, have none."""
    named = {name for text in snapshot.texts.values() for name in _ACCOUNT.findall(text)}
    for name in sorted(named - snapshot.homes.keys())[:MAX_ACCOUNTS]:
        with contextlib.suppress(KeyError):
            snapshot.homes[name] = pwd.getpwnam(name).pw_dir


def add_tree(snapshot: Snapshot, folder: Path, endings: tuple[str, ...], depth: int) -> None:
    """Add a folder's files with these endings, and its folders; hidden ones and copies are left out.

    Raises:
        InventoryError: as ``Snapshot.add``.
    """
    for path in _walked(folder, depth):
        if is_folder(path):
            snapshot.folders.add(str(path))
        elif path.suffix in endings or _may_end_a_name(path):
            snapshot.add(path)


def _may_end_a_name(path: Path) -> bool:
    """A host's file may be called by the host: ``web-1.example``."""
    return path.parent.name in {"group_vars", "host_vars"}


def _walked(folder: Path, depth: int) -> Iterator[Path]:
    try:
        inner = sorted(folder.iterdir(), key=lambda one: os.fsencode(one.name))
    except OSError:
        return
    for path in inner:
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        yield path
        if depth and is_folder(path):
            yield from _walked(path, depth - 1)
