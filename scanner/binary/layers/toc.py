"""Layers that carry a table of their contents, so that one file is fetched by range.

Both formats put it behind the ordinary layer; both are used only where the manifest, which is trusted by its digest,
names the table's own digest. Anything that disagrees means: no table, read the layer as a stream.
"""

from __future__ import annotations

import base64
import bisect
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.binary.layers import estargz, zstdchunked
from scanner.binary.layers.file_capabilities import ATTRIBUTE
from scanner.binary.layers.layers import Extent, LayerIndex, interpret
from scanner.binary.layers.limits import LayerError, LayerLimits, limit_reached, unreadable
from scanner.binary.layers.tarstream import MAX_ENTRY_BYTES, MAX_PATH_BYTES, TarEntry
from scanner.binary.layers.unpack import Unpack, UnpackBudget
from scanner.binary.program.capture import Capture
from scanner.binary.program.libraries.ld_cache import MAX_CACHE_BYTES
from scanner.domain.image.reference import digest_of
from scanner.domain.streams import StreamBroken
from scanner.formats.parsing.beside import beside

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.binary.layers.source import OpenLayer
    from scanner.binary.program.content import Content
    from scanner.domain.image.offers import Layer
    from scanner.domain.image.reference import Digest

VERIFIED_BYTES = 8 * 1024 * 1024
"""A file of at most this size is always fetched whole and held to its digest; of a larger one only what is needed is
read where an early stop is allowed."""

_FLAGS = {"reg": "0", "hardlink": "1", "symlink": "2", "char": "3", "block": "4", "dir": "5", "fifo": "6"}


@dataclass(slots=True)
class _File:
    """A regular file of the table and how far its chunks reach."""

    entry: dict[str, Any]
    last_offset: int
    end: int
    stored: bool = True


async def read(layer: Layer, open_layer: OpenLayer, index: LayerIndex) -> bool:
    """Fill ``index`` from the layer's table of contents; False where there is none, or none to be trusted."""
    try:
        for table_format in (estargz, zstdchunked):
            packed = table_format.announced(layer)
            if packed is not None:
                document, end = await table_format.fetch(layer, packed, open_layer)
                await beside(_fill, index, _entries(document), end)
                index.complete = True
                return True
    except (LayerError, StreamBroken):
        return False
    return False


