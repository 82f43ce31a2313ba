"""Ansible's tree form of an inventory, in YAML or JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.domain.text import printable
from scanner.inventory.ansible.groups import MAX_GROUPS, PRIORITY, VariableValue
from scanner.inventory.ansible.ranges import hosts_of
from scanner.inventory.error import InventoryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.inventory.ansible.groups import Groups, Member
    from scanner.inventory.reading.inventory_file import LocatedDocument

MEMBERS = ("vars", "children", "hosts")

MAX_SHOWN_CHARS = 120
"""Of a name in a message."""

Path = tuple[str, ...]


def read_tree(groups: Groups, tree: LocatedDocument) -> None:
    """Adds what the tree says; what Ansible passes over with a warning becomes a note.

    Raises:
        InventoryError: naming every group that cannot be understood.
    """
    if not isinstance(tree.value, dict):
        raise InventoryError([f"{tree.file}: must be a mapping of groups"])
    if plugin := tree.value.get("plugin"):
        told = f"configures the plugin {_shown(plugin)}, which only Ansible can run: via: ansible-inventory asks it"
        raise InventoryError([f"{tree.place('plugin')}: {told}"])
    problems: list[str] = []
    waiting: list[tuple[Any, Any, Path]] = [(name, group, (name,)) for name, group in tree.value.items()]
    for walked, (name, group, path) in enumerate(waiting):  # the list grows while it is walked
        if walked >= MAX_GROUPS:
            raise InventoryError([f"{tree.file}: has more than {MAX_GROUPS} groups"])
        try:
            waiting += _group(groups, str(name), group, path, tree)
        except ValueError as error:
            problems.append(f"{tree.place(*path)}: group {_shown(name)}: {error}")
    if problems:
        raise InventoryError(problems)


def _group(groups: Groups, name: str, members: Any, path: Path, tree: LocatedDocument) -> list[tuple[Any, Any, Path]]:
    """Adds one group; its children are still to do."""
    if members is not None and not isinstance(members, dict):
        groups.notes[f"{tree.place(*path)}: {_shown(name)} is no group, and is passed over"] = None
        return []
    known = groups.group(name)
    parts = {part: _mapping((members or {}).get(part), part) for part in MEMBERS}
    for key in members or ():
        if key not in parts:
            told = f"{_shown(key)} is none of hosts, children, vars, and is passed over"
            groups.notes[f"{tree.place(*path, key)}: group {_shown(name)}: {told}"] = None
    for variable, value in parts["vars"].items():
        if variable in groups.kept or variable == PRIORITY:
            groups.note_variable(known, variable, value, tree.place(*path, "vars", variable))
    for pattern, variables in parts["hosts"].items():
        _hosts(groups, name, (*path, "hosts", pattern), variables, tree)
    for child in parts["children"]:
        known.children.setdefault(str(child), tree.place(*path, "children", child))
        groups.group(str(child))
    return [(child, inner, (*path, "children", child)) for child, inner in parts["children"].items()]


def _hosts(groups: Groups, group: str, here: Path, variables: Any, tree: LocatedDocument) -> None:
    """The hosts of one key; what cannot be understood costs these."""
    pattern: Any = here[-1]
    place = tree.place(*here)
    try:
        if not isinstance(pattern, str):
            raise TypeError("its name must be text: write it in quotes")  # noqa: TRY301 -- told with its place below
        names, port = hosts_of(pattern)
        if variables and not isinstance(variables, dict):
            raise TypeError("its variables must be a mapping")  # noqa: TRY301 -- the same
    except (ValueError, TypeError) as error:
        member = groups.add_host(str(pattern), place, group)
        member.problem = member.problem or f"{place}: host {printable(str(pattern), MAX_SHOWN_CHARS)}: {error}"
        return
    kept = ((name, value) for name, value in (variables or {}).items() if name in groups.kept)
    own = {name: VariableValue(value, tree.place(*here, name)) for name, value in kept}
    for name in names:
        _told(groups.add_host(name, place, group, port), own)


def _told(member: Member, variables: Mapping[str, VariableValue]) -> None:
    member.variables.update(variables)


def _mapping(value: Any, what: str) -> dict[Any, Any]:
    if value is None:
        return {}
    if isinstance(value, str):  # ``hosts: web-1`` is one host
        return {value: None}
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be a mapping")  # noqa: TRY004 - a wrong document, not a wrong call
    return value


def _shown(value: Any) -> str:
    return repr(printable(str(value), MAX_SHOWN_CHARS))
