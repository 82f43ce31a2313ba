"""The files of ``group_vars`` or ``host_vars`` beside an inventory."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from scanner.inventory.ansible_groups import KEPT, Value, Variables
from scanner.inventory.error import InventoryError
from scanner.inventory.inventory_file import Located, parse_located

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.inventory.ansible_groups import Groups
    from scanner.inventory.snapshot import Snapshot

VAULT = "$ANSIBLE_VAULT"
"""How an encrypted file starts."""

ENDINGS = ("", ".yml", ".yaml", ".json")
"""In this order; the first that is there is the only one that is read."""

MAX_DEPTH = 10
"""Folders in a folder of variables; a loop of links has no end."""


class VarsFiles:
    """Reads the variables beside one inventory out of a snapshot of its files."""

    def __init__(self, groups: Groups, folder: str, snapshot: Snapshot) -> None:
        self._groups, self._folder, self._snapshot = groups, folder, snapshot
        self._inside: dict[str, list[str]] = {}
        for path in sorted((*snapshot.texts, *snapshot.problems)):
            self._inside.setdefault(path.rpartition("/")[0], []).append(path)
        for path in sorted(snapshot.folders):
            self._inside.setdefault(path.rpartition("/")[0], []).append(path)

    def read(self) -> None:
        """Adds what the files say; one that cannot be understood costs its group, or its host."""
        for name, group in self._groups.groups.items():
            group.beside, problem = self._variables(f"{self._folder}/group_vars", name)
            group.problem = group.problem or problem
        for name, host in self._groups.hosts.items():
            host.beside, problem = self._variables(f"{self._folder}/host_vars", name)
            host.problem = host.problem or problem

    def _variables(self, folder: str, name: str) -> tuple[Variables, str]:
        """The variables of one group or host, with what is wrong in their files."""
        found: Variables = {}
        problem = ""
        for path in self._files_of(folder, name):
            try:
                found |= self._of_file(path)
            except InventoryError as error:
                problem = problem or error.problems[0]
        return found, problem

    def _files_of(self, folder: str, name: str) -> Iterator[str]:
        if name.startswith("/"):
            return
        for ending in ENDINGS:
            path = f"{folder}/{name}{ending}"
            if path in self._snapshot.folders:
                yield from self._files_in(path)
                return
            if path in self._snapshot:
                yield path
                return

    def _files_in(self, folder: str) -> Iterator[str]:
        """The files of a folder in the order of their names, those of folders within it at their place."""
        for path in sorted(self._inside.get(folder, ())):
            ending = PurePosixPath(path).suffix
            if path in self._snapshot.folders:
                yield from self._files_in(path) if not ending else ()
            elif ending in ENDINGS:
                yield path

    def _of_file(self, path: str) -> Variables:
        text = self._snapshot.text(path)
        if text.startswith(VAULT):
            told = "is encrypted: what it says of hosts is not known here; via: ansible-inventory reads it"
            self._groups.notes[f"{path}: {told}"] = None
            return {}
        tree = parse_located(text, path)
        if tree.value is None:
            return {}
        if not isinstance(tree.value, dict):
            raise InventoryError([f"{path}: must be a mapping of variables"])
        return _kept(tree)


def _kept(tree: Located) -> Variables:
    return {name: Value(tree.value[name], tree.place(name)) for name in tree.value if name in KEPT}
