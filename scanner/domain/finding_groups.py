"""A report's findings in groups by host, so that a host of which nothing changed keeps its group from scan to scan."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain
from operator import attrgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from scanner.domain.verdict.reason import STATUS_OF, leaves_incomplete

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.domain.facts import Stage
    from scanner.domain.image.offers import BuiltFrom
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Finding
    from scanner.domain.verdict.reason import Reason, Status

MAX_SETS = 4096
"""Sets of reasons, or of what images offer, of which each is kept once; a fleet has some dozens."""

MAX_LIKENESSES = 65_536
"""Likenesses of which each is kept once: about those of some hundred images on a few platforms, by team."""


_NAME_OF = attrgetter("workload.name")


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """What findings have in common that differ by host, name, moment, evidence alone.

    Each is told from others by being another object: equal ones are the same while there are not too many of them.
    """

    image: str
    reason: Reason
    stage: Stage
    platform: Platform | None
    offered: tuple[Platform, ...]
    team: str
    detail: str
    built_from: BuiltFrom | None
    is_waived: bool

    def __post_init__(self) -> None:
        """Keep platforms once, so that they can be told apart by the very object."""
        object.__setattr__(self, "platform", _kept(self.platform))
        object.__setattr__(self, "offered", _kept(self.offered))

    @property
    def status(self) -> Status:
        """The status that the reason stands for."""
        return STATUS_OF[self.reason]


@dataclass(frozen=True, slots=True)
class Tally:
    """What is counted of one host's findings: by status and stage, by platform with what is offered."""

    stages: tuple[tuple[Status, Stage, int], ...]
    offers: tuple[tuple[Platform, tuple[Platform, ...], int], ...]
    incomplete: int
    reasons: frozenset[Reason]


class HostFindings(tuple["Finding", ...]):  # noqa: SLOT001 -- what is counted of them is remembered
    """One host's findings; whoever makes something of them may remember it by this very object.

    ``is_shown`` tells that every text of them is known to be fit to be shown, ``rows_packed`` is what the trail hashes of them,
    empty before that was made.
    """

    is_shown = False
    rows_packed = b""

    @cached_property
    def likenesses(self) -> tuple[Likeness, ...]:
        """That of each finding, in their order."""
        return tuple(map(_likeness_of, self))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the workload of each is called, in their order."""
        return tuple(map(_NAME_OF, self))

    @cached_property
    def tally(self) -> Tally:
        """Counted once."""
        stages = Counter((one.status, one.stage) for one in self.likenesses)
        offering = {(id(one.platform), id(one.offered)): one for one in self.likenesses}  # a platform's hash is dear
        counted = Counter((id(one.platform), id(one.offered)) for one in self.likenesses)
        offers: Counter[tuple[Platform, tuple[Platform, ...]]] = Counter()
        for which, one in offering.items():
            if one.platform and one.offered:
                offers[one.platform, one.offered] += counted[which]
        return Tally(
            tuple(_kept((*what, count)) for what, count in stages.items()),
            tuple(_kept((*what, count)) for what, count in offers.items()),
            sum(leaves_incomplete(one.reason) for one in self.likenesses),
            _kept(frozenset(one.reason for one in self.likenesses)),
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


def _likeness_of(finding: Finding) -> Likeness:
    workload, verdict = finding.workload, finding.verdict
    return _likeness(
        workload.image, verdict.reason, workload.stage, finding.host_platform, verdict.offered, finding.team,
        verdict.detail, verdict.built_from, finding.waived_until is not None,
    )  # fmt: skip


_likeness = lru_cache(MAX_LIKENESSES)(Likeness)
