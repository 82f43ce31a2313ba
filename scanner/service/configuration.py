"""Settings with the inventory they name: what changes together, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.ownership import OwnerRule
from scanner.domain.verdict.verdict import Depth
from scanner.domain.waiver import Waiver, WaiverOrigin
from scanner.scan.scan import ScanLimits

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


CLUSTER_WIDTH = 5000
"""Hosts under way at once in a cluster elsewhere: its workers keep to their own ``ssh.concurrency``."""

LOCAL_WIDTH = 2
"""Times ``ssh.concurrency`` with workers here: one half is on its way to them while they read the other."""


def limits(settings: Settings, depth: Depth | None = None) -> ScanLimits:
    """How deep, wide and long one scan goes."""
    return ScanLimits(depth or Depth(settings.scan.depth), _width(settings), settings.scan.deadline)


def _width(settings: Settings) -> int:
    """How many hosts are under way at once."""
    if settings.cluster.is_remote:
        return CLUSTER_WIDTH
    return settings.ssh.concurrency * (LOCAL_WIDTH if settings.cluster.local else 1)


def owners(settings: Settings) -> tuple[OwnerRule, ...]:
    """Which team owns what."""
    return tuple(
        OwnerRule(one.team, one.images, one.namespaces, one.projects, one.repositories) for one in settings.owners
    )


def waivers(settings: Settings) -> tuple[Waiver, ...]:
    """Who answers for which findings, by the settings; those that have ended too."""
    return tuple(
        Waiver(
            f"config-{number}", one.owner, one.reason, one.until.timestamp(),
            patterns.host, patterns.image, patterns.workload, patterns.reason, WaiverOrigin.CONFIG,
        )
        for number, one in enumerate(settings.waivers)
        for patterns in (one.patterns,)
    )  # fmt: skip
