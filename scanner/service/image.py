"""An image opened: what it offers, down to the binary of each platform."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from scanner.domain.facts import Executable, Failure, ImageFacts, Offer
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.reference import ImageReference
    from scanner.scan.ports import BinaryInspector, ImageResolver


class BinaryLister(Protocol):
    """Reads an image to its end."""

    async def __call__(self, reference: ImageReference, offer: Offer) -> tuple[Executable, ...] | Failure:
        """Every executable of one image."""


@dataclass(frozen=True, slots=True)
class Opened:
    """An image with everything found in it; ``binaries`` by manifest digest, empty unless asked for."""

    facts: ImageFacts | Failure
    binaries: Mapping[str, tuple[Executable, ...] | Failure]


async def open_image(
    reference: ImageReference, resolver: ImageResolver, inspect: BinaryInspector, list_all: BinaryLister | None = None
) -> Opened:
    """What the image offers with the program of each offer; with ``list_all`` also its foreign executables."""
    facts = await resolver.resolve(reference, depth=Depth.CONFIG)
    if isinstance(facts, Failure):
        return Opened(facts, {})
    readable = [offer for offer in facts.offers if not isinstance(offer.config, Failure)]
    programs = await asyncio.gather(*(inspect(reference, offer, None) for offer in readable))
    for offer, program in zip(readable, programs, strict=True):
        facts = facts.with_program(offer.digest, program)
    if list_all is None:
        return Opened(facts, {})
    return Opened(facts, {offer.digest: await _foreign(reference, offer, list_all) for offer in facts.offers})


async def _foreign(reference: ImageReference, offer: Offer, list_all: BinaryLister) -> tuple[Executable, ...] | Failure:
    """The executables that are made for another CPU than the offer says."""
    said = offer.platform
    if said is None:
        return Failure(Reason.IMAGE_ARCH_UNKNOWN, "the image says no platform to compare with")
    listed = await list_all(reference, offer)
    if isinstance(listed, Failure):
        return listed
    return tuple(file for file in listed if file.is_foreign_to(said))
