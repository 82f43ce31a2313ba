"""Judges each distinct workload of one scan once: a fleet runs the same images on the same CPUs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Workload
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.reason import Status
from scanner.domain.verdict.verdict import Fix, Verdict

if TYPE_CHECKING:
    from scanner.domain.facts import Engine, HostFacts, Kernel
    from scanner.scan.images import Images

Capability = tuple["Kernel", tuple["Engine", ...]]
"""All that a judgement knows of a host beside its name."""

Key = tuple[int, tuple[Any, ...]]
"""A kind of host, then everything that a workload says but its names."""

_OF_ONE = frozenset({"host", "name", "started_at", "finished_at", "maker", "pinned_at"})
"""What differs between containers that are judged alike; of the two moments only what lies between them counts.

Who made them, or where a platform is pinned, stands in nothing but the fix, which what is right has none of.
"""

_words = attrgetter(*(each.name for each in fields(Workload) if each.compare and each.name not in _OF_ONE), "ran_s")

_NOTHING_TO_DO = Fix()


@dataclass(frozen=True, slots=True)
class Judgements:
    """The verdicts of one scan, within which neither a tag nor an image can change.

    Only what is right is shared: any other verdict names its host, in the commands that mend it. Of those who ask the
    same at the same time one finds out while the others wait for whether it is right.
    """

    images: Images
    _kinds: dict[Capability, int] = field(default_factory=dict)
    _right: dict[Key, Verdict] = field(default_factory=dict)
    _open: dict[Key, asyncio.Event] = field(default_factory=dict)

    def kind(self, facts: HostFacts) -> int:
        """A number that hosts share if the same things run on them."""
        return self._kinds.setdefault((facts.kernel, facts.engines), len(self._kinds))

    def right(self, kind: int, workload: Workload) -> Verdict | None:
        """The verdict of a workload that was found to be right on a host of this kind."""
        return self._right.get(_key(kind, workload))

    async def verdict(self, kind: int, facts: HostFacts, workload: Workload) -> Verdict:
        """The judgement of a workload on a host of this kind, which has these facts."""
        key = _key(kind, workload)
        if under_way := self._open.get(key):
            await under_way.wait()
        if shared := self._right.get(key):
            return shared
        if under_way:  # it is not right, or who asked first was cut off
            return await self._judged(key, facts, workload)
        found = self._open[key] = asyncio.Event()
        try:
            return await self._judged(key, facts, workload)
        finally:
            found.set()
            del self._open[key]

    async def _judged(self, key: Key, facts: HostFacts, workload: Workload) -> Verdict:
        known = await self.images.known(facts, workload)
        verdict = judge(facts, workload, known.image, self.images.depth, known.next_pull)
        if verdict.status is Status.OK and verdict.fix == _NOTHING_TO_DO:
            self._right[key] = verdict
        return verdict


def _key(kind: int, workload: Workload) -> Key:
    """All that a judgement depends on."""
    return kind, _words(workload)
