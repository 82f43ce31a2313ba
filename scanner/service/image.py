"""An image opened: what it offers, down to the binary of each platform."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts, Offer, Program
from scanner.domain.platform.platform import canonical
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.survey_ways import located
from scanner.domain.verdict.verdict import Depth
from scanner.scan.images.image_surveys import Rank, Subject, Surveying, Wanted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.image_survey import ImageSurvey, LocatedFile
    from scanner.domain.image.reference import ImageReference
    from scanner.scan.ports import BinaryInspector, ImageResolver


class FileLister(Protocol):
    """Reads an image to its end."""

    async def __call__(self, reference: ImageReference, offer: Offer) -> ImageSurvey | Failure:
        """Every file of one image that could be executed or loaded."""


@dataclass(frozen=True, slots=True)
class InspectedImage:
    """An image with everything found in it.

    ``binaries`` are, by manifest digest, the files for another CPU than the offer says, with the ways that take them;
    empty unless asked for.
    """

    facts: ImageFacts | Failure
    binaries: Mapping[str, tuple[LocatedFile, ...] | Failure]


async def open_image(
    reference: ImageReference,
    resolver: ImageResolver,
    inspect: BinaryInspector,
    surveys: Surveying | None = None,
    list_all: FileLister | None = None,
) -> InspectedImage:
    """What the image offers with the program of each offer, surveyed where a script decides at run time.

    With ``list_all`` also every file that is for another CPU.
    """
    facts = await resolver.resolve(reference, depth=Depth.CONFIG)
    if isinstance(facts, Failure):
        return InspectedImage(facts, {})
    readable = [offer for offer in facts.offers if not isinstance(offer.config, Failure)]
    programs = await asyncio.gather(*(inspect(reference, offer, None) for offer in readable))
    for offer, program in zip(readable, programs, strict=True):
        facts = facts.with_program(offer.digest, program)
        if surveys is not None and program.problem is None:
            lacking = Wanted(reference, facts, offer, program.wants_survey, Rank.PLANNED)
            facts = facts.with_survey(offer.digest, await surveys.of(lacking, Subject(offer, None, program)))
    if list_all is None:
        return InspectedImage(facts, {})
    return InspectedImage(facts, {offer.digest: await _foreign(reference, offer, list_all) for offer in facts.offers})


async def _foreign(reference: ImageReference, offer: Offer, list_all: FileLister) -> tuple[LocatedFile, ...] | Failure:
    """The files that are made for another CPU than the offer says."""
    said = offer.platform
    if said is None:
        return Failure(Reason.IMAGE_ARCH_UNKNOWN, "the image says no platform to compare with")
    listed = await list_all(reference, offer)
    if isinstance(listed, Failure):
        return listed
    asked = Subject(offer, None, offer.program or Program(())).asked
    own = canonical(said).architecture
    files = await asyncio.to_thread(lambda: tuple(located(listed, asked)))
    return tuple(file for file in files if file.needs is None or file.needs.architecture != own)
