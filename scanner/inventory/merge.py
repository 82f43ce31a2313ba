"""Several sources made one inventory."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scanner.formats.parsing.offload import Parsers
from scanner.inventory.error import InventoryError
from scanner.inventory.overlay import Overlay, Said
from scanner.inventory.reading.offload import Offload

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.host import Host
    from scanner.inventory.overlay import Skipped
    from scanner.inventory.record import Defaults, HostRecords

MAX_HOSTS = 100_000
"""Ten times the largest fleet that one scanner is measured with."""


class InventorySource(Protocol):
    """Something that names hosts."""

    @property
    def defaults(self) -> Defaults:
        """What its hosts have unless they say otherwise."""

    @property
    def is_ours(self) -> bool:
        """Whether its hosts stand in our own configuration, where a fault is refused instead of costing one host."""

    def read(self, offload: Offload = ...) -> HostRecords:
        """Its hosts, each once; what strangers wrote goes through ``offload``.

        Raises:
            InventoryError: the source cannot be read or understood.
        """


@dataclass(frozen=True, slots=True)
class Inventory:
    """The hosts of all sources, those that are none of ours, and what the operator should know beside.

    A host that cannot be understood is among ``hosts``, with its ``problem``.
    """

    hosts: tuple[Host, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def not_understood(self) -> tuple[Host, ...]:
        """The hosts that are named but not read."""
        return tuple(host for host in self.hosts if host.problem)


def gather(sources: Iterable[InventorySource]) -> Inventory:
    """Every host of every source, in order: what several sources say of one host is put together.

    Raises:
        InventoryError: with every problem of every source that cannot be read, and of the hosts in our own configuration.
    """
    problems: list[str] = []
    notes: list[str] = []
    overlay = Overlay()
    with closing(Parsers(1)) as parsers:
        offload = Offload(parsers)
        for source in sources:
            try:
                answer = source.read(offload)
            except InventoryError as error:
                problems += error.problems
                continue
            notes += answer.notes
            for record in answer.records:
                overlay.add(Said(record, source.defaults, is_ours=source.is_ours))
    hosts, skipped = overlay.hosts(), overlay.skipped()
    problems += overlay.problems
    notes += overlay.notes
    if len(hosts) > MAX_HOSTS:
        problems.append(f"the inventory has more than {MAX_HOSTS} hosts")
    if problems:
        raise InventoryError(problems)
    return Inventory(hosts, skipped, tuple(dict.fromkeys(notes)))
