"""The files of ``group_vars`` or ``host_vars`` beside an inventory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.inventory.ansible_groups import KEPT, Value, Variables
from scanner.inventory.error import InventoryError
from scanner.inventory.inventory_file import Located, parse_located, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scanner.inventory.ansible_groups import Groups

VAULT = "$ANSIBLE_VAULT"
"""How an encrypted file starts."""

ENDINGS = ("", ".yml", ".yaml", ".json")
"""In this order; the first that is there is the only one that is read."""

MAX_DEPTH = 10
"""Folders in a folder of variables; a loop of links has no end."""

MAX_FILES = 200_000
"""Files in all: ten for each of twenty thousand hosts and groups."""


class VarsFiles:
    """Reads the variables beside one inventory; each file is looked for once."""

    def __init__(self, groups: Groups, folder: Path) -> None:
        self._groups, self._folder = groups, folder
        self._files_left = MAX_FILES

    def read(self) -> None:
        """Adds what the files say; one that cannot be understood costs its group, or its host.

        Raises:
            InventoryError: there are too many files.
        """
        names = _names(self._folder / "group_vars")
        for name, group in self._groups.groups.items():
            if _first_part(name) in names:
                group.beside, problem = self._variables(self._folder / "group_vars", name)
                group.problem = group.problem or problem
        names = _names(self._folder / "host_vars")
        for name, host in self._groups.hosts.items():
            if _first_part(name) in names:
                host.beside, problem = self._variables(self._folder / "host_vars", name)
                host.problem = host.problem or problem

    def _variables(self, folder: Path, name: str) -> tuple[Variables, str]:
        """The variables of one group or host, with what is wrong in their files."""
        found: Variables = {}
        problem = ""
        for path in self._files_of(folder, name):
            self._files_left -= 1
            if self._files_left < 0:
                raise InventoryError([f"{folder}: has more than {MAX_FILES} files"])
            try:
                found |= self._of_file(path)
            except InventoryError as error:
                problem = problem or error.problems[0]
        return found, problem

    def _files_of(self, folder: Path, name: str) -> Iterator[Path]:
        if name.startswith("/") or ".." in name.split("/"):
            return
        for ending in ENDINGS:
            path = folder / f"{name}{ending}"
            if path.is_dir():
                yield from _files_in(path, MAX_DEPTH)
                return
            if path.exists():
                yield path
                return

    def _of_file(self, path: Path) -> Variables:
        text = read_text(path)
        if text.startswith(VAULT):
            told = "is encrypted: what it says of hosts is not known here; via: ansible-inventory reads it"
            self._groups.notes[f"{path}: {told}"] = None
            return {}
        tree = parse_located(text, str(path))
        if tree.value is None:
            return {}
        if not isinstance(tree.value, dict):
            raise InventoryError([f"{path}: must be a mapping of variables"])
        return _kept(tree)


def _kept(tree: Located) -> Variables:
    return {name: Value(tree.value[name], tree.place(name)) for name in tree.value if name in KEPT}


def _names(folder: Path) -> frozenset[str]:
    """What lies in a folder, with and without its ending; looking there for each of ten thousand hosts takes longer."""
    try:
        found = [path.name for path in folder.iterdir()]
    except OSError:
        return frozenset()
    return frozenset(name.removesuffix(ending) for name in found for ending in ENDINGS)


def _first_part(name: str) -> str:
    return name.partition("/")[0]


def _files_in(folder: Path, depth: int) -> Iterator[Path]:
    """The files of a folder in the order of their names, hidden ones and copies left out, as Ansible does."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir():
            if not path.suffix and depth:
                yield from _files_in(path, depth - 1)
        elif path.suffix in ENDINGS:
            yield path
