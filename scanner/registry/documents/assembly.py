"""From documents to facts: which images a reference offers, each with what its config says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts, InnerIndex, Objection, Offer
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason
from scanner.registry.documents.manifest import MAX_ENTRIES, Descriptor, Index, Manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scanner.domain.image.reference import Digest, ImageReference
    from scanner.domain.platform.platform import Platform
    from scanner.registry.documents.image_config import ImageConfig

MAX_NESTED_INDEXES = 16
"""Indexes within one index; each costs a request, and none is needed for a usual image."""

MAX_CONFIGS = 64
"""Configs that are read of one index; the largest real ones offer some 30 platforms."""


class Reader(Protocol):
    """Fetches and interprets, each document once."""

    async def top(self, reference: ImageReference, digest: Digest) -> Index | Manifest | Failure:
        """What the reference itself leads to."""

    async def described(self, reference: ImageReference, descriptor: Descriptor) -> Index | Manifest | Failure:
        """What an index entry leads to."""

    async def config(self, reference: ImageReference, descriptor: Descriptor) -> ImageConfig | Failure:
        """What a manifest's config says."""


@dataclass(frozen=True, slots=True)
class Assembly:
    """One resolution under way; ``wanted`` tells of which entries the config is to be read."""

    reader: Reader
    reference: ImageReference
    wanted: Callable[[Platform | None], bool]

    async def facts(self, digest: Digest, taken_at: float) -> ImageFacts | Failure:
        """Everything the document with this digest offers."""
        top = await self.reader.top(self.reference, digest)
        if isinstance(top, Failure):
            return top
        if isinstance(top, Manifest):
            found: tuple[Offer, ...] | Failure = await self._single(digest, top)
        else:
            found = await self._all(top)
        if isinstance(found, Failure):
            return found
        return ImageFacts(str(self.reference), digest, isinstance(top, Index), found, taken_at)

    async def _single(self, digest: Digest, manifest: Manifest) -> tuple[Offer] | Failure:
        """A manifest says nothing of its platform; without its config nothing is known."""
        config = await self.reader.config(self.reference, manifest.config)
        return config if isinstance(config, Failure) else (_offer(digest, None, manifest, config),)

    async def _all(self, index: Index) -> tuple[Offer, ...] | Failure:
        entries = await self._flatten(index)
        if isinstance(entries, Failure):
            return entries
        found = await self._offers(entries)
        offers = tuple(offer for offer in found if offer is not None)
        if not offers and (index.is_doubtful or index.entries):
            return Failure(Reason.IMAGE_NOT_AN_IMAGE, "none of the index's entries says that it is an image")
        return offers or Failure(Reason.IMAGE_NO_PLATFORMS, "the index offers no image")

    async def _flatten(self, index: Index) -> list[Descriptor] | Failure:
        """The images of an index, those of indexes within it in their place."""
        nested = [entry for entry in index.entries if entry.is_index]
        if len(nested) > MAX_NESTED_INDEXES:
            return Failure(Reason.IMAGE_TOO_COMPLEX, f"the index holds more than {MAX_NESTED_INDEXES} indexes")
        images: list[Descriptor] = []
        total = index.total
        for place, entry in enumerate(index.entries):
            if not entry.is_index:
                images.append(entry)
                continue
            inner = await self._nested(entry)
            if isinstance(inner, Failure):
                return inner
            total += inner.total
            within = InnerIndex(place, entry.platform)  # one without images stands for itself: engines stop there
            images += [replace(found, within=within) for found in inner.entries or (entry,)]
        if total > MAX_ENTRIES:
            return Failure(Reason.IMAGE_TOO_COMPLEX, f"the index has {total} entries, more than {MAX_ENTRIES}")
        return images

    async def _nested(self, entry: Descriptor) -> Index | Failure:
        found = await self.reader.described(self.reference, entry)
        if isinstance(found, Failure):
            return found
        if isinstance(found, Manifest):
            return Failure(Reason.IMAGE_AMBIGUOUS, f"{entry.digest} is declared an index and is a manifest")
        if any(inner.is_index for inner in found.entries):
            return Failure(Reason.IMAGE_TOO_COMPLEX, "indexes are nested more than two deep")
        return found

    async def _offers(self, entries: list[Descriptor]) -> list[Offer | None]:
        """Every entry as an offer; ``None`` for one that turns out to be no image."""
        deep = [entry for entry in entries if entry.platform is None or self.wanted(entry.platform)]
        read = {entry.digest for entry in deep[:MAX_CONFIGS]}
        beyond = {entry.digest for entry in deep[MAX_CONFIGS:]} - read
        async with asyncio.TaskGroup() as group:
            tasks = {
                entry.digest: group.create_task(self._deep(entry)) for entry in _unique(deep) if entry.digest in read
            }
        known = {digest: task.result() for digest, task in tasks.items()}
        offers = [(entry, _known_or_plain(entry, known, beyond)) for entry in entries]
        return [
            offer
            and replace(
                offer,
                nested=entry.within is not None,
                within=entry.within,
                objections=(*offer.objections, *_to_entry(entry)),
            )
            for entry, offer in offers
        ]

    async def _deep(self, entry: Descriptor) -> Offer | None:
        if entry.is_index:
            why = "an index within the index offers no image"
            return Offer(entry.digest, entry.platform, Failure(Reason.IMAGE_NO_PLATFORMS, why))
        if not entry.is_manifest:
            why = f"the index entry is of the type {entry.media_type}"
            return Offer(entry.digest, entry.platform, Failure(Reason.IMAGE_NOT_AN_IMAGE, why))
        manifest = await self.reader.described(self.reference, entry)
        if isinstance(manifest, Index):
            manifest = Failure(Reason.IMAGE_AMBIGUOUS, f"{entry.digest} is declared a manifest and is an index")
        if isinstance(manifest, Failure):
            return Offer(entry.digest, entry.platform, manifest)
        if manifest.is_artifact and entry.platform is None:
            return None
        config = await self.reader.config(self.reference, manifest.config)
        return _offer(entry.digest, entry.platform, manifest, config)


