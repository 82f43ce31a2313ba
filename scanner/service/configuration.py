"""Settings with the inventory they name: what changes together, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.domain.host import Host
    from scanner.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class Configuration:
    """One good configuration."""

    settings: Settings
    hosts: tuple[Host, ...]
