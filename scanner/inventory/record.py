"""A host as a source wrote it down, with the place where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.facts import Source as Origin
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import parse as parse_platform

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT = 22
"""What SSH listens on where nobody says otherwise."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What every host of a source has unless it says otherwise; ``port`` is ``None`` where the source names none."""

    port: int | None = None
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    planned: tuple[Plan, ...] = ()
    jump: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One host of one source; what is empty was not said. ``place`` is a file with its line, for messages.

    ``aliases`` are further names of the same machine, ``jump_identity_files`` the keys of the hops of ``jump``; ``family`` is
    the IP version by which the first machine on the way to it is reached, as ``Host`` has it.
    ``problem`` tells why it cannot be understood, its place first; ``name`` is then the name as written, whatever that
    is. ``pushed`` tells that its answers come by themselves. ``skipped`` tells why it is none of ours: no SSH Linux, as the source itself says.
    """

    name: str
    place: str
    address: str = ""
    port: int | None = None
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    planned: tuple[Plan, ...] = ()
    jump: str = ""
    local: bool = False
    aliases: tuple[str, ...] = ()
    identity_files: tuple[str, ...] = ()
    jump_identity_files: tuple[str, ...] = ()
    problem: str = ""
    skipped: str = ""
    pushed: bool = False
    family: str = ""

    @property
    def login(self) -> tuple[str, int | None, str, str, tuple[str, ...], bool]:
        """What makes it the machine that it is, reached as it is: two records that share it are one host."""
        address = "" if self.local else (self.address or self.name).lower()
        return (address, self.port, self.user, self.jump, self.identity_files, self.local)


@dataclass(frozen=True, slots=True)
class HostRecords:
    """What one source says: its hosts, each once, beside what the operator should know of it (``notes``)."""

    records: tuple[Record, ...]
    notes: tuple[str, ...] = ()


def not_understood(name: str, place: str, why: str, labels: Mapping[str, str] | None = None) -> Record:
    """A host that costs only itself; ``place`` is where the fault is."""
    return Record(name, place, problem=f"{place}: host {name}: {why}", labels=labels or {})


def with_aliases(records: list[Record]) -> tuple[Record, ...]:
    """The records of a source that gives one machine several names: the first name stays, the others are aliases."""
    found: dict[object, Record] = {}
    for record in records:
        key = record.name if record.problem or record.skipped else record.login
        first = found.setdefault(key, record)
        if first is not record:
            found[key] = _joined(first, record)
    return tuple(found.values())


def _joined(first: Record, other: Record) -> Record:
    return Record(
        first.name,
        first.place,
        first.address,
        first.port,
        first.user,
        {**other.labels, **first.labels},
        tuple(dict.fromkeys((*first.planned, *other.planned))),
        first.jump,
        first.local,
        (*first.aliases, other.name, *other.aliases),
        first.identity_files,
        first.jump_identity_files,
        family=first.family,
    )


def plan(image: str, workload: str = "", platform: str = "", engine: str = "") -> Plan:
    """What a source means a host to run; ``platform`` is what the deployment pins, ``engine`` what is to run it, if said.

    Raises:
        ValueError: ``platform`` is none.
    """
    return Plan(image, workload, Origin.INVENTORY, parse_platform(platform) if platform else None, engine)
