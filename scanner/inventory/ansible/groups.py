"""The groups of an Ansible inventory, with whose variables win."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scanner.domain.text import printable
from scanner.inventory.error import InventoryError

MAX_GROUPS = 20_000
"""Bounds the walk over groups, whatever their nesting."""

MAX_GROUP_DEPTH = 100
"""Nobody nests groups deeper; groups that contain each other would never end."""

MAX_MEMBERSHIPS = 2_000_000
"""Groups of hosts in all: ten thousand hosts in two hundred groups each."""

KEPT = frozenset({
    "ansible_host", "ansible_ssh_host", "ansible_port", "ansible_ssh_port", "ansible_user", "ansible_ssh_user",
    "ansible_connection", "ansible_shell_type", "ansible_private_key_file", "ansible_ssh_private_key_file",
    "ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args", "ansible_ssh_executable",
    "archscan_labels", "archscan_planned",
})  # fmt: skip
"""The variables that are read; of what else an inventory says of a host only what templates name is kept."""

MAX_SHOWN_CHARS = 120
"""Of a name in a message."""

PRIORITY = "ansible_group_priority"

UNGROUPED = "ungrouped"
"""The group of hosts that are in no other one, wherever they are named."""


class VariableValue(NamedTuple):
    """A variable's value, with the file and line where it stands."""

    value: Any
    place: str


Variables = dict[str, VariableValue]


@dataclass(slots=True)
class Group:
    """A named set of hosts; ``hosts`` and ``children`` keep their order, each child with the place that names it.

    ``variables`` stand in the inventory, ``beside`` in ``group_vars``; ``problem`` costs every host of the group.
    ``is_hidden``: some of its variables stand in files that are encrypted.
    """

    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, str] = field(default_factory=dict)
    variables: Variables = field(default_factory=dict)
    beside: Variables = field(default_factory=dict)
    priority: int = 1
    problem: str = ""
    is_hidden: bool = False


@dataclass(slots=True)
class Member:
    """One host: its own variables, the place where it was first named, what is wrong with it."""

    place: str
    variables: Variables = field(default_factory=dict)
    beside: Variables = field(default_factory=dict)
    problem: str = ""
    is_hidden: bool = False


class KnownVariables(NamedTuple):
    """The variables of one host; without ``is_whole`` encrypted files may say more of it."""

    variables: Variables
    is_whole: bool


@dataclass(slots=True)
class Groups:
    """Hosts beside the groups that they are in; ``kept`` are the names of the variables that are not left out."""

    kept: frozenset[str] = KEPT
    hosts: dict[str, Member] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=lambda: {"all": Group(), UNGROUPED: Group()})
    notes: dict[str, None] = field(default_factory=dict)

    def add_host(self, name: str, place: str, group: str, port: int | None = None) -> Member:
        """The host, made if it is new; a port behind its name counts only then, as in Ansible."""
        member = self.hosts.get(name)
        if member is None:
            member = self.hosts[name] = Member(place)
            if port is not None:
                member.variables["ansible_port"] = VariableValue(port, place)
        self.group(group).hosts[name] = None
        return member

    def group(self, name: str) -> Group:
        """The group, made if it is new.

        Raises:
            InventoryError: there are too many.
        """
        known = self.groups.get(name)
        if known is None:
            if len(self.groups) >= MAX_GROUPS:
                raise InventoryError([f"the inventory has more than {MAX_GROUPS} groups"])
            known = self.groups[name] = Group()
        return known

    def note_variable(self, group: Group, name: str, value: Any, place: str) -> None:
        """Note a group's variable, if it is one that is read."""
        if name in self.kept:
            group.variables[name] = VariableValue(value, place)
        elif name == PRIORITY:
            group.priority = _priority(value)

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
        raise InventoryError([self._unending(depth)])

    def _unending(self, depth: dict[str, int]) -> str:
        """Where groups contain each other, found from the deepest by those that made it so."""
        within: dict[str, str] = {}
        for name in sorted(self.groups, key=depth.__getitem__):
            within |= dict.fromkeys(self.groups[name].children if name != "all" else (), name)
        deepest = max(depth, key=depth.__getitem__)
        seen: dict[str, None] = {}
        while deepest in within and deepest not in seen:
            seen[deepest] = None
            deepest = within[deepest]
        name, child = deepest, list(seen)[-1]
        told = f"group {_shown(name)} contains {_shown(child)}"
        if deepest not in seen:
            told += f", within which groups are nested deeper than {MAX_GROUP_DEPTH}"
        elif child == name:
            told = f"group {_shown(name)} contains itself"
        else:
            told += ", which contains it"
        return f"{self.groups[name].children[child]}: {told}"

    def memberships(self) -> dict[str, tuple[str, ...]]:
        """The groups of each host, ``all`` first, then from the outermost in; the last one's variables win.

        Groups of one depth are taken by ``ansible_group_priority``, then by name, as Ansible does.

        Raises:
            InventoryError: groups that contain each other, or too many.
        """
        depth = self.depths()
        around = self._around(depth)
        order = sorted(self.groups, key=lambda name: (depth[name], self.groups[name].priority, name))
        rank = {name: number for number, name in enumerate(order)}
        of_host: dict[str, set[str]] = {host: {"all"} for host in self.hosts}
        total = 0
        for name, group in self.groups.items():
            for host in group.hosts:
                of_host[host] |= around[name]
                total += len(around[name])
                if total > MAX_MEMBERSHIPS:
                    raise InventoryError([f"its hosts are in more than {MAX_MEMBERSHIPS} groups in all"])
        known: dict[frozenset[str], tuple[str, ...]] = {}
        found = {}
        for host, names in of_host.items():
            key = frozenset({"all", UNGROUPED} if names <= {"all", UNGROUPED} else names - {UNGROUPED})
            if key not in known:
                known[key] = tuple(sorted(key, key=rank.__getitem__))
            found[host] = known[key]
        return found

    def _around(self, depth: dict[str, int]) -> dict[str, set[str]]:
        """Each group with those that contain it."""
        around = {name: {name} for name in self.groups}
        total = 0
        for name in sorted(self.groups, key=depth.__getitem__):
            for child in self.groups[name].children:
                around[child] |= around[name]
                total += len(around[child])
            if total > MAX_MEMBERSHIPS:
                raise InventoryError([f"its groups are in more than {MAX_MEMBERSHIPS} groups in all"])
        return around

    def known_of(self, host: str, groups: tuple[str, ...]) -> KnownVariables:
        """A host's variables as Ansible merges them: groups, ``group_vars``, the host's own, ``host_vars``."""
        merged: Variables = {}
        for name in groups:
            merged |= self.groups[name].variables
        for name in groups:
            merged |= self.groups[name].beside
        member = self.hosts[host]
        is_hidden = member.is_hidden or any(self.groups[name].is_hidden for name in groups)
        return KnownVariables(merged | member.variables | member.beside, not is_hidden)

    def problem_of(self, host: str, groups: tuple[str, ...]) -> str:
        """What is wrong with a host itself, or with a group that it is in."""
        own = self.hosts[host].problem
        return own or next((problem for name in groups if (problem := self.groups[name].problem)), "")


def _shown(name: str) -> str:
    return printable(name, MAX_SHOWN_CHARS)


def _priority(value: Any) -> int:
    return value if isinstance(value, int) else int(value) if isinstance(value, str) and value.isdecimal() else 1
