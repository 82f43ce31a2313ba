"""Ansible's tree form of an inventory, in YAML or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.inventory.ansible_groups import MAX_GROUPS
from scanner.inventory.ansible_ranges import expand
from scanner.inventory.error import InventoryError

if TYPE_CHECKING:
    from scanner.inventory.ansible_groups import Inventory

MEMBERS = {"hosts", "children", "vars"}


def read_tree(inventory: Inventory, tree: Any, file: str) -> None:
    """Adds what the tree says.

    Raises:
        InventoryError: naming every group that cannot be understood.
    """
    if not isinstance(tree, dict):
        raise InventoryError([f"{file}: must be a mapping of groups"])
    problems: list[str] = []
    waiting = [(str(name), group) for name, group in tree.items()]
    walked = 0
    while waiting:
        name, group = waiting.pop(0)
        walked += 1
        if walked > MAX_GROUPS:
            raise InventoryError([f"{file}: has more than {MAX_GROUPS} groups"])
        try:
            waiting += _group(inventory, name, group, file)
        except ValueError as error:
            problems.append(f"{file}: group {name}: {error}")
    if problems:
        raise InventoryError(problems)


def _group(inventory: Inventory, name: str, group: Any, file: str) -> list[tuple[str, Any]]:
    """Adds one group; its children are still to do."""
    known = inventory.group(name)
    members = _mapping(group, "a group")
    if unknown := set(members) - MEMBERS:
        raise ValueError(f"{min(map(str, unknown))!r} is none of hosts, children, vars")
    known.variables.update({str(key): value for key, value in _mapping(members.get("vars"), "vars").items()})
    for pattern, variables in _mapping(members.get("hosts"), "hosts").items():
        for host in expand(str(pattern)):
            inventory.add_host(host, dict(_mapping(variables, f"host {host}")), f"{file}: group {name}", name)
    children = _mapping(members.get("children"), "children")
    known.children.update(dict.fromkeys(map(str, children)))
    return [(str(child), inner) for child, inner in children.items()]


def _mapping(value: Any, what: str) -> dict[Any, Any]:
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be a mapping")  # noqa: TRY004 - a wrong document, not a wrong call
    return value
