"""A layer's stored bytes become tar bytes, piece by piece, whatever they are packed with.

The packing is told by the first bytes, never by the media type: labels lie (a ``.tar`` that is gzip is common).
"""

from __future__ import annotations

import contextlib
import re
import zlib
from typing import IO, TYPE_CHECKING, Protocol, cast

import zstandard

from scanner.binary.layers.limits import PIECE_BYTES, LayerError, disputed, limit_reached, unreadable
from scanner.binary.layers.zstdframes import Frames
from scanner.domain.verdict.condition import Condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scanner.binary.layers.limits import LayerLimits

    Take = Callable[[bytes], None]

MAX_ZSTD_WINDOW_BYTES = 32 * 1024 * 1024
"""Memory of a zstd decoder: container tools pack with windows of up to 8 MiB, ``zstd --long`` is not among them."""

SNIFFED_BYTES = 6
"""The longest magic that is looked for."""

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_OCI_PLAIN = re.compile(r"application/vnd\.oci\.image\.layer\.(?:nondistributable\.)?v1\.tar", re.ASCII)
_ZSTD_SKIPPABLE = b"\x2a\x4d\x18"
OTHER_MAGICS = ((b"BZh", "bzip2"), (b"\xfd7zXZ\0", "xz"), (b"\x04\x22\x4d\x18", "lz4"))


class Unpacker(Protocol):
    """Takes stored bytes; hands what they unpack to on."""

    def feed(self, stored: bytes, /) -> None:
        """Take the next stored bytes."""

    def close(self) -> None:
        """The stream is over; raises ``LayerError`` where something that was begun has no end."""


class UnpackBudget:
    """Counts unpacked against stored bytes; raises at a bomb."""

    def __init__(self, limits: LayerLimits, take: Take, spent: int = 0) -> None:
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
    """Sniffs the packing of a layer, then unpacks it within a ``UnpackBudget``; ``first`` are the bytes that told it."""

    def __init__(self, budget: UnpackBudget) -> None:
        self._budget = budget
        self.first = b""
        self._unpacker: Unpacker | None = None
        self._first = b""

    def feed(self, stored: bytes) -> None:
        """Take the next stored bytes; raises ``LayerError``."""
        self._budget.stored += len(stored)
        if self._unpacker is None:
            self._first += stored
            if len(self._first) < SNIFFED_BYTES:
                return
            self.first, stored, self._first = self._first[:SNIFFED_BYTES], self._first, b""
            self._unpacker = unpacker_for(self.first, self._budget.pass_on)
        self._unpacker.feed(stored)

    def close(self) -> None:
        """The stream is over; raises ``LayerError`` where what it is packed with does not end.

        What was too short to be told apart is handed on as it is.
        """
        if self._unpacker is None and self._first:
            self._unpacker = unpacker_for(self._first, self._budget.pass_on)
            self._unpacker.feed(self._first)
        if self._unpacker is not None:
            self._unpacker.close()


def unpacker_for(first: bytes, take: Take) -> Unpacker:
    """Who unpacks a stream that begins like ``first``."""
    if first.startswith(GZIP_MAGIC):
        return Gzip(take)
    if first.startswith(ZSTD_MAGIC) or _is_skippable(first):
        return Zstd(take)
    for magic, name in OTHER_MAGICS:
        if first.startswith(magic):
            raise unreadable(
                f"the layer is packed with {name}, which no image format allows", Condition.PACKED_OTHERWISE
            )
    return NotPacked(take)


def _is_skippable(first: bytes) -> bool:
    return first[1:4] == _ZSTD_SKIPPABLE and first[0] & 0xF0 == 0x50  # noqa: PLR2004 - 50 to 5f