def _entries(document: Any) -> list[dict[str, Any]]:
    entries = document.get("entries") if isinstance(document, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise unreadable("a table of contents has no entries")
    return entries


def _fill(index: LayerIndex, entries: list[dict[str, Any]], end: int) -> None:
    offsets = sorted({_integer(entry, "offset") for entry in entries if entry.get("type") in ("reg", "chunk")} | {end})
    for file in _files(entries):
        entry = file.entry
        flag = _FLAGS.get(_string(entry, "type"))
        if flag is None:
            raise unreadable("a table of contents has an entry of an unknown type")
        name, target = _string(entry, "name"), _string(entry, "linkName")
        size = _integer(entry, "size") if flag == "0" else 0
        uid, gid = _integer(entry, "uid"), _integer(entry, "gid")
        mode, capability = _integer(entry, "mode") & 0o7777, _capability(entry)
        made = TarEntry(name, flag, mode, size, target, uid=uid, gid=gid, capability=capability)
        capture = index.begin(made)
        if capture is None:
            index.add(made, None)
        elif not size:
            index.add(made, interpret(capture))
        elif file.stored:
            index.add(made, None, _extent(file, size, offsets, end, text=capture.text))
        elif made.mode & 0o111:
            raise unreadable("a table of contents leaves holes in an executable")
        else:
            index.add(made, None)


def _files(entries: Iterable[dict[str, Any]]) -> list[_File]:
    """The entries with their further chunks folded into them."""
    files: list[_File] = []
    for entry in entries:
        offset, end = _integer(entry, "offset"), _integer(entry, "endOffset")
        # zeros may be skipped by whoever unpacks, yet stand in the stream: unpacked as a whole it has to be the tar
        stored = entry.get("chunkType", "") in ("", "zeros") and not _integer(entry, "innerOffset")
        if entry.get("type") != "chunk":
            files.append(_File(entry, offset, end, stored))
        elif not files or entry.get("name") != files[-1].entry.get("name"):
            raise unreadable("a table of contents has a chunk of no file")
        else:
            last = files[-1]
            last.last_offset, last.end = max(last.last_offset, offset), max(last.end, end)
            last.stored = last.stored and stored
    return files


def _extent(file: _File, size: int, offsets: list[int], end: int, *, text: bool) -> Extent:
    start = _integer(file.entry, "offset")
    after = bisect.bisect_right(offsets, file.last_offset)
    stop = file.end or (offsets[after] if after < len(offsets) else end)
    if not 0 <= start < stop <= end:
        raise unreadable("a table of contents points out of its layer")
    return Extent(start, stop, size, _digest(file.entry), text)


def _digest(entry: dict[str, Any]) -> Digest | None:
    named = _string(entry, "digest")
    if named and digest_of(named) is None:
        raise unreadable("a table of contents has an impossible digest")
    return digest_of(named)


def _capability(entry: dict[str, Any]) -> bytes:
    """Both formats write extended attributes in base64."""
    attributes = entry.get("xattrs") or {}
    if not isinstance(attributes, dict):
        raise unreadable("a table of contents has impossible xattrs")
    try:
        return base64.b64decode(_string(attributes, ATTRIBUTE), validate=True)
    except ValueError as error:
        raise unreadable(f"a table of contents has an impossible {ATTRIBUTE}") from error


def _integer(entry: dict[str, Any], key: str) -> int:
    value = entry.get(key, 0)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_ENTRY_BYTES:
        raise unreadable(f"a table of contents has an impossible {key}")
    return value


def _string(entry: dict[str, Any], key: str) -> str:
    value = entry.get(key) or ""
    if not isinstance(value, str) or "\0" in value:
        raise unreadable(f"a table of contents has an impossible {key}")
    if len(value) > MAX_PATH_BYTES:
        raise limit_reached(f"a table of contents has a {key} of {len(value)} characters")
    return value


class _OneFile:
    """Takes the first ``size`` unpacked bytes of an extent."""

    def __init__(self, extent: Extent, *, early_stop: bool) -> None:
        self.capture = Capture(extent.size, text=extent.text, text_bytes=MAX_CACHE_BYTES)
        self.left = extent.size
        self.whole = not early_stop or (extent.digest is not None and extent.size <= VERIFIED_BYTES)
        self._digest = hashlib.sha256() if self.whole else None
        self._expected = extent.digest

    def take(self, piece: bytes) -> None:
        """Take the next unpacked bytes; what follows the file is left out."""
        kept = memoryview(piece)[: self.left]
        if kept:
            self.capture.feed(kept)
            self.left -= len(kept)
            if self._digest is not None:
                self._digest.update(kept)

    @property
    def done(self) -> bool:
        """Whether enough was read."""
        return not self.left or (self._digest is None and self.capture.done)

    def content(self) -> Content:
        """What the file is; raises ``LayerError`` where it is not the one that the table names."""
        if not self.done:
            raise unreadable("a file is shorter than its table of contents says")
        if self._digest is not None and self._expected != f"sha256:{self._digest.hexdigest()}":
            raise unreadable("a file is not what its table of contents says")
        return interpret(self.capture)


async def fetch(
    layer: Layer, extent: Extent, open_layer: OpenLayer, limits: LayerLimits, *, early_stop: bool = False
) -> tuple[Content, bool]:
    """What one file of a layer holds, besides whether all of it was held to its digest.

    Raises ``LayerError`` or ``StreamBroken``; where ``early_stop`` is not allowed also for a file without digest.
    """
    file = _OneFile(extent, early_stop=early_stop)
    budget = UnpackBudget(limits, file.take)
    unpack = Unpack(budget)
    async with open_layer(layer, extent.start, extent.end) as chunks:
        async for chunk in chunks:
            await beside(unpack.feed, chunk)
            if file.done:
                break
            if budget.stored > extent.end - extent.start:
                raise unreadable("a range request was answered with more than its range")
    return await beside(file.content), file.whole
