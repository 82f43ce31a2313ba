"""How a layer's table of contents is fetched, held to its digest."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from scanner.binary.layers.limits import unreadable
from scanner.formats.documents import lenient_json
from scanner.formats.documents.lenient_json import JsonError

if TYPE_CHECKING:
    from scanner.binary.layers.source import OpenLayer
    from scanner.domain.image.offers import Layer

MAX_TABLE_BYTES = 16 * 1024 * 1024
"""Of an unpacked table: 200 bytes an entry make 80,000 entries, read in a fifth of a second; a larger layer is streamed."""


async def read_range(layer: Layer, start: int, end: int, open_layer: OpenLayer) -> bytes:
    """Exactly the stored bytes from ``start`` to before ``end``; raises ``LayerError`` where they are not delivered."""
    if not 0 <= start < end <= layer.size or end - start > MAX_TABLE_BYTES:
        raise unreadable("a table of contents points out of its layer")
    held = bytearray()
    async with open_layer(layer, start, end) as chunks:
        async for chunk in chunks:
            held += chunk
            if len(held) > end - start:
                raise unreadable("a range request was answered with more than its range")
    if len(held) != end - start:
        raise unreadable("a range request was answered with less than its range")
    return bytes(held)


def check_digest(content: bytes, digest: str) -> None:
    """Raise ``LayerError`` unless ``content`` is what ``sha256:...`` names."""
    if digest != f"sha256:{hashlib.sha256(content).hexdigest()}":
        raise unreadable("a table of contents is not what its digest says")


def parse_table(raw: bytes) -> Any:
    """The JSON document of a table; raises ``LayerError``."""
    try:
        return lenient_json.loads(raw)
    except JsonError:
        raise unreadable("a table of contents is no JSON") from None
