"""Every document once: from memory, from the store, else from the registry in one flight."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.facts import Failure
from scanner.domain.reason import Reason
from scanner.registry.cache import MemoryDocuments, Recent, get_document, put_document
from scanner.registry.flights import Flights
from scanner.registry.image_config import ImageConfig, read_config
from scanner.registry.manifest import Descriptor, Index, Manifest, read_manifest
from scanner.registry.origin import Fetched, Origin, digest_matches

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from scanner.domain.reference import Digest, ImageReference
    from scanner.registry.cache import DocumentCache

MAX_INTERPRETED = 2048
"""Interpreted documents kept; an index of thirty images takes some 20 KiB, a config 2 KiB."""

MAX_FAILED = 4096
"""Refusals remembered, so that a thousand workloads of one broken image cost one request."""

_Document = Index | Manifest | ImageConfig


class Documents:
    """Reads manifests and configs; what has been verified once is never fetched again."""

    def __init__(
        self,
        origin_of: Callable[[str], Origin],
        store: DocumentCache | None,
        *,
        clock: Callable[[], float],
        failure_max_age_s: float,
    ) -> None:
        self._origin_of = origin_of
        self._memory = MemoryDocuments()
        self._store = store
        self._clock = clock
        self._failure_max_age_s = failure_max_age_s
        self._interpreted: Recent[_Document] = Recent(MAX_INTERPRETED)
        self._failed: Recent[Failure] = Recent(MAX_FAILED)
        self._flights: Flights[Fetched | Failure] = Flights()

    async def knows(self, digest: Digest) -> bool:
        """Whether the document is at hand without a request."""
        return await self._held(digest) is not None

    async def learn(self, fetched: Fetched) -> Failure | None:
        """Take in a manifest that came with another answer; a failure where it is none."""
        found = read_manifest(fetched.body, fetched.content_type)
        if isinstance(found, Failure):
            return found
        await self._take(("manifest", fetched.digest, ""), found, fetched)
        return None

    async def top(self, reference: ImageReference, digest: Digest) -> Index | Manifest | Failure:
        """The manifest or index that a reference leads to."""
        return await self._manifest(reference, digest, "", None)

    async def described(self, reference: ImageReference, descriptor: Descriptor) -> Index | Manifest | Failure:
        """The manifest or index that a descriptor points to; it must be what the descriptor says."""
        return await self._manifest(reference, descriptor.digest, descriptor.media_type, descriptor)

    async def config(self, reference: ImageReference, descriptor: Descriptor) -> ImageConfig | Failure:
        """The config that a manifest points to."""

        async def fetch() -> Fetched | Failure:
            return await self._origin_of(reference.registry).config(reference, descriptor.digest, descriptor.size)

        key = ("config", descriptor.digest, descriptor.size)
        if (known := self._interpreted.get(key)) and isinstance(known[0], ImageConfig):
            return known[0]
        fetched = await self._fetched(reference, descriptor.digest, descriptor, fetch)
        if isinstance(fetched, Failure):
            return fetched
        found = read_config(fetched.body)
        if isinstance(found, ImageConfig):
            await self._take(key, found, fetched)
        return found

    async def _manifest(
        self, reference: ImageReference, digest: Digest, announced: str, descriptor: Descriptor | None
    ) -> Index | Manifest | Failure:
        async def fetch() -> Fetched | Failure:
            return await self._origin_of(reference.registry).manifest(reference, digest)

        key = ("manifest", digest, announced)
        if (known := self._interpreted.get(key)) and not isinstance(known[0], ImageConfig):
            return known[0]
        fetched = await self._fetched(reference, digest, descriptor, fetch)
        if isinstance(fetched, Failure):
            return fetched
        found: Index | Manifest | Failure = read_manifest(fetched.body, fetched.content_type, announced)
        if isinstance(found, Failure):
            return found
        await self._take(key, found, fetched)
        return found

    async def _take(self, key: object, found: _Document, fetched: Fetched) -> None:
        """Keep what could be interpreted, as bytes and as meaning."""
        self._interpreted.put(key, found, self._clock())
        await self._keep(fetched)

    async def _fetched(
        self,
        reference: ImageReference,
        digest: Digest,
        descriptor: Descriptor | None,
        fetch: Callable[[], Coroutine[object, object, Fetched | Failure]],
    ) -> Fetched | Failure:
        """The verified bytes, of the size that the descriptor says."""
        held = await self._held(digest) or (descriptor.inline if descriptor else None)
        if held is not None:
            fetched: Fetched | Failure = _checked(digest, held)
        else:
            fetched = await self._flown((reference.registry, reference.repository, digest), fetch)
        if isinstance(fetched, Failure) or descriptor is None or len(fetched.body) == descriptor.size:
            return fetched
        return Failure(
            Reason.IMAGE_MALFORMED, f"{digest} has {len(fetched.body)} bytes, its descriptor says {descriptor.size}"
        )

    async def _flown(
        self, key: tuple[str, str, Digest], fetch: Callable[[], Coroutine[object, object, Fetched | Failure]]
    ) -> Fetched | Failure:
        failed = self._failed.get(key)
        if failed and self._clock() - failed[1] < self._failure_max_age_s:
            return failed[0]
        fetched = await self._flights.join(key, fetch)
        if isinstance(fetched, Failure):
            self._failed.put(key, fetched, self._clock())
        return fetched

    async def _held(self, digest: Digest) -> bytes | None:
        """From memory, else from the store; what has another digest there is as good as absent."""
        held = self._memory.get(digest)
        if held is None and self._store is not None:
            held = await get_document(self._store, digest)
            if held is not None and digest_matches(digest, held):
                self._memory.put(digest, held, "")
        return held if held is not None and digest_matches(digest, held) else None

    async def _keep(self, fetched: Fetched) -> None:
        if self._memory.get(fetched.digest) is not None:
            return
        self._memory.put(fetched.digest, fetched.body, fetched.content_type)
        if self._store is not None:
            await put_document(self._store, fetched.digest, fetched.body, fetched.content_type)

    async def aclose(self) -> None:
        """Give up what is still on its way."""
        await self._flights.aclose()


def _checked(digest: Digest, body: bytes) -> Fetched | Failure:
    if not digest_matches(digest, body):
        return Failure(Reason.IMAGE_DIGEST_MISMATCH, f"the inline content of {digest} is something else")
    return Fetched(digest, body)
