"""Where the bytes of a layer come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from scanner.domain.image.offers import Layer


class OpenLayer(Protocol):
    """Opens a layer's blob; the stream yields its bytes as stored, from ``start`` to before ``end``.

    Raises ``StreamBroken`` on opening or between two chunks.
    """

    def __call__(
        self, layer: Layer, start: int = 0, end: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open ``layer``; leaving the context closes the connection."""
