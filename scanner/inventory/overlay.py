"""Lays over each other what several sources say of one host."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from scanner.domain.host import MAX_NAME_CHARS, Host, is_label, is_name
from scanner.inventory.record import DEFAULT_PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from scanner.domain.plan import Plan
    from scanner.inventory.record import Defaults, Record

_V = TypeVar("_V", str, int)

_OUTSIDE = re.compile(r"[^A-Za-z0-9_.:-]")

NAMELESS = "host"
"""What a host is called of whose name nothing is left within the grammar."""


@dataclass(frozen=True, slots=True)
class Said:
    """One record with the defaults of its source; ``is_ours``: it stands in our own configuration."""

    record: Record
    defaults: Defaults
    is_ours: bool = False


@dataclass(frozen=True, slots=True)
class Skipped:
    """A host that is no SSH Linux, by its own inventory: ``why`` says what it is."""

    name: str
    place: str
    why: str


class Overlay:
    """Collects what sources say, by the names and aliases of hosts.

    ``problems`` are faults of our own configuration, ``notes`` what the operator should know beside.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.notes: list[str] = []
        self._machines: list[list[Said]] = []
        self._of: dict[str, int] = {}

    def add(self, said: Said) -> None:
        """Take down one record; an alias may show that two hosts are one."""
        names = (said.record.name, *said.record.aliases)
        first, *others = sorted({self._of[name] for name in names if name in self._of}) or [len(self._machines)]
        if first == len(self._machines):
            self._machines.append([])
        for other in others:
            self._machines[first] += self._machines[other]
            self._of.update({name: first for said_there in self._machines[other] for name in _names(said_there)})
            self._machines[other] = []
        self._machines[first].append(said)
        self._of.update(dict.fromkeys(names, first))

    def skipped(self) -> tuple[Skipped, ...]:
        """The hosts that some source knows to be none of ours."""
        found = (_skipping(machine) for machine in self._machines)
        return tuple(Skipped(one.record.name, one.record.place, one.record.skipped) for one in found if one)

    def hosts(self) -> tuple[Host, ...]:
        """Every other host, in the order of their first mention."""
        machines = [machine for machine in self._machines if machine and not _skipping(machine)]
        taken = {name for machine in machines for said in machine for name in _names(said) if is_name(name)}
        made = [self._made(machine, taken) for machine in machines]
        return _aliased([one for one in made if one is not None], self.problems)

    def _made(self, machine: Sequence[Said], taken: set[str]) -> tuple[Host, Sequence[Said]] | None:
        host, problem = _joined(machine)
        if host is not None:
            self.notes += _left_out(machine, host)
            return host, machine
        if all(said.is_ours for said in machine):
            self.problems.append(problem)
            return None
        return _odd(machine, problem, taken), machine


def _names(said: Said) -> tuple[str, ...]:
    return (said.record.name, *said.record.aliases)


def _left_out(machine: Iterable[Said], host: Host) -> list[str]:
    """What is said of further names that no host may have: the machine is read by those beside them."""
    odd = {name: said.record.place for said in machine for name in _names(said) if not is_name(name)}
    return [f"{place}: {name!r} is no name for a host, which is read as {host.name}" for name, place in odd.items()]


def _skipping(machine: Iterable[Said]) -> Said | None:
    return next((said for said in machine if said.record.skipped), None)


def _joined(machine: Sequence[Said]) -> tuple[Host | None, str]:
    """The host, or what is wrong with it."""
    records = [said.record for said in machine]
    if problem := next((record.problem for record in records if record.problem), ""):
        return None, problem
    first = records[0]
    names = [name for said in machine for name in _names(said) if is_name(name)] or [first.name]
    try:
        local = _local(records)
        port = _one(machine, "port", lambda r: r.port, lambda d: d.port)
        return Host(
            name=names[0],
            address="" if local else _one(machine, "address", lambda r: r.address, lambda _: "") or first.name,
            port=DEFAULT_PORT if port is None else port,
            user=_one(machine, "user", lambda r: r.user, lambda d: d.user) or "",
            labels=_labels(machine),
            planned=_planned(machine),
            jump=_one(machine, "jump", lambda r: r.jump, lambda d: d.jump) or "",
            local=local,
            pushed=any(record.pushed for record in records),
            aliases=tuple(dict.fromkeys(name for name in names if name != names[0])),
            identity_files=tuple(dict.fromkeys(file for record in records for file in record.identity_files)),
            jump_identity_files=next((r.jump_identity_files for r in records if r.jump), ()),
            family=_family(machine),
        ), ""
    except _ContradictionError as error:
        return None, str(error)
    except ValueError as error:
        return None, f"{first.place}: {error}"


class _ContradictionError(ValueError):
    """Two sources say different things of one host; starts with the place of the later one."""


