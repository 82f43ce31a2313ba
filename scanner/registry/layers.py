"""The bytes of a layer as they arrive: by digest, from any offset, going on after a break."""

from __future__ import annotations

import asyncio
import hashlib
import re
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason
from scanner.registry.http.endpoint import OpenResponse
from scanner.registry.http.failures import BORDER_ERRORS, classify
from scanner.registry.http.refusals import refusal
from scanner.registry.mirror_chain import NOWHERE, blob_call

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Callable

    from scanner.domain.image.offers import Layer
    from scanner.domain.image.reference import Digest, ImageReference
    from scanner.registry.mirror_chain import MirrorChain, PullRoute

MAX_RESUMPTIONS = 2
"""Breaks after which a layer is given up; each costs a request."""

MAX_LENGTH_DIGITS = 19
"""Of a number of bytes that fits into 64 bits."""

_CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(?:\d{1,19}|\*)", re.ASCII)


@dataclass(frozen=True, slots=True)
class LayerReader:
    """Streams one layer; ``deadline_s`` bounds the time spent waiting for the registry, not the reader's own.

    ``note_read`` hears of a blob that comes.
    """

    check: Callable[[], Failure | None]
    chain_of: Callable[[ImageReference], MirrorChain]
    reference: ImageReference
    layer: Layer
    note_read: Callable[[ImageReference, Digest], None]
    deadline_s: float
    clock: Callable[[], float]

    @asynccontextmanager
    async def open(self, start: int, end: int | None) -> AsyncIterator[AsyncIterator[bytes]]:
        """The bytes from ``start`` up to ``end``; leaving early closes the connection."""
        async with aclosing(
            self._pieces(start, self.layer.size if end is None else min(end, self.layer.size))
        ) as pieces:
            yield pieces

    async def _pieces(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        self._must_be_askable()
        digest = self.layer.digest
        whole = hashlib.new(digest.algorithm) if (start, end) == (0, self.layer.size) else None
        progress = _Progress(start, self.deadline_s)
        broken = Failure(Reason.LAYER_UNKNOWN, "the layer breaks off")
        for _ in range(MAX_RESUMPTIONS + 1):
            if progress.offset >= end or progress.left_s <= 0:
                break
            try:
                async with aclosing(self._once(digest, progress, end)) as pieces:
                    async for piece in pieces:
                        if whole:
                            whole.update(piece)
                        yield piece
            except BORDER_ERRORS as error:
                broken = classify(error)
        if progress.offset < end:
            raise StreamBroken(broken)
        if whole and whole.hexdigest() != digest.hex:
            raise StreamBroken(Failure(Reason.IMAGE_DIGEST_MISMATCH, f"the layer's bytes are not {digest}"))

    def _must_be_askable(self) -> None:
        if refused := self.check():
            raise StreamBroken(refused)
        if self.layer.foreign:
            raise StreamBroken(Failure(Reason.LAYER_FOREIGN, "the layer is kept elsewhere, where nobody is asked"))

    async def _once(self, digest: Digest, progress: _Progress, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes from where we are, from each route in turn until one of them goes on to the end."""
        *mirrors, last = self.chain_of(self.reference).routes or (NOWHERE,)
        for route in mirrors:
            try:
                async with aclosing(self._of(route, digest, progress, end)) as pieces:
                    async for piece in pieces:
                        yield piece
            except StreamBroken as broken:
                if broken.failure.reason is Reason.IMAGE_DIGEST_MISMATCH:
                    raise
            except BORDER_ERRORS:
                pass
            if progress.offset >= end:  # even if the answer broke right behind what was wanted
                return
        async with aclosing(self._of(last, digest, progress, end)) as pieces:
            async for piece in pieces:
                yield piece

    async def _of(
        self, route: PullRoute | Failure, digest: Digest, progress: _Progress, end: int
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of one answer."""
        if isinstance(route, Failure):
            raise StreamBroken(route)
        spans = progress.offset > 0 or end < self.layer.size
        span = f"bytes={progress.offset}-{end - 1}" if spans else ""
        async with route.endpoint.open(blob_call(route.pull, digest, max_bytes=0, span=span)) as found:
            if not isinstance(found, OpenResponse):
                raise StreamBroken(found if isinstance(found, Failure) else _refused(refusal(found)))
            self.note_read(self.reference, digest)
            async with aclosing(self._read(found, progress, end)) as pieces:
                async for piece in pieces:
                    yield piece

    async def _read(self, opened: OpenResponse, progress: _Progress, end: int) -> AsyncGenerator[bytes, None]:
        skip = progress.offset - _first_byte(opened, self.layer.size)
        if skip < 0:
            raise StreamBroken(Failure(Reason.LAYER_UNKNOWN, "the registry answers with another range"))
        length, taken = _length(opened), 0
        async with opened.pieces() as pieces:
            while progress.offset < end and (piece := await self._next(aiter(pieces), progress)):
                taken += len(piece)
                useful = piece[skip : skip + end - progress.offset]
                skip = max(skip - len(piece), 0)
                progress.offset += len(useful)
                if useful:
                    yield useful
            if length is not None and taken >= length:  # to its end, so that the connection is kept for the next layer
                await self._next(aiter(pieces), progress)

    async def _next(self, pieces: AsyncIterator[bytes], progress: _Progress) -> bytes:
        """The next piece, empty at the end; the time that it took is gone."""
        began = self.clock()
        try:
            async with asyncio.timeout(progress.left_s):
                return await anext(pieces, b"")
        finally:
            progress.left_s -= self.clock() - began


@dataclass(slots=True)
class _Progress:
    """How far a layer was read, how long its registry may still be waited for."""

    offset: int
    left_s: float


def _first_byte(opened: OpenResponse, size: int) -> int:
    """Where in the layer the body begins; a server without ranges begins at 0."""
    if opened.status == HTTPStatus.OK:
        length = opened.headers.get("content-length", "")
        if length and length != str(size):
            raise StreamBroken(
                Failure(Reason.IMAGE_DIGEST_MISMATCH, f"the layer has {length[:20]} bytes, its descriptor says {size}")
            )
        return 0
    match = _CONTENT_RANGE.fullmatch(opened.headers.get("content-range", "").strip())
    if match is None:
        raise StreamBroken(Failure(Reason.IMAGE_MALFORMED, "a partial answer does not say which part it is"))
    return int(match[1])


def _length(opened: OpenResponse) -> int | None:
    """How many bytes the body has, where its server says so."""
    text = opened.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_LENGTH_DIGITS else None


def _refused(failure: Failure) -> Failure:
    """A layer that is not there is no missing image."""
    if failure.reason in {Reason.IMAGE_NOT_FOUND, Reason.IMAGE_TAG_MISSING, Reason.IMAGE_MALFORMED}:
        return replace(failure, reason=Reason.LAYER_UNKNOWN)
    return failure
