"""Keeps verdicts from one check to the next, for as long as registries answer what they rest on alike."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scanner.domain.facts import Engine, Kernel
    from scanner.domain.verdict.verdict import Verdict
    from scanner.scan.images.images import Images
    from scanner.scan.questions import RegistryQuestion

MAX_STANDING = 5000
"""Verdicts kept, some 4 KiB each with what they rest on: what a fleet of ten thousand hosts is asked about in a week."""

MAX_SUBJECT_CHARS = 16 << 10
"""Written out. A workload may say a megabyte, and no two the same; what says so much is judged each time."""

Subject = tuple["Kernel", "tuple[Engine, ...]", tuple[Any, ...]]
"""Everything that is judged: a kind of host, what a workload says beside its names."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A verdict of what is right, with all that was asked for it."""

    verdict: Verdict
    asked: tuple[RegistryQuestion, ...]


class StandingVerdicts:
    """Those of checks by the same adapters alone: their settings are not compared.

    A tag is asked for anew in each check; only what follows from an answer that is the same is not found out again.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[object, ...], Standing] = OrderedDict()

    async def of(self, subject: Subject, images: Images) -> Standing | None:
        """What judging it again would find; ``None`` where it might be something else."""
        key = (images.depth, *subject)
        known = self._known.get(key)
        if known is None:
            return None
        self._known.move_to_end(key)
        for question in sorted(known.asked, key=lambda one: not one.is_of_tag):
            if not await question.is_answered_alike(images):
                return None
        return known

    def keep(self, subject: Subject, images: Images, standing: Standing) -> None:
        """Remember it, in the place of what was asked about longest ago; not where that says too much."""
        if len(repr(subject)) > MAX_SUBJECT_CHARS:
            return
        self._known[images.depth, *subject] = standing
        if len(self._known) > MAX_STANDING:
            self._known.popitem(last=False)