def _one(
    machine: Sequence[Said], what: str, own: Callable[[Record], _V | None], of_source: Callable[[Defaults], _V | None]
) -> _V | None:
    """What the sources say together: a host's own word before the default of a source.

    Raises:
        _ContradictionError: they say different things.
    """
    for told in ([own(said.record) for said in machine], [of_source(said.defaults) for said in machine]):
        places: dict[object, tuple[_V, str]] = {}
        for value, said in zip(told, machine, strict=True):
            if value is not None and value != "":
                key = str(value).lower() if what == "address" else value
                places.setdefault(key, (value, said.record.place))
        if len(places) > 1:
            (one, here), (other, there) = list(places.values())[:2]
            name = machine[0].record.name
            raise _ContradictionError(f"{there}: host {name}: {what} {other} contradicts {one} in {here}")
        if places:
            return next(iter(places.values()))[0]
    return None


def _family(machine: Sequence[Said]) -> str:
    """The IP version of the first machine on the way, as whoever names a bastion says it.

    Raises:
        _ContradictionError: sources say different ones.
    """
    named = [said for said in machine if said.record.jump]
    return _one(named or machine, "address family", lambda r: r.family, lambda _: "") or ""


def _local(records: Sequence[Record]) -> bool:
    """Whether the host is this machine.

    Raises:
        _ContradictionError: one source says so, another one gives it an address.
    """
    local = next((record for record in records if record.local), None)
    elsewhere = next((r for r in records if not r.local and (r.address or r.jump)), None)
    if local is not None and elsewhere is not None:
        told = f"is this machine by {local.place}, yet elsewhere it has an address"
        raise _ContradictionError(f"{elsewhere.place}: host {elsewhere.name}: {told}")
    return local is not None


def _labels(machine: Sequence[Said]) -> dict[str, str]:
    """Labels add up; a later source's word wins over an earlier one's, a host's own over a default."""
    labels: dict[str, str] = {}
    for said in machine:
        labels |= said.defaults.labels
    for said in machine:
        labels |= said.record.labels
    return labels


def _planned(machine: Sequence[Said]) -> tuple[Plan, ...]:
    plans = (plan for said in machine for plan in (*said.defaults.planned, *said.record.planned))
    return tuple(dict.fromkeys(plans))


def _odd(machine: Sequence[Said], problem: str, taken: set[str]) -> Host:
    """The host that is named, but never contacted."""
    name = machine[0].record.name
    if not is_name(name):
        name = _unique(_within_grammar(name), taken)
        taken.add(name)
    aliases = tuple(n for said in machine for n in _names(said) if n != name and is_name(n))
    labels = {key: value for key, value in _labels(machine).items() if is_label(key)}
    return Host(name, labels=labels, planned=_planned(machine), aliases=aliases, problem=problem)


def _within_grammar(name: str) -> str:
    return _OUTSIDE.sub("_", name[: MAX_NAME_CHARS - 8]).strip(".:-") or NAMELESS


def _unique(name: str, taken: Collection[str]) -> str:
    number, made = 1, name
    while made in taken:
        number += 1
        made = f"{name}_{number}"
    return made


def _aliased(made: list[tuple[Host, Sequence[Said]]], problems: list[str]) -> tuple[Host, ...]:
    """Two names of one login are one host with an alias, unless both stand in our own configuration."""
    hosts: dict[str, Host] = {}
    first_of: dict[object, tuple[str, Sequence[Said]]] = {}
    users = _users(made)
    for host, machine in made:
        if host.problem:
            hosts[host.name] = host
            continue
        named = {user for user, is_ours in users[_place(host)] if not (is_ours and _is_ours(machine))}
        user = named.pop() if not host.user and len(named) == 1 else host.user
        name, first = first_of.setdefault((*_place(host), user), (host.name, machine))
        if name == host.name:
            hosts[name] = host
        elif not _is_ours((*first, *machine)):
            hosts[name] = _same_machine(hosts[name], host)
        elif host.local:
            hosts[host.name] = host
        else:
            here, there = machine[0].record.place, first[0].record.place
            problems.append(f"{here}: host {host.name} has the same address as {name} in {there}")
    return tuple(hosts.values())


def _users(made: list[tuple[Host, Sequence[Said]]]) -> dict[tuple[object, ...], set[tuple[str, bool]]]:
    """The users that are named at each address: a source that names none means the only one of others."""
    found: dict[tuple[object, ...], set[tuple[str, bool]]] = {}
    for host, machine in made:
        users = found.setdefault(_place(host), set())
        if host.user:
            users.add((host.user, _is_ours(machine)))
    return found


def _place(host: Host) -> tuple[object, ...]:
    return ("local",) if host.local else (host.address.lower(), host.port, host.jump)


def _is_ours(machine: Sequence[Said]) -> bool:
    return all(said.is_ours for said in machine)


def _same_machine(first: Host, other: Host) -> Host:
    return replace(
        first,
        user=first.user or other.user,
        labels={**other.labels, **first.labels},
        planned=tuple(dict.fromkeys((*first.planned, *other.planned))),
        aliases=(*first.aliases, other.name, *other.aliases),
        identity_files=first.identity_files or other.identity_files,
        jump_identity_files=first.jump_identity_files or other.jump_identity_files,
        family=first.family or other.family,
    )
