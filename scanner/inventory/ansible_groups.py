"""The groups of an Ansible inventory, with whose variables win."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scanner.inventory.error import InventoryError

MAX_GROUPS = 20_000
"""Bounds the walk over groups, whatever their nesting."""

MAX_GROUP_DEPTH = 100
"""Nobody nests groups deeper; groups that contain each other would never end."""


@dataclass(slots=True)
class Group:
    """A named set of hosts; ``hosts`` and ``children`` keep their order."""

    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Inventory:
    """Hosts with their own variables and the place where each was first named, beside the groups."""

    hosts: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=lambda: {"all": Group()})

    def add_host(self, name: str, variables: dict[str, Any], place: str, group: str = "ungrouped") -> None:
        """Notes a host; later variables of the same host win."""
        self.hosts.setdefault(name, {}).update(variables)
        self.places.setdefault(name, place)
        self.group(group).hosts[name] = None

    def group(self, name: str) -> Group:
        """The group, made if it is new."""
        return self.groups.setdefault(name, Group())

    def members(self, group: str) -> set[str]:
        """The hosts of a group with those of its children."""
        if group == "all":
            return set(self.hosts)
        seen, waiting, found = {group}, [group], set()
        while waiting:
            current = self.groups.get(waiting.pop(), Group())
            found |= set(current.hosts)
            fresh = [child for child in current.children if child not in seen]
            seen.update(fresh)
            waiting += fresh
        return found

    def depths(self) -> dict[str, int]:
        """How many groups stand above each; a group with several parents is as deep as the longest way to it.

        Raises:
            InventoryError: groups that contain each other.
        """
        depth = dict.fromkeys(self.groups, 1)
        depth["all"] = 0
        for _ in range(MAX_GROUP_DEPTH):
            changed = False
            for name, group in self.groups.items():
                for child in group.children if name != "all" else ():
                    if depth[child] <= depth[name]:
                        depth[child], changed = depth[name] + 1, True
            if not changed:
                return depth
        raise InventoryError([f"groups contain each other, or are nested deeper than {MAX_GROUP_DEPTH}"])

    def variables(self) -> dict[str, dict[str, Any]]:
        """Each host's variables: ``all``, then its groups from the outermost in, then its own; the last wins.

        Groups of one depth are taken by ``ansible_group_priority``, then by name, as Ansible does.
        """
        depth = self.depths()
        order = sorted(self.groups, key=lambda name: (depth[name], _priority(self.groups[name]), name))
        merged: dict[str, dict[str, Any]] = {name: {} for name in self.hosts}
        for name in order:
            for host in self.members(name):
                if host in merged:
                    merged[host].update(self.groups[name].variables)
        for name, own in self.hosts.items():
            merged[name].update(own)
        return merged

    def groups_of_hosts(self) -> dict[str, list[str]]:
        """The groups that each host is in, sorted, without ``all`` and ``ungrouped``."""
        found: dict[str, list[str]] = {host: [] for host in self.hosts}
        for name in sorted(self.groups):
            if name not in {"all", "ungrouped"}:
                for host in self.members(name):
                    found[host].append(name)
        return found


def _priority(group: Group) -> int:
    value = group.variables.get("ansible_group_priority", 1)
    return value if isinstance(value, int) else int(value) if isinstance(value, str) and value.isdecimal() else 1
