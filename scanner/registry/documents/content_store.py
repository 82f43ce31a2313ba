"""Every document once: from memory, from the store, else from the registry in one flight."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.formats.parsing.offload import INLINE_BYTES
from scanner.registry.documents.cache import MemoryDocuments, Recent, get_document, put_document
from scanner.registry.documents.image_config import ImageConfig, read_config
from scanner.registry.documents.manifest import Descriptor, Index, Manifest, read_manifest
from scanner.registry.documents.singleflight import Singleflight
from scanner.registry.mirror_chain import ABSENT, Fetched, MirrorChain, digest_matches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scanner.domain.image.reference import Digest, ImageReference
    from scanner.registry.documents.cache import DocumentCache

    _Fetch = Callable[[], Awaitable[Fetched | Failure]]

MAX_INTERPRETED_BYTES = 16 * 1024 * 1024
"""Interpreted documents kept, by the size of their JSON; an index of thirty images has 20 KiB, a config 8 KiB."""

MAX_FAILED = 4096
"""Refusals remembered, so that a thousand workloads of one broken image cost one request."""

_Document = Index | Manifest | ImageConfig

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Key:
    """A document as somebody described it: one that is described differently is checked anew."""

    kind: str
    digest: Digest
    media_type: str = ""
    size: int | None = None


class ContentStore:
    """Reads manifests and configs; what has been verified once is never fetched again.

    ``note_read`` hears of a blob that was fetched.
    """

    def __init__(
        self,
        chain_of: Callable[[ImageReference], MirrorChain],
        store: DocumentCache | None,
        *,
        clock: Callable[[], float],
        failure_max_age_s: float,
        note_read: Callable[[ImageReference, Digest], None],
    ) -> None:
        self._chain_of = chain_of
        self._note_read = note_read
        self._memory = MemoryDocuments()
        self._store = store
        self._clock = clock
        self._failure_max_age_s = failure_max_age_s
        self._interpreted: Recent[_Document] = Recent(MAX_INTERPRETED_BYTES)
        self._failed: Recent[Failure] = Recent(MAX_FAILED)
        self._singleflight: Singleflight[_Document | Failure] = Singleflight()

    async def knows(self, digest: Digest) -> bool:
        """Whether the document is at hand without a request."""
        return await self._held(digest) is not None

    async def learn(self, fetched: Fetched) -> Failure | None:
        """Take in a manifest that came with another answer; a failure where it is none."""
        found = await _interpreted(lambda taken: read_manifest(taken.body, taken.content_type), fetched)
        if isinstance(found, Failure):
            return found
        self._interpreted.put(_Key("manifest", fetched.digest), found, self._clock(), len(fetched.body))
        await self._keep(fetched)
        return None

    async def top(self, reference: ImageReference, digest: Digest) -> Index | Manifest | Failure:
        """The manifest or index that a reference leads to."""

        async def fetch() -> Fetched | Failure:
            return await self._chain_of(reference).tagged(reference, digest)

        return await self._manifest(reference, _Key("manifest", digest), None, fetch)

    async def described(self, reference: ImageReference, descriptor: Descriptor) -> Index | Manifest | Failure:
        """The manifest or index that a descriptor points to; it must be what the descriptor says."""

        async def fetch() -> Fetched | Failure:
            return _present(await self._chain_of(reference).manifest(descriptor.digest))

        key = _Key("manifest", descriptor.digest, descriptor.media_type, descriptor.size)
        return await self._manifest(reference, key, descriptor.inline, fetch)

    async def config(self, reference: ImageReference, descriptor: Descriptor) -> ImageConfig | Failure:
        """The config that a manifest points to."""

        async def fetch() -> Fetched | Failure:
            found = await self._chain_of(reference).config(descriptor.digest, descriptor.size)
            if not isinstance(found, Failure):
                self._note_read(reference, descriptor.digest)
            return _present(found)

        key = _Key("config", descriptor.digest, descriptor.media_type, descriptor.size)
        found = await self._once(reference, key, descriptor.inline, fetch, lambda fetched: read_config(fetched.body))
        return found if isinstance(found, ImageConfig | Failure) else _confused(key)

    async def _manifest(
        self, reference: ImageReference, key: _Key, inline: bytes | None, fetch: _Fetch
    ) -> Index | Manifest | Failure:
        def read(fetched: Fetched) -> Index | Manifest | Failure:
            return read_manifest(fetched.body, fetched.content_type, key.media_type)

        found = await self._once(reference, key, inline, fetch, read)
        return _confused(key) if isinstance(found, ImageConfig) else found

    async def _once(
        self,
        reference: ImageReference,
        key: _Key,
        inline: bytes | None,
        fetch: _Fetch,
        read: Callable[[Fetched], _Document | Failure],
    ) -> _Document | Failure:
        """Interpret a document once; who asks meanwhile waits for that, who asks after a failure gets the same."""
        if known := self._interpreted.get(key):
            return known[0]
        place = (reference.registry, reference.repository, key)
        failed = self._failed.get(place)
        if failed and self._clock() - failed[1] < self._failure_max_age_s:
            return failed[0]

        async def work() -> _Document | Failure:
            fetched = await self._fetched(key, inline, fetch)
            found = fetched if isinstance(fetched, Failure) else await _interpreted(read, fetched)
            if isinstance(found, Failure) or isinstance(fetched, Failure):
                return found
            self._interpreted.put(key, found, self._clock(), len(fetched.body))
            await self._keep(fetched)
            return found

        found = await self._singleflight.join(place, work)
        if isinstance(found, Failure):
            self._failed.put(place, found, self._clock())
        return found

    async def _fetched(self, key: _Key, inline: bytes | None, fetch: _Fetch) -> Fetched | Failure:
        """The verified bytes, of the size that the descriptor says."""
        held = await self._held(key.digest) or inline
        fetched = await fetch() if held is None else _checked(key.digest, held)
        if isinstance(fetched, Failure) or key.size in {None, len(fetched.body)}:
            return fetched
        size = len(fetched.body)
        return Failure(Reason.IMAGE_MALFORMED, f"{key.digest} has {size} bytes, its descriptor says {key.size}")

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
        await self._singleflight.aclose()


async def _interpreted(read: Callable[[Fetched], _T], fetched: Fetched) -> _T:
    """A long document is interpreted beside the loop: its values are counted before any is made, its bytes bounded."""
    return read(fetched) if len(fetched.body) <= INLINE_BYTES else await asyncio.to_thread(read, fetched)


def _present(found: Fetched | Failure) -> Fetched | Failure:
    """A part that a document names and its registry lacks: the image is not gone, it is broken there."""
    if isinstance(found, Failure) and found.reason in ABSENT:
        return replace(found, reason=Reason.IMAGE_MALFORMED, detail=f"a part of the image is missing: {found.detail}")
    return found


def _confused(key: _Key) -> Failure:
    return Failure(Reason.INTERNAL_BUG, f"{key.digest} was kept as another kind of document")


def _checked(digest: Digest, body: bytes) -> Fetched | Failure:
    if not digest_matches(digest, body):
        return Failure(Reason.IMAGE_DIGEST_MISMATCH, f"the inline content of {digest} is something else")
    return Fetched(digest, body)
