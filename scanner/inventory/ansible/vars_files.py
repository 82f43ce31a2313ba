"""The files of ``group_vars`` or ``host_vars`` beside an inventory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, TypeAlias

from scanner.inventory.ansible.groups import Variables, VariableValue
from scanner.inventory.error import InventoryError
from scanner.inventory.reading.inventory_file import parse_located

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.inventory.ansible.groups import Groups
    from scanner.inventory.reading.snapshot import Snapshot

VAULT = "$ANSIBLE_VAULT"
"""How an encrypted file starts."""

EncryptedFiles: TypeAlias = Literal["not_understood", "left_out"]
"""What is made of a file that only a vault's password opens."""

ENDINGS = ("", ".yml", ".yaml", ".json")
"""In this order; the first that is there is the only one that is read."""

MAX_DEPTH = 10
"""Folders in a folder of variables; a loop of links has no end."""


@dataclass(slots=True)
class _Found:
    """What the files of one group or host say."""

    variables: Variables = field(default_factory=dict)
    problem: str = ""
    is_hidden: bool = False


class VarsFiles:
    """Reads the variables beside one inventory out of a snapshot of its files."""

    def __init__(
        self, groups: Groups, folder: str, snapshot: Snapshot, *, encrypted_files: EncryptedFiles = "not_understood"
    ) -> None:
        self._groups, self._folder, self._snapshot = groups, folder, snapshot
        self._encrypted_files = encrypted_files
        self._inside: dict[str, list[str]] = {}
        for path in sorted((*snapshot.texts, *snapshot.problems)):
            self._inside.setdefault(path.rpartition("/")[0], []).append(path)
        for path in sorted(snapshot.folders):
            self._inside.setdefault(path.rpartition("/")[0], []).append(path)

    def read(self) -> None:
        """Adds what the files say; one that cannot be understood costs its group, or its host."""
        for name, group in self._groups.groups.items():
            found = self._found(f"{self._folder}/group_vars", name)
            group.beside, group.problem = found.variables, group.problem or found.problem
            group.is_hidden = group.is_hidden or found.is_hidden
        for name, host in self._groups.hosts.items():
            found = self._found(f"{self._folder}/host_vars", name)
            host.beside, host.problem = found.variables, host.problem or found.problem
            host.is_hidden = host.is_hidden or found.is_hidden

    def _found(self, folder: str, name: str) -> _Found:
        """The variables of one group or host, with what is wrong in their files."""
        found = _Found()
        for path in self._files_of(folder, name):
            try:
                if self._snapshot.text(path).startswith(VAULT):
                    self._encrypted(path)
                    found.is_hidden = True
                else:
                    found.variables |= self._of_file(path)
            except InventoryError as error:
                found.problem = found.problem or error.problems[0]
        return found

    def _encrypted(self, path: str) -> None:
        """Note a file that is left out.

        Raises:
            InventoryError: it may say where hosts are.
        """
        if self._encrypted_files != "left_out":
            told = "reads it; encrypted_files: left_out says that it tells nothing of where hosts are"
            raise InventoryError([f"{path}: is encrypted: via: ansible-inventory with vault_password_file {told}"])
        self._groups.notes[f"{path}: is encrypted, and is left out"] = None

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
        tree = parse_located(self._snapshot.text(path), path)
        if tree.value is None:
            return {}
        if not isinstance(tree.value, dict):
            raise InventoryError([f"{path}: must be a mapping of variables"])
        return {
            name: VariableValue(tree.value[name], tree.place(name)) for name in tree.value if name in self._groups.kept
        }
