"""Whether everything that a pull needs is there, asked by one HEAD for each blob."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.image.reference import Digest
from scanner.domain.verdict.reason import Reason
from scanner.registry.documents.cache import Recent, get_document, put_document
from scanner.registry.documents.singleflight import Singleflight
from scanner.registry.http.redirects import REDIRECTS
from scanner.registry.mirror_chain import PullRoute, blob_call

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.image.offers import Offer
    from scanner.domain.image.reference import ImageReference
    from scanner.registry.documents.cache import DocumentCache
    from scanner.registry.mirror_chain import MirrorChain

MAX_REMEMBERED = 200_000
"""Blobs whose presence is remembered, some 300 bytes each: ten thousand images of twenty layers."""

JUST_READ_S = 600.0
"""What was read within a scan is there; long after that its registry may have cleared it away."""

_THERE = frozenset({HTTPStatus.OK, *REDIRECTS})
"""A registry that knows where a blob is has it; whether the storage behind it answers HEAD proves nothing."""


class Presence:
    """Asks the reference's own registry, never a mirror; what a mirror may hold as well is not asked about at all.

    That a blob is there is remembered in ``store`` for as long as that keeps what is used, that it is not there or
    that nobody knows for ``failure_max_age_s``. What has just been read from there is not asked for again.
    """

    def __init__(
        self,
        chain_of: Callable[[ImageReference], MirrorChain],
        store: DocumentCache | None,
        *,
        clock: Callable[[], float],
        failure_max_age_s: float,
    ) -> None:
        self._chain_of = chain_of
        self._store = store
        self._clock = clock
        self._failure_max_age_s = failure_max_age_s
        self._missing: Recent[bool | None] = Recent(MAX_REMEMBERED)
        self._read: Recent[None] = Recent(MAX_REMEMBERED)
        self._singleflight: Singleflight[bool | None] = Singleflight()

    async def missing_part(self, reference: ImageReference, offer: Offer) -> Failure | None:
        """``layer_missing`` where its registry says 404 for a blob of this image; ``None`` also where it is not known."""
        route = self._own_route(reference)
        if route is None:
            return None
        named: dict[Digest, str] = {layer.digest: "layer" for layer in offer.layers if not layer.foreign}
        if offer.config_digest is not None:
            named[offer.config_digest] = "config"
        told = {digest: self._known(reference, digest) for digest in named}
        asked = [digest for digest, known in told.items() if known is None]
        found = await asyncio.gather(*(self._is_missing(route, reference, digest) for digest in asked))
        missing = {digest: known[0] for digest, known in told.items() if known} | dict(zip(asked, found, strict=True))
        for digest, what in named.items():
            if missing[digest]:
                detail = f"{reference.registry} has no {what} {digest} for {reference.repository}, so that a pull fails"
                return Failure(Reason.LAYER_MISSING, detail)
        return None

    def note_read(self, reference: ImageReference, digest: Digest) -> None:
        """Bytes of this blob have come; from whichever way a pull goes where there is but one."""
        self._read.put((reference.name, digest), None, self._clock())

    def _own_route(self, reference: ImageReference) -> PullRoute | None:
        """The way to the reference's own registry, where a pull goes nowhere else."""
        routes = self._chain_of(reference).routes
        only = routes[0] if len(routes) == 1 else None
        return only if isinstance(only, PullRoute) and only.pull.name == reference.registry else None

    async def _is_missing(self, route: PullRoute, reference: ImageReference, digest: Digest) -> bool | None:
        """Whether a blob is missing, ``None`` where that is not known."""
        return await self._singleflight.join((reference.name, digest), lambda: self._asked(route, reference, digest))

    def _known(self, reference: ImageReference, digest: Digest) -> tuple[bool | None] | None:
        """What is remembered of a blob, if that may still be told."""
        known = self._missing.get((reference.name, digest))
        if known and (known[0] is False or self._clock() - known[1] < self._failure_max_age_s):
            return known[:1]
        return None

    async def _asked(self, route: PullRoute, reference: ImageReference, digest: Digest) -> bool | None:
        note = f"archscan: {reference.name} has {digest}\n".encode()
        place = Digest(f"sha256:{hashlib.sha256(note).hexdigest()}")
        if self._store is not None and await get_document(self._store, place) == note:
            missing: bool | None = False
        else:
            missing = False if self._has_read(reference, digest) else await _ask(route, digest)
            if missing is False and self._store is not None:
                await put_document(self._store, place, note, "text/plain")
        self._missing.put((reference.name, digest), missing, self._clock())
        return missing

    def _has_read(self, reference: ImageReference, digest: Digest) -> bool:
        read = self._read.get((reference.name, digest))
        return read is not None and self._clock() - read[1] < JUST_READ_S

    async def aclose(self) -> None:
        """Give up what is still on its way."""
        await self._singleflight.aclose()


async def _ask(route: PullRoute, digest: Digest) -> bool | None:
    """One HEAD; a 404 is believed once the first byte is refused likewise, for some servers know no HEAD of blobs."""
    call = replace(blob_call(route.pull, digest, max_bytes=0), follows=False)
    head = await route.endpoint.ask(replace(call, method="HEAD"))
    if isinstance(head, Failure):
        return None
    if head.status in _THERE:
        return False
    if head.status != HTTPStatus.NOT_FOUND:
        return None
    async with route.endpoint.open(replace(call, range="bytes=0-0")) as got:
        return True if not isinstance(got, Failure) and got.status == HTTPStatus.NOT_FOUND else None