def _unique(entries: list[Descriptor]) -> list[Descriptor]:
    return list({entry.digest: entry for entry in entries}.values())


def _known_or_plain(entry: Descriptor, known: dict[Digest, Offer | None], beyond: set[Digest]) -> Offer | None:
    """An image listed twice is read once, but each entry says its own platform."""
    if entry.digest in beyond:
        return Offer(
            entry.digest, entry.platform, Failure(Reason.IMAGE_TOO_COMPLEX, f"more than {MAX_CONFIGS} configs")
        )
    if entry.digest not in known:
        return Offer(entry.digest, entry.platform)
    offer = known[entry.digest]
    return offer and Offer(
        digest=offer.digest,
        entry=entry.platform,
        config=offer.config,
        process=offer.process,
        layers=offer.layers,
        config_digest=offer.config_digest,
        diff_ids=offer.diff_ids,
        built_from=offer.built_from,
        objections=offer.objections,
    )


def _to_entry(entry: Descriptor) -> Iterator[Objection]:
    if entry.has_urls:
        why = "the index entry names addresses of its own, where some engines ask"
        yield Objection(Condition.ENTRY_URLS, Failure(Reason.IMAGE_REFUSED, why))
    if not (entry.is_manifest or entry.is_index):
        why = f"the index entry that fits is of the type {entry.media_type}, which is no image's"
        yield Objection(Condition.ENTRY_TYPE_ODD, Failure(Reason.IMAGE_REFUSED, why))


def _offer(digest: Digest, entry: Platform | None, manifest: Manifest, config: ImageConfig | Failure) -> Offer:
    if isinstance(config, Failure):
        return Offer(digest, entry, config, layers=manifest.layers, config_digest=manifest.config.digest)
    return Offer(
        digest=digest,
        entry=entry,
        config=config.platform,
        process=config.process,
        layers=manifest.layers,
        config_digest=manifest.config.digest,
        diff_ids=config.diff_ids,
        built_from=config.built_from,
        objections=(*manifest.objections, *config.objections),
    )
