"""Where the frames of Zstandard data end, told from their headers alone (RFC 8878 section 3).

The decoder unpacks in bounded pieces but does not say whether it stands between two frames; cut data would look whole.
"""

from __future__ import annotations

from enum import Enum, auto

from scanner.binary.layers.limits import unreadable
from scanner.domain.verdict.condition import Condition

_MAGIC = 0xFD2FB528
_SKIPPABLE, _SKIPPABLE_MASK = 0x184D2A50, 0xFFFFFFF0

_MAGIC_BYTES, _SIZE_BYTES, _DESCRIPTOR_BYTES, _BLOCK_HEADER_BYTES, _CHECKSUM_BYTES = 4, 4, 1, 3, 4
_DICTIONARY_BYTES = (0, 1, 2, 4)
_CONTENT_SIZE_BYTES = (0, 2, 4, 8)

_RLE, _RESERVED = 1, 3
"""Types of block: the first holds one byte whatever its size, the second does not exist."""


class _Part(Enum):
    MAGIC = auto()
    SKIPPABLE_SIZE = auto()
    DESCRIPTOR = auto()
    BLOCK_HEADER = auto()


class Frames:
    """Follows stored bytes from frame to frame; raises ``LayerError`` for what is no frame."""

    def __init__(self) -> None:
        self._part = _Part.MAGIC
        self._held = bytearray()
        self._wanted = _MAGIC_BYTES
        self._skip = 0
        self._checksum = False

    @property
    def ended(self) -> bool:
        """Whether everything that was begun is whole."""
        return self._part is _Part.MAGIC and not self._held and not self._skip

    def feed(self, stored: bytes) -> None:
        """Take the next bytes."""
        at = 0
        while at < len(stored):
            if self._skip:
                passed = min(self._skip, len(stored) - at)
                self._skip -= passed
                at += passed
                continue
            taken = stored[at : at + self._wanted - len(self._held)]
            self._held += taken
            at += len(taken)
            if len(self._held) == self._wanted:
                value = int.from_bytes(self._held, "little")
                self._held.clear()
                self._on(value)

    def _on(self, value: int) -> None:
        match self._part:
            case _Part.MAGIC:
                self._on_magic(value)
            case _Part.SKIPPABLE_SIZE:
                self._expect(_Part.MAGIC, _MAGIC_BYTES, skip=value)
            case _Part.DESCRIPTOR:
                self._on_descriptor(value)
            case _Part.BLOCK_HEADER:
                self._on_block(value)

    def _expect(self, part: _Part, wanted: int, *, skip: int = 0) -> None:
        self._part, self._wanted, self._skip = part, wanted, skip

    def _on_magic(self, value: int) -> None:
        if value == _MAGIC:
            self._expect(_Part.DESCRIPTOR, _DESCRIPTOR_BYTES)
        elif value & _SKIPPABLE_MASK == _SKIPPABLE:
            self._expect(_Part.SKIPPABLE_SIZE, _SIZE_BYTES)
        else:
            raise unreadable("the layer's zstd data is damaged: what follows a frame is none", Condition.GZIP_TAIL)

    def _on_descriptor(self, value: int) -> None:
        """The rest of the frame's header: window, dictionary, size of the content."""
        one_segment = bool(value & 0x20)
        self._checksum = bool(value & 0x04)
        size = _CONTENT_SIZE_BYTES[value >> 6] or int(one_segment)
        rest = int(not one_segment) + _DICTIONARY_BYTES[value & 0x03] + size
        self._expect(_Part.BLOCK_HEADER, _BLOCK_HEADER_BYTES, skip=rest)

    def _on_block(self, value: int) -> None:
        last, kind, size = value & 1, value >> 1 & 0x03, value >> 3
        if kind == _RESERVED:
            raise unreadable("the layer's zstd data is damaged: a block of a type that does not exist")
        stored = 1 if kind == _RLE else size
        if last:
            self._expect(_Part.MAGIC, _MAGIC_BYTES, skip=stored + self._checksum * _CHECKSUM_BYTES)
        else:
            self._expect(_Part.BLOCK_HEADER, _BLOCK_HEADER_BYTES, skip=stored)
