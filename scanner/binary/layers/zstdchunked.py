"""zstd:chunked layers: zstd that keeps each file in frames of its own, with a table of contents in a skippable frame.

Format: containers/storage pkg/chunked. The manifest's annotations say where the table lies and what its digest is.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scanner.binary.layers import tables
from scanner.binary.layers.limits import LayerLimits, unreadable
from scanner.binary.layers.unpack import UnpackBudget, Zstd
from scanner.formats.parsing.beside import beside

if TYPE_CHECKING:
    from scanner.binary.layers.source import OpenLayer
    from scanner.domain.image.offers import Layer

PREFIXES = ("io.github.containers.zstd-chunked", "io.containers.zstd-chunked")
"""Of the annotations; Podman 4 writes the second (seen with 4.3.1)."""

FOOTER_BYTES = 64
TYPE_CRFS = 1
"""The only table format there is: the JSON of CRFS."""

_POSITION = re.compile(r"([0-9]{1,15}):([0-9]{1,15}):([0-9]{1,15}):([0-9]{1,3})")


def announced(layer: Layer) -> str | None:
    """The digest of the packed table that the manifest announces, if it says where that lies too."""
    return _annotation(layer, "manifest-checksum") if _annotation(layer, "manifest-position") else None


def _annotation(layer: Layer, name: str) -> str | None:
    return next((found for prefix in PREFIXES if (found := layer.annotations.get(f"{prefix}.{name}"))), None)


async def fetch(layer: Layer, digest: str, open_layer: OpenLayer) -> tuple[Any, int]:
    """The table's document and the offset behind the last file; raises ``LayerError`` or ``StreamBroken``."""
    position = _POSITION.fullmatch(_annotation(layer, "manifest-position") or "")
    if position is None:
        raise unreadable("a zstd:chunked layer announces no position of its table")
    offset, packed_bytes, unpacked_bytes, kind = (int(part) for part in position.groups())
    if kind != TYPE_CRFS or unpacked_bytes > tables.MAX_TABLE_BYTES:
        raise unreadable("a zstd:chunked layer announces a table that cannot be read")
    packed = await tables.read_range(layer, offset, offset + packed_bytes, open_layer)
    return await beside(_document, packed, digest, unpacked_bytes), offset


def _document(packed: bytes, digest: str, unpacked_bytes: int) -> Any:
    tables.check_digest(packed, digest)
    unpacked = bytearray()
    budget = UnpackBudget(LayerLimits(unpacked_bytes=unpacked_bytes), unpacked.extend)
    budget.stored = len(packed)
    Zstd(budget.pass_on).feed(packed)
    return tables.parse_table(bytes(unpacked))
