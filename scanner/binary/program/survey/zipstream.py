"""The members of a ZIP archive, read as its bytes arrive, without the directory at its end.

Each member has a header of its own in front (APPNOTE.TXT 4.3.7); of what a writer did not know then, its sizes, a
descriptor behind the member tells (4.3.9), so that such a member is unpacked to find its end.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

MAGIC = b"PK\x03\x04"

MAX_INFLATED_BYTES = 2 * 1024 * 1024 * 1024
"""Unpacked of all the archives in one layer: ten seconds of one core, more than the largest public Java images need."""

MEMBER_COST_BYTES = 2048
"""What a member counts for beside its bytes: as long as its header is read, so much could be unpacked."""

MAX_NAME_BYTES = 4096
"""PATH_MAX: nobody unpacks a member of a longer name."""

MAX_EXTRA_FIELDS = 64
"""Of one member; writers add some six."""

PIECE_BYTES = 64 * 1024
"""Unpacked at a time."""

_HEADER = struct.Struct("<4sHHHHHIIIHH")
_AFTER_MEMBERS = (b"PK\x01\x02", b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x08")
"""The directory, its end in an archive without members, its end of the 64-bit kind, extra data before it."""
_DESCRIPTOR_LENGTHS = (16, 12, 24, 20)
"""With and without a mark of its own, of 32-bit and of 64-bit sizes: nothing tells which but what follows."""
_DESCRIPTOR_BYTES = 28
"""The longest with the mark of what follows; a whole archive has at least 22 more bytes behind a member."""

STORED, DEFLATED = 0, 8
_ENCRYPTED, _SIZES_FOLLOW = 0x0001, 0x0008
_IN_EXTRA = 0xFFFFFFFF
_ZIP64 = 1


class NotFollowedError(Exception):
    """The archive cannot be read further; its message says why."""


@dataclass(slots=True)
class Allowance:
    """How many bytes the archives of one layer may still unpack to, members counted as some.

    Who no longer waits for the layer calls ``stop``, from any thread: reading ends at what is taken next.
    """

    left: int = MAX_INFLATED_BYTES
    is_stopped: bool = False

    def take(self, count: int) -> None:
        """Count what was unpacked."""
        self.left -= count
        if self.is_stopped:
            raise NotFollowedError("nobody waits for its layer any more")
        if self.left < 0:
            raise NotFollowedError("the archives of its layer hold more than is read of them")

    def stop(self) -> None:
        """Nothing more is to be read."""
        self.is_stopped = True


class Member(Protocol):
    """Takes the unpacked bytes of one member."""

    @property
    def enough(self) -> bool:
        """Whether the rest of the member need not be unpacked."""

    def feed(self, piece: memoryview, /) -> None:
        """Take the next bytes."""

    def end(self, size: int, /) -> None:
        """The member is over; it has so many bytes."""


class ZipReader:
    """Feeds members from pieces of any size; ``begin`` answers who takes a member of this name, ``None`` for nobody.

    ``feed`` raises ``NotFollowedError`` for what cannot be followed; ``is_archive`` tells that it began like one.
    """

    def __init__(self, begin: Callable[[str], Member | None], allowance: Allowance) -> None:
        self._begin, self._allowance = begin, allowance
        self._held = bytearray()
        self._wanted = _HEADER.size
        self._then: Callable[[bytes], None] = self._on_header
        self._flags = self._method = self._packed = self._size = 0
        self._left: int | None = None
        self._member: Member | None = None
        self._inflate: zlib._Decompress | None = None
        self._taken = self._unpacked = 0
        self._in_member = False
        self._is_over = False
        self.is_archive = False

    @property
    def ended(self) -> bool:
        """Whether every member was read; the directory of an archive without any is shorter than a member's header."""
        return self._is_over or bytes(self._held[:4]) in _AFTER_MEMBERS

    def feed(self, piece: memoryview) -> None:
        """Take the next bytes of the archive."""
        view = piece
        while view and not self._is_over:
            view = self._take_member(view) if self._in_member else self._collect(view)

    # ------------------------------------------------------------ headers

    def _collect(self, view: memoryview) -> memoryview:
        missing = self._wanted - len(self._held)
        self._held += view[:missing]
        if len(self._held) == self._wanted:
            held = bytes(self._held)
            self._held.clear()
            self._then(held)
        return view[missing:]

    def _expect(self, length: int, then: Callable[[bytes], None]) -> None:
        self._wanted, self._then = length, then

    def _on_header(self, raw: bytes) -> None:
        mark, _, flags, method, _, _, _, packed, size, name_length, extra_length = _HEADER.unpack(raw)
        if mark in _AFTER_MEMBERS:
            self._is_over = True
            return
        self.is_archive = self.is_archive or mark == MAGIC
        if mark != MAGIC:
            raise NotFollowedError("what stands behind a member is no header")
        self._allowance.take(MEMBER_COST_BYTES)
        if flags & _ENCRYPTED:
            raise NotFollowedError("a member is encrypted")
        if not 0 < name_length <= MAX_NAME_BYTES:
            raise NotFollowedError(f"a member has a name of {name_length} bytes")
        self._flags, self._method, self._packed, self._size = flags, method, packed, size
        self._expect(name_length + extra_length, lambda names: self._on_name(names, name_length))

    def _on_name(self, raw: bytes, name_length: int) -> None:
        if _IN_EXTRA in {self._packed, self._size}:
            self._size, self._packed = _sizes_in(raw[name_length:], self._size, self._packed)
        sizes_follow = bool(self._flags & _SIZES_FOLLOW) and not self._packed and self._method == DEFLATED
        if self._method not in {STORED, DEFLATED} and not self._packed and self._size:
            raise NotFollowedError(f"a member is packed in a way ({self._method}) that is not read")
        self._left = None if sizes_follow else self._packed
        readable = self._method in {STORED, DEFLATED}
        self._member = self._begin(raw[:name_length].decode("utf-8", "replace")) if readable else None
        unpacked = self._method == DEFLATED and (self._member is not None or sizes_follow)
        self._inflate = zlib.decompressobj(-15) if unpacked else None
        self._taken = self._unpacked = 0
        self._in_member = True
        if self._left == 0:
            self._end_member()

    # ------------------------------------------------------------ members

    def _take_member(self, view: memoryview) -> memoryview:
        chunk = view if self._left is None else view[: self._left]
        used = len(chunk)
        if self._inflate is not None:
            used = self._unpack(self._inflate, chunk)
        elif self._member is not None and not self._member.enough:
            self._member.feed(chunk)
            self._unpacked += len(chunk)
        self._taken += used
        if self._left is not None:
            self._left -= used
            if not self._left:
                self._end_member()
        elif self._inflate is not None and self._inflate.eof:
            self._end_member()
        return view[used:]

    def _unpack(self, inflate: zlib._Decompress, chunk: memoryview) -> int:
        """Hand on what a chunk unpacks to; how many of its bytes are the member's."""
        if self._left is not None and (inflate.eof or self._member is None or self._member.enough):
            return len(chunk)
        packed: bytes | memoryview = chunk
        while packed:
            try:
                piece = inflate.decompress(packed, PIECE_BYTES)
            except zlib.error as error:
                raise NotFollowedError(f"a member is damaged: {error}") from None
            self._allowance.take(len(piece))
            self._unpacked += len(piece)
            if self._member is not None and not self._member.enough:
                self._member.feed(memoryview(piece))
            if inflate.eof:
                return len(chunk) - len(inflate.unused_data) if self._left is None else len(chunk)
            packed = inflate.unconsumed_tail
        return len(chunk)

    def _end_member(self) -> None:
        self._in_member = False
        if self._member is not None:
            self._member.end(self._unpacked if self._left is None else self._size)
        self._member = self._inflate = None
        if self._flags & _SIZES_FOLLOW:
            self._expect(_DESCRIPTOR_BYTES, self._on_descriptor)
        else:
            self._expect(_HEADER.size, self._on_header)

    def _on_descriptor(self, raw: bytes) -> None:
        for length in _DESCRIPTOR_LENGTHS:
            if raw[length : length + 4] in {MAGIC, *_AFTER_MEMBERS} and self._is_descriptor(raw[:length]):
                self._held += raw[length:]
                self._expect(_HEADER.size, self._on_header)
                return
        raise NotFollowedError("nothing tells where a member ends")

    def _is_descriptor(self, raw: bytes) -> bool:
        """Whether its packed size is the one that was seen."""
        sizes = raw[8:] if len(raw) in {16, 24} else raw[4:]
        return int.from_bytes(sizes[: len(sizes) // 2], "little") == self._taken


def _sizes_in(extra: bytes, size: int, packed: int) -> tuple[int, int]:
    """The unpacked and the packed size where they stand in the extra field (4.5.3)."""
    at = 0
    for _ in range(MAX_EXTRA_FIELDS):
        if at + 4 > len(extra):
            break
        kind, length = struct.unpack_from("<HH", extra, at)
        body = extra[at + 4 : at + 4 + length]
        if kind == _ZIP64:
            numbers = [int.from_bytes(body[start : start + 8], "little") for start in range(0, len(body) - 7, 8)]
            wanted = [size == _IN_EXTRA, packed == _IN_EXTRA]
            if len(numbers) >= sum(wanted):
                size = numbers.pop(0) if wanted[0] else size
                packed = numbers.pop(0) if wanted[1] else packed
                return size, packed
        at += 4 + length
    raise NotFollowedError("a member's size is told nowhere")