def packing_notes(media_type: str, first: bytes) -> Iterator[tuple[Condition, str]]:
    """What engines may hold against the way in which a layer that begins like ``first`` is packed.

    containerd believes a media type that says a plain tar archive; of other types it looks at the bytes, as all do.
    """
    if not first:
        yield Condition.LAYER_EMPTY, "a layer has no bytes at all"
    if _is_skippable(first):
        yield Condition.ZSTD_SKIPPABLE_FIRST, "a layer's zstd data begins with a frame to skip"
    is_zstd = first.startswith(ZSTD_MAGIC) or _is_skippable(first)
    if is_zstd:
        yield Condition.ZSTD, "a layer is compressed by zstd"
    if _OCI_PLAIN.fullmatch(media_type) and (is_zstd or first.startswith(GZIP_MAGIC)):
        yield Condition.PACKED_THOUGH_PLAIN, f"a layer is compressed, though its type is {media_type}"


class NotPacked:
    """A tar archive that is not packed at all."""

    def __init__(self, take: Take) -> None:
        self._take = take

    def feed(self, stored: bytes) -> None:
        """Hand the bytes on."""
        for at in range(0, len(stored), PIECE_BYTES):
            self._take(stored[at : at + PIECE_BYTES])

    def close(self) -> None:
        """Where a tar archive ends is the tar reader's business."""


class Gzip:
    """One or more gzip members in a row, nothing else (RFC 1952; eStargz makes one per file).

    What follows a member is the next one's header, as Go's compress/gzip reads it: padding of zeros is none. What stands
    behind the data of the archive (checksum and length of the last member, anything else) not every engine looks at.
    """

    def __init__(self, take: Take) -> None:
        self._take = take
        self._member = zlib.decompressobj(wbits=31)

    def feed(self, stored: bytes) -> None:
        """Unpack the next bytes."""
        while stored:
            begins = self._member.eof
            if begins:
                self._member = zlib.decompressobj(wbits=31)
            try:
                piece = self._member.decompress(stored, PIECE_BYTES)
            except zlib.error as error:
                if "unknown header flags" in str(error):
                    raise disputed("a gzip header has reserved flags, which some engines do not look at") from None
                raise unreadable(f"the layer's gzip data is damaged: {error}", _condition(error, begins)) from None
            if piece:
                self._take(piece)
            stored = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def close(self) -> None:
        """The last member must have come to its end: checksum, length."""
        if not self._member.eof:
            raise unreadable("the layer's gzip data breaks off: its last member does not end", Condition.GZIP_TAIL)


def _condition(error: zlib.error, begins: bool) -> Condition:  # noqa: FBT001 - of one caller
    """What is damaged: the check of a member that was unpacked, what stands behind one, or the data."""
    if "incorrect data check" in str(error) or "incorrect length check" in str(error):
        return Condition.GZIP_CHECK
    return Condition.GZIP_TAIL if begins else Condition.LAYER_DAMAGED


class Zstd:
    """Zstandard frames, skippable ones (zstd:chunked) left out."""

    def __init__(self, take: Take) -> None:
        self._frames = Frames()
        decoder = zstandard.ZstdDecompressor(max_window_size=MAX_ZSTD_WINDOW_BYTES)
        self._writer = decoder.stream_writer(cast("IO[bytes]", _Writer(take)), write_size=PIECE_BYTES, closefd=False)

    def feed(self, stored: bytes) -> None:
        """Unpack the next bytes."""
        try:
            self._frames.feed(stored)
        except LayerError:
            with contextlib.suppress(zstandard.ZstdError):  # what is whole before it counts
                self._writer.write(stored)
            raise
        try:
            self._writer.write(stored)
        except zstandard.ZstdError as error:
            if "too much memory" in str(error):
                raise limit_reached(f"a zstd frame wants a window of more than {MAX_ZSTD_WINDOW_BYTES} bytes") from None
            checked = Condition.GZIP_CHECK if "match checksum" in str(error) else Condition.LAYER_DAMAGED
            raise unreadable(f"the layer's zstd data is damaged: {error}", checked) from None

    def close(self) -> None:
        """The last frame must have come to its end."""
        if not self._frames.ended:
            raise unreadable("the layer's zstd data breaks off: its last frame does not end")


class _Writer:
    """The file object that the zstandard library writes into."""

    def __init__(self, take: Take) -> None:
        self._take = take

    def write(self, piece: bytes) -> int:
        self._take(bytes(piece))
        return len(piece)
