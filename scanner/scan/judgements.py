"""Judges each distinct workload of one scan once: a fleet runs the same images on the same CPUs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Workload
from scanner.domain.image.offers import ImageFacts
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.reason import Status
from scanner.domain.verdict.verdict import Fix, Verdict
from scanner.scan.aside import AT_ONCE
from scanner.scan.pace import Pace
from scanner.scan.questions import QuestionNote
from scanner.scan.standing_verdicts import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.facts import Engine, HostFacts, Kernel
    from scanner.scan.images.images import Images
    from scanner.scan.questions import RegistryQuestion
    from scanner.scan.standing_verdicts import StandingVerdicts

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


@dataclass(slots=True, eq=False)
class Judgement:
    """What is known within one scan of all workloads that are judged alike.

    ``right`` is their verdict if they are right, ``asked`` what was asked for it, ``None`` where it rests on something that
    could not be read. ``under_way`` is set when whoever finds out is done.
    """

    right: Verdict | None = None
    asked: tuple[RegistryQuestion, ...] | None = ()
    under_way: asyncio.Event | None = None


@dataclass(frozen=True, slots=True)
class Judgements:
    """The verdicts of one scan, within which neither a tag nor an image can change.

    Only what is right is shared: any other verdict names its host, in the commands that mend it. Of those who ask the
    same at the same time one finds out while the others wait for whether it is right. ``standing`` has those of former
    scans that may hold still. ``begun`` paces whoever begins to ask.
    """

    images: Images
    standing: StandingVerdicts | None = None
    _kinds: dict[Capability, int] = field(default_factory=dict)
    _known: dict[Key, Judgement] = field(default_factory=dict)
    begun: Pace = field(default_factory=lambda: Pace(AT_ONCE))
    _pace: Pace = field(default_factory=lambda: Pace(AT_ONCE))

    def kind(self, facts: HostFacts) -> int:
        """A number that hosts share if the same things run on them."""
        return self._kinds.setdefault((facts.kernel, facts.engines), len(self._kinds))

    def of(self, kind: int, workload: Workload) -> Judgement:
        """What workloads have in common that are judged like this one, on a host of this kind."""
        key = kind, _words(workload)
        known = self._known.get(key)
        return self._known.setdefault(key, Judgement()) if known is None else known

    async def verdict(self, one: Judgement, facts: HostFacts, workload: Workload) -> Verdict:
        """The verdict of a workload, which ``one`` belongs to, on a host that has these facts."""
        under_way = one.under_way
        if under_way is not None:
            await under_way.wait()
        if one.right is not None:
            return one.right
        if under_way is not None:  # it is not right, or who asked first was cut off
            return await self._judged(one, facts, workload)
        found = one.under_way = asyncio.Event()
        try:
            return await self._judged(one, facts, workload)
        finally:
            found.set()
            one.under_way = None

    async def _judged(self, one: Judgement, facts: HostFacts, workload: Workload) -> Verdict:
        if self.standing is None:
            return await self._found_out(one, facts, workload)
        subject = (facts.kernel, facts.engines, _words(workload))
        if (known := await self.standing.of(subject, self.images)) is not None:
            one.right, one.asked = known.verdict, known.asked
            return known.verdict
        verdict = await self._found_out(one, facts, workload)
        if one.right is not None and one.asked is not None:
            self.standing.keep(subject, self.images, Standing(one.right, one.asked))
        return verdict

    async def _found_out(self, one: Judgement, facts: HostFacts, workload: Workload) -> Verdict:
        note = QuestionNote()
        known = await self.images.known(facts, workload, note)
        await self._pace.wait()  # thousands may have waited for this image
        if one.asked is not None:
            one.asked = tuple(note.questions.values()) if note.is_firm else None
        verdict = judge(facts, workload, known.image, self.images.depth, known.next_pull)
        if isinstance(known.image, ImageFacts) and (origin := known.image.built_from(verdict.digest)):
            verdict = replace(verdict, built_from=origin)
        if verdict.status is Status.OK and verdict.fix == _NOTHING_TO_DO:
            one.right = verdict
        return verdict


def asked_for(judgements: Iterable[Judgement]) -> set[RegistryQuestion] | None:
    """What was asked for all of these; ``None`` where one of them rests on something that could not be read."""
    questions: set[RegistryQuestion] = set()
    for one in judgements:
        if one.asked is None:
            return None
        questions.update(one.asked)
    return questions
