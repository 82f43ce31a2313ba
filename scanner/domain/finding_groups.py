"""A report's findings in groups by host, so that a host of which nothing changed keeps its group from scan to scan."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from scanner.domain.verdict.reason import STATUS_OF, leaves_incomplete

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.domain.facts import Stage
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Finding
    from scanner.domain.verdict.reason import Reason, Status

MAX_SETS = 4096
"""Sets of reasons, or of what images offer, of which each is kept once; a fleet has some dozens."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted of one host's findings: by status and stage, by platform with what is offered."""

    stages: tuple[tuple[Status, Stage, int], ...]
    offers: tuple[tuple[Platform, tuple[Platform, ...], int], ...]
    incomplete: int
    reasons: frozenset[Reason]


class HostFindings(tuple["Finding", ...]):  # noqa: SLOT001 -- what is counted of them is remembered
    """One host's findings; whoever makes something of them may remember it by this very object.

    ``is_shown`` tells that every text of them is known to be fit to be shown.
    """

    is_shown = False

    @cached_property
    def tally(self) -> Tally:
        """Counted once."""
        reasons = Counter((f.verdict.reason, f.workload.stage) for f in self)
        offers = Counter((f.host_platform, f.verdict.offered) for f in self if f.host_platform and f.verdict.offered)
        stages: dict[tuple[Status, Stage], int] = {}
        for (reason, stage), count in reasons.items():
            stages[STATUS_OF[reason], stage] = stages.get((STATUS_OF[reason], stage), 0) + count
        return Tally(
            tuple(_kept((*what, count)) for what, count in stages.items()),
            tuple(_kept((*what, count)) for what, count in offers.items()),
            sum(count for (reason, _), count in reasons.items() if leaves_incomplete(reason)),
            _kept(frozenset(reason for reason, _ in reasons)),
        )


class Findings(tuple["Finding", ...]):  # noqa: SLOT001 -- the groups stand beside them
    """All findings of a report, one host's after the other's."""

    by_host: Mapping[str, HostFindings]

    @classmethod
    def of(cls, groups: Mapping[str, HostFindings]) -> Findings:
        """Those of each host, under its name."""
        made = cls(chain.from_iterable(groups.values()))
        made.by_host = MappingProxyType(dict(groups))
        return made

    @classmethod
    def grouped(cls, findings: Iterable[Finding]) -> Findings:
        """Findings in any order; hosts are in the order in which they come first."""
        groups: dict[str, list[Finding]] = {}
        for finding in findings:
            groups.setdefault(finding.workload.host, []).append(finding)
        return cls.of({host: HostFindings(found) for host, found in groups.items()})


NO_FINDINGS = HostFindings()


@lru_cache(MAX_SETS)
def _kept(value: Any) -> Any:
    """The value itself, or the equal one that was here before."""
    return value
