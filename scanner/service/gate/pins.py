"""The digests that were judged: by them a tag that moves before the pull changes nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.image.reference import by_digest
from scanner.domain.verdict.verdict import Depth

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.reference import ImageReference
    from scanner.domain.report import Report
    from scanner.scan.ports import ImageResolver


async def pins(
    registry: ImageResolver, images: Mapping[str, ImageReference | Failure], report: Report
) -> dict[str, str]:
    """Each image as it is written with the reference, by digest, that it was judged as in ``report``.

    Without those that nobody could resolve, and those that files place elsewhere, so that nobody judged them.

    To be asked in the same snapshot as the judgement, in which a tag means the same thing each time. The digest is that of
    the index where there is one, so that each host still takes its own image of it.
    """
    judged = {finding.workload.image for finding in report.findings}
    asked = {image: reference for image, reference in images.items() if image in judged}
    # mostly known by now; not where no host could be read, so that nobody has asked a registry yet
    found = await asyncio.gather(*(pin(registry, reference) for reference in asked.values()))
    return {image: pinned for image, pinned in zip(asked, found, strict=True) if pinned}


async def pin(registry: ImageResolver, reference: ImageReference | Failure) -> str:
    """The reference by digest; empty where nobody could resolve it."""
    if isinstance(reference, Failure):
        return ""
    facts = await registry.resolve(reference, depth=Depth.INDEX)
    if isinstance(facts, Failure):
        return ""
    return str(by_digest(reference, facts.digest))
