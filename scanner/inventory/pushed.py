"""Hosts that push their answers, by name: nobody logs into them, so they need no address."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.inventory.offload import INLINE, Offload
from scanner.inventory.record import Answer, Defaults, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.plan import Plan


@dataclass(frozen=True, slots=True)
class PushedHost:
    """One host that pushes."""

    labels: Mapping[str, str] = field(default_factory=dict)
    planned: tuple[Plan, ...] = ()


@dataclass(frozen=True, slots=True)
class PushedSource:
    """Hosts by name; ``place`` is where they stand, such as ``archscan.yml: inventory[0]``."""

    hosts: Mapping[str, PushedHost]
    defaults: Defaults = field(default_factory=Defaults)
    place: str = "inventory"

    @property
    def is_ours(self) -> bool:
        """Its hosts stand in our own configuration."""
        return True

    def read(self, offload: Offload = INLINE) -> Answer:
        """The hosts, in the order written."""
        del offload
        return Answer(
            tuple(
                Record(name, f"{self.place}.hosts.{name}", labels=h.labels, planned=h.planned, pushed=True)
                for name, h in self.hosts.items()
            )
        )
