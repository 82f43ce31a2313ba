"""Settings that hold for nothing: a rule for hosts that there are not, a waiver that has ended."""

from __future__ import annotations

from datetime import UTC
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from scanner.domain.host_pattern import fits
from scanner.domain.waiver import ANY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scanner.domain.host import Host
    from scanner.settings.schema import Settings


def idle_settings(settings: Settings, hosts: Sequence[Host], now: float) -> Iterator[str]:
    """A line for each; the service runs with them, but not as whoever wrote them meant.

    ``hosts`` is the inventory, ``now`` is in Unix seconds.
    """
    if hosts:
        yield from _for_nobody(settings, hosts)
    for index, waiver in enumerate(settings.waivers):
        if waiver.until.timestamp() <= now:
            until = waiver.until.astimezone(UTC).date()
            yield f"waivers[{index}]: ended on {until}; take it out, or answer for it until a later day"
        elif hosts and not any(fnmatchcase(host.name, waiver.patterns.host) for host in hosts):
            place = "host" if waiver.match.host == ANY else "match.host"
            yield f"waivers[{index}].{place}: no host is called {waiver.patterns.host}"


def _for_nobody(settings: Settings, hosts: Sequence[Host]) -> Iterator[str]:
    for index, rule in enumerate(settings.gate.rules):
        if not any(fits(host, rule.match) for host in hosts):
            yield f"gate.rules[{index}].match: fits no host of the inventory: {rule.match}"
    for index, node in enumerate(settings.gate.admission.nodes):
        if not any(fits(host, node) for host in hosts):
            yield f"gate.admission.nodes[{index}]: fits no host of the inventory: {node}"
    for glob in settings.ssh.jump:
        if not any(fnmatchcase(host.name, glob) for host in hosts):
            yield f"ssh.jump.{glob}: no host is called so"
