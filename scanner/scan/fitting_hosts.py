"""Findings of images for other CPUs name hosts of the fleet where these would start."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from scanner.domain.finding_groups import HostFindings
from scanner.domain.platform.platform import canonical
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.report import Finding, HostReading

MOVABLE = frozenset({Reason.PLATFORM_MISSING, Reason.WRONG_PLATFORM})

ENOUGH = remedy.MAX_HOSTS_NAMED + 2
"""Of each platform: as many as are named, one that shows that there are more, the finding's own."""


def named(judged: Sequence[tuple[HostReading, HostFindings]]) -> dict[str, HostFindings]:
    """Each host's findings under its name; the same object where none of them is of that kind."""
    hosts: dict[str, list[str]] = {}
    for reading, _ in judged:
        if reading.platform:
            alike = hosts.setdefault(str(canonical(reading.platform)), [])
            if len(alike) < ENOUGH:
                alike.append(reading.name)
    return {
        reading.name: found
        if found.tally.reasons.isdisjoint(MOVABLE)
        else HostFindings(_with_hosts(finding, hosts) for finding in found)
        for reading, found in judged
    }


def _with_hosts(finding: Finding, hosts: dict[str, list[str]]) -> Finding:
    verdict = finding.verdict
    own = finding.host_platform and canonical(finding.host_platform)
    if verdict.reason not in MOVABLE or own in verdict.offered:  # where it fits already, something else is wrong
        return finding
    fitting = dict.fromkeys(
        name for platform in verdict.offered for name in hosts.get(str(platform), ()) if name != finding.workload.host
    )
    fix = remedy.with_hosts(verdict.fix, tuple(islice(fitting, ENOUGH)), verdict.offered)
    return replace(finding, verdict=replace(verdict, fix=fix))
