"""An Ansible inventory: what ``ansible-inventory --list`` says of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scanner.inventory import ansible_script
from scanner.inventory.ansible_groups import Inventory
from scanner.inventory.ansible_ini import read_ini
from scanner.inventory.ansible_tree import read_tree
from scanner.inventory.ansible_vars import read_vars_folders, record
from scanner.inventory.error import InventoryError
from scanner.inventory.inventory_file import parse_json, parse_yaml, read_text
from scanner.inventory.record import Defaults, Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IGNORED_ENDINGS = (
    "~", ".bak", ".cfg", ".ini", ".md", ".orig", ".pyc", ".pyo", ".retry", ".rpm", ".rst", ".swp", ".txt",
)  # fmt: skip
"""Files in an inventory folder that Ansible passes over (INVENTORY_IGNORE_EXTS), ``.ini`` among them."""

TREE_ENDINGS = (".yml", ".yaml", ".json")

MAX_FOLDER_DEPTH = 5
"""Folders in folders are read too; a loop of links is not."""


@dataclass(frozen=True, slots=True)
class AnsibleSource:
    """``path`` is an INI or YAML file, an executable script, or a folder of these; ``timeout_s`` is a script's time."""

    path: Path
    group: str = "all"
    timeout_s: float = 30.0
    defaults: Defaults = field(default_factory=Defaults)

    def read(self) -> tuple[Record, ...]:
        """The hosts of the group.

        Raises:
            InventoryError: a file that cannot be read or understood, or a group that is not there.
        """
        inventory = Inventory()
        for path in _files(self.path, MAX_FOLDER_DEPTH):
            _read_file(inventory, path, self.timeout_s)
        folder = self.path if self.path.is_dir() else self.path.parent
        read_vars_folders(inventory, folder)
        if self.group != "all" and self.group not in inventory.groups:
            raise InventoryError([f"{self.path}: has no group {self.group}"])
        members = inventory.members(self.group)
        variables, groups = inventory.variables(), inventory.groups_of_hosts()
        return tuple(
            record(name, variables[name], inventory.places[name], groups[name])
            for name in inventory.hosts
            if name in members
        )


def _files(path: Path, depth: int) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    if depth == 0:
        raise InventoryError([f"{path}: folders are nested deeper than {MAX_FOLDER_DEPTH}"])
    for inner in sorted(path.iterdir()):
        hidden = inner.name.startswith(".") or inner.name in {"group_vars", "host_vars"}
        if not hidden and not inner.name.endswith(IGNORED_ENDINGS):
            yield from _files(inner, depth - 1)


def _read_file(inventory: Inventory, path: Path, timeout_s: float) -> None:
    if ansible_script.is_script(path):
        ansible_script.read_script(inventory, path, timeout_s)
        return
    text = read_text(path)
    if path.name.endswith(TREE_ENDINGS):
        tree = parse_json(text, str(path)) if path.suffix == ".json" else parse_yaml(text, str(path))
        read_tree(inventory, tree, str(path))
    elif (tree := _as_tree(text, path)) is not None:
        read_tree(inventory, tree, str(path))
    else:
        read_ini(inventory, text, str(path))


def _as_tree(text: str, path: Path) -> Any:
    """The YAML of a file without an ending that says so; Ansible tries YAML first too."""
    try:
        tree = parse_yaml(text, os.fspath(path))
    except InventoryError:
        return None
    is_tree = isinstance(tree, dict) and all(group is None or isinstance(group, dict) for group in tree.values())
    return tree if is_tree else None
