"""Settings with the inventory they name: what changes together, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.ownership import OwnerRule
from scanner.domain.verdict.verdict import Depth
from scanner.scan.scan import Limits

if TYPE_CHECKING:
    from scanner.domain.host import Host
    from scanner.inventory import Skipped
    from scanner.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Configuration:
    """One good configuration; ``skipped`` are hosts that are none of ours, ``notes`` are for the operator."""

    settings: Settings
    hosts: tuple[Host, ...]
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def readable(self) -> int:
        """How many of the hosts can be read, as far as the inventory goes."""
        return sum(not host.problem for host in self.hosts)


def limits(settings: Settings, depth: Depth | None = None) -> Limits:
    """How deep, wide and long one scan goes."""
    return Limits(depth or Depth(settings.scan.depth), settings.ssh.concurrency, settings.scan.deadline)


def owners(settings: Settings) -> tuple[OwnerRule, ...]:
    """Which team owns what."""
    return tuple(
        OwnerRule(one.team, one.images, one.namespaces, one.projects, one.repositories) for one in settings.owners
    )
