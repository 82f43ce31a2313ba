"""What ``config check`` says of a configuration that can be used."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from scanner.app.idle_settings import idle_settings

if TYPE_CHECKING:
    from scanner.inventory import Inventory
    from scanner.settings.schema import Settings


def found_good(settings: Settings, found: Inventory) -> list[str]:
    """What there is, then what of the settings nobody gains anything by."""
    counts = f"hosts: {len(found.hosts)}, registries: {len(settings.registries.listed)}."
    idle = list(idle_settings(settings, found.hosts, time.time()))
    if not idle:
        return [f"The configuration is good; {counts}"]
    return [
        f"The configuration can be used, though not all of it does anything; {counts}",
        *(f"  {one}" for one in idle),
    ]


def inventory_lines(found: Inventory) -> list[str]:
    """What of the inventory will not be read, by name, with the file and line that says why."""
    odd, skipped = found.not_understood, found.skipped
    return [
        *([] if found.hosts or skipped else ["No source of the inventory has any host: nothing will be scanned."]),
        *([f"Not understood, so that nothing is known of them: {len(odd)}."] if odd else []),
        *(f"  {host.name}: {host.problem}" for host in odd),
        *([f"Skipped, since their own inventory says that they are none of ours: {len(skipped)}."] if skipped else []),
        *(f"  {one.name}: {one.why} ({one.place})" for one in skipped),
        *(f"Note: {note}" for note in found.notes),
    ]
