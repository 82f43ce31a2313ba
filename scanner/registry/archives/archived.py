"""One image of an archive, resolved as a registry would, beside the registries themselves."""

from __future__ import annotations

import hashlib
import time
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from scanner.domain.failure import Failure
from scanner.domain.image import reference as references
from scanner.domain.image.reference import Digest, ImageReference, image_reference
from scanner.domain.streams import StreamBroken
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.registry.archives import docker_save, layout
from scanner.registry.archives.blobs import ArchiveError
from scanner.registry.documents.assembly import Assembly, Reader

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
    from contextlib import AbstractAsyncContextManager

    from scanner.domain.image.offers import ImageFacts, Layer, Offer
    from scanner.domain.platform.platform import Platform
    from scanner.registry.archives.blobs import Blobs
    from scanner.registry.client import Registry, StaleFacts

UNNAMED = "localhost/archive"
"""What an image is called whose archive does not say: the registry part that Podman gives to images built here."""


class ArchiveReader(Reader, Protocol):
    """The documents of one image, with the places of its layers."""

    def place_of(self, layer: Layer) -> str:
        """The name of a layer's file."""
        ...


@dataclass(frozen=True, slots=True)
class Archived:
    """One image of an archive under the reference that stands for it while it is judged; ``failure``: it is not read."""

    reference: ImageReference
    blobs: Blobs
    reader: ArchiveReader | None
    digest: Digest
    failure: Failure | None = None
    taken_at: float = field(default_factory=time.time)

    @classmethod
    async def open(cls, blobs: Blobs, asked: str, *, is_saved: bool) -> Archived:
        """The image called ``asked``, or the only one; ``is_saved`` also takes what older engines' ``docker save`` makes."""
        try:
            if is_saved and blobs.size(layout.INDEX_NAME) is None:
                saved = await docker_save.choose(blobs, asked)
                if not isinstance(saved, Failure):
                    reference = _called(saved.name, saved.digest)
                    return cls(reference, blobs, docker_save.SavedReader(saved), saved.digest)
                return cls.unread(blobs, saved)
            chosen = await layout.choose(blobs, asked)
        except ArchiveError as error:
            return cls.unread(blobs, error.failure)
        if isinstance(chosen, Failure):
            return cls.unread(blobs, chosen)
        made = cls(_called(chosen.name, chosen.digest), blobs, layout.LayoutReader(blobs, chosen), chosen.digest)
        why = await made._contradicted(chosen.names) if is_saved else None
        return cls.unread(blobs, why) if why else made

    async def _contradicted(self, names: Collection[str]) -> Failure | None:
        """Why the other list of what an engine saved is not believed."""
        facts = await self.resolve(depth=Depth.CONFIG)
        if isinstance(facts, Failure):
            return facts
        configs = {offer.config_digest for offer in facts.offers if offer.config_digest}
        try:
            return await docker_save.contradiction(self.blobs, names, configs)
        except ArchiveError as error:
            return error.failure

    @classmethod
    def unread(cls, blobs: Blobs, failure: Failure) -> Archived:
        """An archive of which nothing is believed."""
        digest = Digest(f"sha256:{hashlib.sha256(failure.detail.encode()).hexdigest()}")
        return cls(_called("", digest), blobs, None, digest, failure)

    async def resolve(
        self, *, depth: Depth, wanted: Callable[[Platform | None], bool] | None = None
    ) -> ImageFacts | Failure:
        """What it offers."""
        if self.reader is None:
            return self.failure or Failure(Reason.IMAGE_MALFORMED, "the archive cannot be read")
        deep = (wanted or _every) if depth is Depth.CONFIG else _none
        try:
            return await Assembly(self.reader, self.reference, deep).facts(self.digest, self.taken_at)
        except ArchiveError as error:
            return error.failure

    def missing_part(self, offer: Offer) -> Failure | None:
        """A layer that the archive lacks, so that no engine could load or push the image."""
        if self.reader is None:
            return None
        try:
            for layer in offer.layers:
                if not layer.foreign and self.blobs.size(self.reader.place_of(layer)) is None:
                    return Failure(Reason.LAYER_MISSING, f"the archive has no layer {layer.digest}")
        except ArchiveError:
            return None  # whoever reads it says why
        return None

    @asynccontextmanager
    async def open_layer(self, layer: Layer, start: int, end: int | None) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes of a layer, held to its digest where all of it is read."""
        async with aclosing(self._pieces(layer, start, layer.size if end is None else min(end, layer.size))) as pieces:
            yield pieces

    async def _pieces(self, layer: Layer, start: int, end: int) -> AsyncGenerator[bytes, None]:
        if self.reader is None:
            raise StreamBroken(Failure(Reason.LAYER_UNKNOWN, "the archive cannot be read"))
        if layer.foreign:
            raise StreamBroken(Failure(Reason.LAYER_FOREIGN, "the layer is kept elsewhere, where nobody is asked"))
        try:
            name = self.reader.place_of(layer)
            size = self.blobs.size(name)
            if size is None:
                raise StreamBroken(Failure(Reason.LAYER_MISSING, f"the archive has no layer {layer.digest}"))
            if size != layer.size:
                why = f"the archive's {printable(name, 200)} has {size} bytes, its descriptor says {layer.size}"
                raise StreamBroken(Failure(Reason.IMAGE_DIGEST_MISMATCH, why))
            counted = hashlib.new(layer.digest.algorithm)
            async with aclosing(self.blobs.pieces(name, start, end)) as pieces:
                async for piece in pieces:
                    counted.update(piece)
                    yield piece
        except ArchiveError as error:
            raise StreamBroken(error.failure) from error
        if (start, end) == (0, layer.size) and counted.hexdigest() != layer.digest.hex:
            why = f"the archive's {printable(name, 200)} holds other bytes than {layer.digest}"
            raise StreamBroken(Failure(Reason.IMAGE_DIGEST_MISMATCH, why))


@dataclass(frozen=True, slots=True)
class WithArchives:
    """Registries, with images of archives that stand for themselves: nobody is asked for these over a network."""

    registry: Registry
    archives: Mapping[ImageReference, Archived]

    async def resolve(
        self, reference: ImageReference, *, depth: Depth, wanted: Callable[[Platform | None], bool] | None = None
    ) -> ImageFacts | Failure:
        """What a reference offers."""
        if found := self._of(reference):
            return await found.resolve(depth=depth, wanted=wanted)
        return await self.registry.resolve(reference, depth=depth, wanted=wanted)

    async def held(
        self, reference: ImageReference, *, depth: Depth, wanted: Callable[[Platform | None], bool] | None = None
    ) -> ImageFacts | Failure | None:
        """What a digest stands for, where that is known without asking."""
        if found := self._of(reference):
            return await found.resolve(depth=depth, wanted=wanted)
        return await self.registry.held(reference, depth=depth, wanted=wanted)

    def stale(self, reference: ImageReference) -> StaleFacts | None:
        """The last facts that a registry proved."""
        return None if self._of(reference) else self.registry.stale(reference)

    async def tags(self, reference: ImageReference) -> tuple[str, ...] | Failure:
        """The tags of a repository; an archive's image has none to choose among."""
        return () if self._of(reference) else await self.registry.tags(reference)

    async def missing_part(self, reference: ImageReference, offer: Offer) -> Failure | None:
        """What of an offer is not there."""
        if found := self._of(reference):
            return found.missing_part(offer)
        return await self.registry.missing_part(reference, offer)

    def may_stop_early(self, reference: ImageReference) -> bool:
        """An archive's layers are read to their end: nobody vouches for its bytes but their digests."""
        return self._of(reference) is None and self.registry.may_stop_early(reference)

    def open_layer(
        self,
        reference: ImageReference,
        layer: Layer,
        start: int = 0,
        end: int | None = None,
        *,
        deadline_s: float | None = None,
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """The bytes of a layer."""
        if found := self._of(reference):
            return found.open_layer(layer, start, end)
        return self.registry.open_layer(reference, layer, start, end, deadline_s=deadline_s)

    def _of(self, reference: ImageReference) -> Archived | None:
        """An archive by its reference, or by another digest within it under the same name."""
        found = self.archives.get(reference)
        if found is not None:
            return found
        return next(
            (one for own, one in self.archives.items() if own.name == reference.name and reference.digest), None
        )


def _called(name: str, digest: Digest) -> ImageReference:
    """The reference that stands for an image: its own name, held to the digest that was found."""
    found = image_reference(name) if "/" in name or ":" in name else Failure(Reason.IMAGE_REFERENCE_INVALID)
    named = references.parse(UNNAMED) if isinstance(found, Failure) or not found.registry else found
    return ImageReference(named.registry, named.repository, named.tag, digest)


def _every(_platform: Platform | None) -> bool:
    return True


def _none(_platform: Platform | None) -> bool:
    return False
