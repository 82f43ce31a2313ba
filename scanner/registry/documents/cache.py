"""Keeps what has been learned from registries: documents by digest for ever, answers about names for a while."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Hashable

MAX_MEMORY_BYTES = 16 * 1024 * 1024
"""Documents kept in memory; an index has 10 KiB, a config 8 KiB, so that some 1,500 images fit."""

V = TypeVar("V")


class DocumentCache(Protocol):
    """Documents by their digest, which proves them; the methods may be coroutines or plain functions."""

    def get(self, digest: str, /) -> Awaitable[bytes | None] | bytes | None:
        """The bytes with this digest, if they are known."""

    def put(self, digest: str, document: bytes, media_type: str, /) -> Awaitable[None] | None:
        """Remember a document; its digest has been verified."""


class MemoryDocuments:
    """The documents used last, up to a number of bytes."""

    def __init__(self, max_bytes: int = MAX_MEMORY_BYTES) -> None:
        self._max_bytes = max_bytes
        self._held = 0
        self._documents: OrderedDict[str, bytes] = OrderedDict()

    def get(self, digest: str) -> bytes | None:
        """The bytes with this digest, if they are still held."""
        found = self._documents.get(digest)
        if found is not None:
            self._documents.move_to_end(digest)
        return found

    def put(self, digest: str, document: bytes, media_type: str) -> None:
        """Hold a document; the ones used longest ago make room for it."""
        del media_type
        if digest in self._documents or len(document) > self._max_bytes:
            return
        self._documents[digest] = document
        self._held += len(document)
        while self._held > self._max_bytes:
            _, oldest = self._documents.popitem(last=False)
            self._held -= len(oldest)


async def get_document(cache: DocumentCache, digest: str) -> bytes | None:
    """``get``, awaited where the cache is asynchronous."""
    found = cache.get(digest)
    return await found if inspect.isawaitable(found) else found


async def put_document(cache: DocumentCache, digest: str, document: bytes, media_type: str) -> None:
    """``put``, awaited where the cache is asynchronous."""
    done = cache.put(digest, document, media_type)
    if inspect.isawaitable(done):
        await done


class Recent(Generic[V]):
    """The values put last, each with the moment when it was put, up to a total weight (their number by default)."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held = 0
        self._values: OrderedDict[Hashable, tuple[V, float, int]] = OrderedDict()

    def get(self, key: Hashable) -> tuple[V, float] | None:
        """The value with its moment."""
        found = self._values.get(key)
        if found is None:
            return None
        self._values.move_to_end(key)
        return found[0], found[1]

    def put(self, key: Hashable, value: V, at: float, weight: int = 1) -> None:
        """Keep a value; the ones used longest ago make room for it."""
        _, _, replaced = self._values.pop(key, (None, 0.0, 0))
        self._values[key] = (value, at, weight)
        self._held += weight - replaced
        while self._held > self._capacity:
            _, (_, _, gone) = self._values.popitem(last=False)
            self._held -= gone

    def values(self) -> list[V]:
        """Every value that is kept."""
        return [value for value, _, _ in self._values.values()]
