"""Hosts that stand in the configuration itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.inventory.reading.offload import INLINE, Offload
from scanner.inventory.record import Defaults, HostRecords, Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.plan import Plan


@dataclass(frozen=True, slots=True)
class StaticHost:
    """One host written by hand; what is empty comes from the source's defaults. Nobody logs into a ``pushed`` one."""

    address: str = ""
    port: int | None = None
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    planned: tuple[Plan, ...] = ()
    jump: str = ""
    local: bool = False
    pushed: bool = False


@dataclass(frozen=True, slots=True)
class StaticSource:
    """Hosts by name; ``place`` is where they stand, such as ``archscan.yml: inventory[0]``."""

    hosts: Mapping[str, StaticHost]
    defaults: Defaults = field(default_factory=Defaults)
    place: str = "inventory"

    @property
    def is_ours(self) -> bool:
        """Its hosts stand in our own configuration."""
        return True

    def read(self, offload: Offload = INLINE) -> HostRecords:
        """The hosts, in the order written."""
        del offload
        return HostRecords(
            tuple(
                Record(
                    name,
                    f"{self.place}.hosts.{name}",
                    h.address,
                    h.port,
                    h.user,
                    h.labels,
                    h.planned,
                    h.jump,
                    local=h.local,
                    pushed=h.pushed,
                )
                for name, h in self.hosts.items()
            )
        )


@dataclass(frozen=True, slots=True)
class LocalSource:
    """The machine that archscan runs on."""

    name: str = "localhost"
    labels: Mapping[str, str] = field(default_factory=dict)
    planned: tuple[Plan, ...] = ()
    defaults: Defaults = field(default_factory=Defaults)
    place: str = "inventory"

    @property
    def is_ours(self) -> bool:
        """It stands in our own configuration."""
        return True

    def read(self, offload: Offload = INLINE) -> HostRecords:
        """This one host."""
        del offload
        return HostRecords((Record(self.name, self.place, labels=self.labels, planned=self.planned, local=True),))
