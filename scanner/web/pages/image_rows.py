"""Rows of pages that have many findings in one: an image that fares alike wherever it is, an image with all its workloads."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from heapq import nsmallest
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING

from scanner.domain.facts import Stage
from scanner.domain.fleet_picture import URGENT
from scanner.domain.verdict.reason import Reason, Status
from scanner.web.pages.page_filter import NO_PLATFORM

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scanner.domain.finding_groups import Likeness
    from scanner.domain.image.offers import BuiltFrom
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Finding

HARM = {status: number for number, status in enumerate(URGENT)}

STAGES = {Stage.RUNNING: 0, Stage.PLANNED: 1, Stage.STOPPED: 2}
"""What is down now, what will be, what has been for long."""

MAX_SHOWN = 20
"""Workloads that a row lists when it opens; the rest have a page of their own."""

_SINCE = attrgetter("first_seen")
_PLACE = attrgetter("first_seen", "workload.host", "workload.name")


@dataclass(frozen=True)
class Alike:
    """Findings by what they have in common; whatever follows from that alone is told without a look at each.

    ``hosts_alike`` are the hosts of those findings, of others too perhaps.
    """

    parts: Mapping[Likeness, Sequence[Finding]]
    hosts_alike: Mapping[Likeness, Sequence[str]]

    @cached_property
    def count(self) -> int:
        """How many findings there are."""
        return sum(map(len, self.parts.values()))

    @cached_property
    def hosts(self) -> frozenset[str]:
        """Where they are."""
        return frozenset().union(*map(self.hosts_alike.__getitem__, self.parts))

    @cached_property
    def counts(self) -> Mapping[Status, int]:
        """How many fare how, worst first."""
        counts: Counter[Status] = Counter()
        for one, found in self.parts.items():
            counts[one.status] += len(found)
        return {status: counts[status] for status in URGENT if counts[status]}

    @cached_property
    def teams(self) -> Sequence[str]:
        """Whose they are, as far as somebody said so."""
        return sorted({one.team for one in self.parts if one.team})

    @cached_property
    def origins(self) -> Sequence[BuiltFrom]:
        """What their images say that they were built from, each source once."""
        return tuple(dict.fromkeys(one.built_from for one in self.parts if one.built_from is not None))


@dataclass(frozen=True)
class ImageGroup(Alike):
    """One image that fares alike wherever it is: a row that opens."""

    image: str
    reason: Reason

    @property
    def status(self) -> Status:
        """How it fares."""
        return next(iter(self.parts)).status

    @property
    def first(self) -> Finding:
        """The one that speaks for all."""
        return self.foremost[0]

    @cached_property
    def foremost(self) -> Sequence[Finding]:
        """The first of its findings: what runs before what is planned, then what has been so for the longest."""
        by_stage: dict[Stage, list[Sequence[Finding]]] = {}
        for one, found in self.parts.items():
            by_stage.setdefault(one.stage, []).append(found)
        chosen: list[Finding] = []
        for stage in sorted(by_stage, key=STAGES.__getitem__):
            if left := MAX_SHOWN - len(chosen):
                chosen += nsmallest(left, chain.from_iterable(by_stage[stage]), key=_PLACE)
        return chosen

    @cached_property
    def since(self) -> float | None:
        """When the first of them was seen (Unix seconds)."""
        return min(filter(None, map(_SINCE, chain.from_iterable(self.parts.values()))), default=None)

    @cached_property
    def stages(self) -> Mapping[Stage, int]:
        """How many run, are planned, are stopped."""
        counts: Counter[Stage] = Counter()
        for one, found in self.parts.items():
            counts[one.stage] += len(found)
        return counts

    @cached_property
    def host_platforms(self) -> Sequence[str]:
        """The platforms of its hosts."""
        return sorted({str(one.platform or NO_PLATFORM) for one in self.parts})

    @cached_property
    def details(self) -> Sequence[str]:
        """What is said of it, each wording once."""
        return tuple(dict.fromkeys(one.detail for one in self.parts if one.detail))

    @cached_property
    def waived(self) -> int:
        """How many of them somebody answers for."""
        return sum(len(found) for one, found in self.parts.items() if one.is_waived)


@dataclass(frozen=True)
class ImageRow(Alike):
    """One image as written with how it fares."""

    image: str

    @property
    def worst(self) -> Status:
        """How it fares where it fares worst."""
        return next(iter(self.counts))

    @cached_property
    def findings(self) -> Sequence[Finding]:
        """Its workloads, the worst first."""
        return sorted(chain.from_iterable(self.parts.values()), key=urgency)

    @cached_property
    def offered(self) -> Sequence[Platform]:
        """What it was found to offer."""
        return tuple(dict.fromkeys(chain.from_iterable(one.offered for one in self.parts)))


def is_trouble(one: Likeness) -> bool:
    """Whether it is not ok."""
    return one.status is not Status.OK


def urgency(finding: Finding) -> tuple[int, int, float, tuple[str, ...]]:
    """What stands before what."""
    return (HARM[finding.verdict.status], STAGES[finding.workload.stage], finding.first_seen, finding.key)


def grouped(found: Alike, is_asked: Callable[[Likeness], bool]) -> tuple[ImageGroup, ...]:
    """One group for each image and reason: by status, then what runs before what is planned, then the many."""
    parts: dict[tuple[str, Reason], dict[Likeness, Sequence[Finding]]] = {}
    for one, some in found.parts.items():
        if is_asked(one):
            parts.setdefault((one.image, one.reason), {})[one] = some
    groups = [ImageGroup(some, found.hosts_alike, image, reason) for (image, reason), some in parts.items()]
    return tuple(sorted(groups, key=_group_urgency))


def _group_urgency(group: ImageGroup) -> tuple[int, int, int, str, str]:
    stage = min(STAGES[one.stage] for one in group.parts)
    return (HARM[group.status], stage, -group.count, group.image, str(group.reason))
