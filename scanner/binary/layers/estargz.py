"""eStargz layers: gzip that keeps each file in members of its own, with a table of contents at the end.

Format: containerd/stargz-snapshotter docs/estargz.md. The last 51 bytes are an empty gzip member whose extra field
holds the table's offset; the table is a tar archive of one file, ``stargz.index.json``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from scanner.binary.layers import tables
from scanner.binary.layers.limits import LayerLimits, unreadable
from scanner.binary.layers.tarstream import TarReader
from scanner.binary.layers.unpack import Gzip, UnpackBudget
from scanner.formats.parsing.beside import beside

if TYPE_CHECKING:
    from scanner.binary.layers.source import OpenLayer
    from scanner.binary.layers.tarstream import EntryContent, TarEntry
    from scanner.domain.image.offers import Layer

ANNOTATION = "containerd.io/snapshot/stargz/toc.digest"
TABLE_NAME = "stargz.index.json"
FOOTER_BYTES = 51

_FOOTER = re.compile(rb"\x1f\x8b\x08\x04.{6}\x1a\x00SG\x16\x00([0-9a-f]{16})STARGZ.*", re.DOTALL)


def announced(layer: Layer) -> str | None:
    """The digest of the table that the manifest announces, if it does."""
    return layer.annotations.get(ANNOTATION) if layer.size > FOOTER_BYTES else None


async def fetch(layer: Layer, digest: str, open_layer: OpenLayer) -> tuple[Any, int]:
    """The table's document and the offset behind the last file; raises ``LayerError`` or ``StreamBroken``."""
    footer_at = layer.size - FOOTER_BYTES
    footer = _FOOTER.fullmatch(await tables.read_range(layer, footer_at, layer.size, open_layer))
    if footer is None:
        raise unreadable("an eStargz layer has no footer")
    start = int(footer[1], 16)
    packed = await tables.read_range(layer, start, footer_at, open_layer)
    return await beside(_document, packed, digest), start


def _document(packed: bytes, digest: str) -> Any:
    table = _Table()
    budget = UnpackBudget(LayerLimits(unpacked_bytes=tables.MAX_TABLE_BYTES), TarReader(table).feed)
    budget.stored = len(packed)
    Gzip(budget.pass_on).feed(packed)
    tables.check_digest(bytes(table.held), digest)
    return tables.parse_table(bytes(table.held))


class _Table:
    """Keeps the one file of the table's archive."""

    def __init__(self) -> None:
        self.held = bytearray()

    def begin(self, entry: TarEntry) -> EntryContent | None:
        return self if entry.name == TABLE_NAME and not self.held else None

    def feed(self, piece: memoryview) -> None:
        self.held += piece

    def end(self, entry: TarEntry, content: EntryContent | None) -> None:
        """Nothing is left to do."""
