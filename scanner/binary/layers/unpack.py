"""A layer's stored bytes become tar bytes, piece by piece, whatever they are packed with.

The packing is told by the first bytes, never by the media type: labels lie (a ``.tar`` that is gzip is common).
"""

from __future__ import annotations

import zlib
from typing import IO, TYPE_CHECKING, Protocol, cast

import zstandard

from scanner.binary.layers.limits import PIECE_BYTES, limit_reached, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.binary.layers.limits import Limits

    Take = Callable[[bytes], None]

MAX_ZSTD_WINDOW_BYTES = 32 * 1024 * 1024
"""Memory of a zstd decoder: container tools pack with windows of up to 8 MiB, ``zstd --long`` is not among them."""

SNIFFED_BYTES = 6
"""The longest magic that is looked for."""

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
_OTHERS = ((b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x04\x22\x4d\x18", "lz4"))


class Unpacker(Protocol):
    """Takes stored bytes; hands what they unpack to on."""

    def feed(self, stored: bytes, /) -> None:
        """Take the next stored bytes."""


class Budget:
    """Counts unpacked against stored bytes; raises at a bomb."""

    def __init__(self, limits: Limits, take: Take, spent: int = 0) -> None:
        self._limits = limits
        self._take = take
        self.stored = 0
        self.unpacked = 0
        self._spent = spent

    def pass_on(self, piece: bytes) -> None:
        """Count one unpacked piece, then hand it on."""
        self.unpacked += len(piece)
        if self._spent + self.unpacked > self._limits.unpacked_bytes:
            raise limit_reached(f"the layers unpack to more than {self._limits.unpacked_bytes} bytes")
        if self.unpacked > self._limits.ratio_free_bytes and self.unpacked > self._limits.ratio * self.stored:
            raise limit_reached(f"a layer unpacks to more than {self._limits.ratio} times its size")
        self._take(piece)


class Unpack:
    """Sniffs the packing of a layer, then unpacks it within a ``Budget``."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._unpacker: Unpacker | None = None
        self._first = b""

    def feed(self, stored: bytes) -> None:
        """Take the next stored bytes; raises ``LayerError``."""
        self._budget.stored += len(stored)
        if self._unpacker is None:
            self._first += stored
            if len(self._first) < SNIFFED_BYTES:
                return
            self._unpacker, stored, self._first = unpacker_for(self._first, self._budget.pass_on), self._first, b""
        self._unpacker.feed(stored)

    def close(self) -> None:
        """The stream is over; what was too short to be told apart is handed on as it is."""
        if self._unpacker is None and self._first:
            unpacker_for(self._first, self._budget.pass_on).feed(self._first)


def unpacker_for(first: bytes, take: Take) -> Unpacker:
    """Who unpacks a stream that begins like ``first``."""
    if first.startswith(GZIP_MAGIC):
        return Gzip(take)
    if first.startswith(ZSTD_MAGIC) or (first[1:4] == _ZSTD_SKIPPABLE and first[0] & 0xF0 == 0x50):  # noqa: PLR2004 - 50 to 5f
        return Zstd(take)
    for magic, name in _OTHERS:
        if first.startswith(magic):
            raise unreadable(f"the layer is packed with {name}, which no image format allows")
    return Plain(take)


class Plain:
    """A tar archive that is not packed at all."""

    def __init__(self, take: Take) -> None:
        self._take = take

    def feed(self, stored: bytes) -> None:
        """Hand the bytes on."""
        for at in range(0, len(stored), PIECE_BYTES):
            self._take(stored[at : at + PIECE_BYTES])


class Gzip:
    """One or more gzip members in a row (RFC 1952; eStargz makes one per file)."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._member = zlib.decompressobj(wbits=31)
        self._members = 0

    def feed(self, stored: bytes) -> None:
        """Unpack the next bytes."""
        while stored:
            if self._member.eof:
                stored = stored.lstrip(b"\0")
                if not stored:
                    return
                self._member = zlib.decompressobj(wbits=31)
            try:
                piece = self._member.decompress(stored, PIECE_BYTES)
            except zlib.error as error:
                raise unreadable(f"the layer's gzip data is damaged: {error}") from None
            if piece:
                self._take(piece)
            stored = self._member.unused_data if self._member.eof else self._member.unconsumed_tail


class Zstd:
    """Zstandard frames, skippable ones (zstd:chunked) left out."""

    def __init__(self, take: Take) -> None:
        decoder = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW_BYTES)
        self._writer = decoder.stream_writer(cast("IO[bytes]", _Writer(take)), write_size=PIECE_BYTES, closefd=False)

    def feed(self, stored: bytes) -> None:
        """Unpack the next bytes."""
        try:
            self._writer.write(stored)
        except zstandard.ZstdError as error:
            raise unreadable(f"the layer's zstd data is damaged: {error}") from None


class _Writer:
    """The file object that the zstandard library writes into."""

    def __init__(self, take: Take) -> None:
        self._take = take

    def write(self, piece: bytes) -> int:
        self._take(bytes(piece))
        return len(piece)
