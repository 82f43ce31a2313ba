"""A host as a source wrote it down, with the place where it stands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.facts import Source as Origin
from scanner.domain.host import Host
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import parse as parse_platform
from scanner.inventory.error import InventoryError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT = 22


@dataclass(frozen=True, slots=True)
class Defaults:
    """What every host of a source has unless it says otherwise."""

    port: int = DEFAULT_PORT
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    planned: tuple[Plan, ...] = ()
    jump: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One host of one source; empty fields are filled from the source's defaults. ``place`` is for messages."""

    name: str
    place: str
    address: str = ""
    port: int | None = None
    user: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    planned: tuple[Plan, ...] = ()
    jump: str = ""
    local: bool = False

    def host(self, defaults: Defaults) -> Host:
        """The host it describes.

        Raises:
            InventoryError: it is outside the grammar of hosts or platforms.
        """
        try:
            return Host(
                name=self.name,
                address="" if self.local else self.address or self.name,
                port=defaults.port if self.port is None else self.port,
                user=self.user or defaults.user,
                labels={**defaults.labels, **self.labels},
                planned=(*defaults.planned, *self.planned),
                jump=self.jump or defaults.jump,
                local=self.local,
            )
        except ValueError as error:
            raise InventoryError([f"{self.place}: {error}"]) from None


def plan(image: str, workload: str = "", platform: str = "", engine: str = "") -> Plan:
    """What a source means a host to run; ``platform`` is what the deployment pins, ``engine`` what is to run it, if said.

    Raises:
        ValueError: ``platform`` is none.
    """
    return Plan(image, workload, Origin.INVENTORY, parse_platform(platform) if platform else None, engine)
