"""Notes what a judgement asked of registries, so that the next scan can ask just that again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.image.image_survey import Survey
from scanner.domain.verdict.verdict import Depth
from scanner.scan.images.inspections import is_certain

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scanner.domain.image.offers import ImageFacts, Offer, Program
    from scanner.domain.image.reference import ImageReference
    from scanner.scan.images.image_surveys import Subject, Wanted
    from scanner.scan.images.images import Images

Key = tuple[object, ...]
"""What makes two questions one."""


@dataclass(frozen=True, slots=True, eq=False)
class RegistryQuestion:
    """A question whose answer may be another one tomorrow; ``answer`` is today's."""

    key: Key
    ask: Callable[[Images], Awaitable[object]]
    answer: object
    is_of_tag: bool = False

    async def is_answered_alike(self, images: Images) -> bool:
        """Whether the answer is still the same."""
        now = await self.ask(images)
        return now is self.answer or now == self.answer


class QuestionNote:
    """The questions of one judgement, by their keys.

    ``is_firm`` tells that they are all that its verdict rests on beside what no registry can change: what is under a
    digest, once read. A verdict that is not firm, for something could not be read, is to be made anew each time.
    """

    __slots__ = ("is_firm", "questions")

    def __init__(self) -> None:
        self.questions: dict[Key, RegistryQuestion] = {}
        self.is_firm = True

    def resolved(self, reference: ImageReference, found: ImageFacts | Failure) -> None:
        """A registry said what a reference means, or did not."""

        async def ask(images: Images) -> object:
            return _meaning(await images.registry.resolve(reference, depth=Depth.INDEX))

        if not isinstance(found, Failure) and any(isinstance(offer.config, Failure) for offer in found.offers):
            self.is_firm = False
        key = ("resolved", reference)
        self.questions[key] = RegistryQuestion(key, ask, _meaning(found), is_of_tag=reference.digest is None)

    def inspected(self, program: Program) -> None:
        """A program was looked into; that is so for good, unless something of it could not be read."""
        self.is_firm &= is_certain(program)

    def looked_for(self, reference: ImageReference, offer: Offer, missing: Failure | None) -> None:
        """A registry said whether all that a pull needs is there."""

        async def ask(images: Images) -> object:
            return await images.missing_part(reference, offer)

        self._add(("part", reference, offer.digest), ask, missing)

    def surveyed(self, wanted: Wanted, subject: Subject, found: Survey | Failure | None) -> None:
        """There is a survey, which is so for good, or not yet."""

        async def ask(images: Images) -> object:
            return await images.surveys.of(wanted, subject) if images.surveys else None

        if not isinstance(found, Survey):
            self._add(("survey", *wanted.key, subject.asked), ask, found)

    def _add(self, key: Key, ask: Callable[[Images], Awaitable[object]], answer: object) -> None:
        self.questions[key] = RegistryQuestion(key, ask, answer)


def _meaning(found: ImageFacts | Failure) -> object:
    """What a reference stands for; all else follows from its digest."""
    return found if isinstance(found, Failure) else found.digest
