"""Which image of a reference a container was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.image.selection import Outcome, select
from scanner.domain.verdict.evidence_layers import agree

if TYPE_CHECKING:
    from scanner.domain.facts import Engine, Kernel, Workload
    from scanner.domain.image.offers import ImageFacts, Offer


def running_offer(workload: Workload, image: ImageFacts, engine: Engine, kernel: Kernel) -> Offer | None:
    """The very manifest a container was made from, by digest; by platform only where that is unambiguous.

    Docker 23 to 27 with containerd's image store tell an index of a container, and no more. Where such a container was
    started the manifest is the one that its engine takes of that index: had somebody asked for another platform by hand,
    then what the runtime said of the start speaks for that one.
    """
    local = workload.local
    if local is None:
        return None
    for offer in image.offers:
        if local.manifest_digest == offer.digest or local.image_id in {offer.digest, offer.config_digest}:
            return offer
    alike = [offer for offer in image.offers if local.platform and agree(offer.platform, local.platform)]
    if (
        local.image_id and local.image_id != image.digest
    ):  # a config's digest; only the containerd store has the index's
        alike = [offer for offer in alike if not offer.config_digest]
    if len(alike) == 1:
        return alike[0]
    return _usual(workload, image, engine, kernel) if is_told_by_index(workload, image) else None


def is_told_by_index(workload: Workload, image: ImageFacts) -> bool:
    """Whether all that is known of a container's image is the index that holds it."""
    local = workload.local
    if local is None or local.platform is not None or local.manifest_digest:
        return False
    return image.is_index and local.image_id == image.digest


def _usual(workload: Workload, image: ImageFacts, engine: Engine, kernel: Kernel) -> Offer | None:
    """What the engine takes of an index, for a container that was started."""
    if workload.state in {"", "created"} or not image.offers:
        return None
    choice = select(engine, image.offers, workload.pinned, kernel, is_index=True)
    return image.offers[choice.order[0]] if choice.outcome is Outcome.TAKEN else None
