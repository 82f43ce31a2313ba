"""Ansible's TOML form of an inventory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scanner.formats.documents import toml
from scanner.formats.documents.toml import TomlError
from scanner.inventory.ansible.tree_form import read_tree
from scanner.inventory.error import InventoryError
from scanner.inventory.reading.inventory_file import LocatedDocument

if TYPE_CHECKING:
    from scanner.inventory.ansible.groups import Groups

MAX_CHARS = 4 << 20
"""Ten thousand hosts with a few variables each; the parser takes a second for one MiB."""

_NAME = re.compile(r"[A-Za-z0-9_.:-]+")


def read_toml(groups: Groups, text: str, file: str) -> None:
    """Adds what the text says: groups with ``hosts`` and ``vars`` as in a tree, ``children`` as a list of names.

    Raises:
        InventoryError: it is no TOML, or names a group that cannot be understood.
    """
    try:
        found = toml.loads(text, MAX_CHARS)
    except TomlError as error:
        raise InventoryError([f"{file}: {error}"]) from None
    tree = {name: _group(group) for name, group in found.items()}
    read_tree(groups, LocatedDocument(tree, file, names=_lines(text)))


def _group(group: Any) -> Any:
    children = group.get("children") if isinstance(group, dict) else None
    return {**group, "children": dict.fromkeys(map(str, children))} if isinstance(children, list) else group


def _lines(text: str) -> dict[str, int]:
    """The first line in which each name stands."""
    found: dict[str, int] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        key = line.partition("=")[0]
        for one in _NAME.findall(key):
            for name in (one, one.rpartition(".")[2]) if key.lstrip().startswith("[") else (one,):
                found.setdefault(name, number)
    return found
