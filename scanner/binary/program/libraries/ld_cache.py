"""The file ld.so.cache, in which glibc's loader looks up libraries that stand outside its own directories."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.image.offers import Elf

MAX_CACHE_BYTES = 1024 * 1024
"""Of the whole file; a desktop distribution's has 300 KB."""

MAX_ENTRIES = 16_384
"""Libraries in it; a desktop distribution has 4,000."""

_NEW_MAGIC = b"glibc-ld.so.cache1.1"
_OLD_MAGIC = b"ld.so-1.7.0"
_NEW_HEADER = 48
"""struct cache_file_new: magic, count, length of strings, flags, offset of extensions, three unused words."""
_OLD_HEADER = 16
"""struct cache_file: a magic of 11 bytes, padded to 12, the count of entries."""
_ELF_LIBC6 = 3

_FLAGS: Mapping[tuple[int, int], frozenset[int]] = MappingProxyType({
    (62, 64): frozenset({0x0303}), (62, 32): frozenset({0x0803}), (3, 32): frozenset({0x0003}),
    (183, 64): frozenset({0x0A03}), (40, 32): frozenset({0x0903, 0x0B03, 0x0003}), (22, 64): frozenset({0x0403}),
    (22, 32): frozenset({0x0003}), (21, 64): frozenset({0x0503}), (20, 32): frozenset({0x0003}),
    (243, 64): frozenset({0x0F03, 0x1003}), (258, 64): frozenset({0x1103, 0x1203}),
    (8, 64): frozenset({0x0703, 0x0E03}), (8, 32): frozenset({0x0003, 0x0603, 0x0C03, 0x0D03}),
})  # fmt: skip
"""What an entry's flags say for a machine and class (dl-cache.h of each port); by them alone is an entry passed over."""


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One path of a library; ``depends_on_cpu`` tells that it is taken on some CPUs only (glibc-hwcaps and older)."""

    flags: int
    path: str
    depends_on_cpu: bool = False


@dataclass(frozen=True, slots=True)
class LdCache:
    """A cache as read: the entries of each name, in order."""

    entries: Mapping[str, tuple[CacheEntry, ...]]

    def named(self, name: str, own: Elf) -> tuple[CacheEntry, ...] | None:
        """The entries of a name for the CPU of ``own``; ``None`` where it is not known how such are marked."""
        wanted = _FLAGS.get((own.machine, own.bits))
        if wanted is None:
            return None
        return tuple(entry for entry in self.entries.get(name, ()) if entry.flags in wanted)


EMPTY = LdCache(MappingProxyType({}))
"""What a loader makes of a cache that is none: it goes on without."""


def parse(content: bytes, byte_order: str) -> LdCache | None:
    """The new format, alone or behind the old one, else the old one; ``None`` for one too large or damaged to follow."""
    if len(content) > MAX_CACHE_BYTES:
        return None
    prefix = "<" if byte_order == "little" else ">"
    at = 0
    if content.startswith(_OLD_MAGIC) and len(content) >= _OLD_HEADER:
        count = struct.unpack_from(prefix + "I", content, 12)[0]
        at = -(-(_OLD_HEADER + count * 12) // 8) * 8
        if not content.startswith(_NEW_MAGIC, at):
            return _entries(content, _OLD_HEADER, count, _OLD_HEADER + count * 12, prefix + "iII")
    if not content.startswith(_NEW_MAGIC, at):
        return EMPTY
    if len(content) < at + _NEW_HEADER:
        return None
    flags = content[at + 28] & 3
    if flags not in (0, 2 if byte_order == "little" else 3):
        return EMPTY  # written for the other byte order, so passed over
    count = struct.unpack_from(prefix + "I", content, at + 20)[0]
    return _entries(content, at + _NEW_HEADER, count, at, prefix + "iIIIQ")


def _entries(content: bytes, start: int, count: int, strings: int, layout: str) -> LdCache | None:
    each = struct.Struct(layout)
    if count > MAX_ENTRIES or start + count * each.size > len(content):
        return None
    found: dict[str, list[CacheEntry]] = {}
    for number in range(count):
        flags, key, value, *more = each.unpack_from(content, start + number * each.size)
        name, path = _string(content, strings + key), _string(content, strings + value)
        if name is None or path is None:
            return None
        found.setdefault(name, []).append(CacheEntry(flags, path, bool(more and more[-1])))
    return LdCache(MappingProxyType({name: tuple(entries) for name, entries in found.items()}))


def _string(content: bytes, at: int) -> str | None:
    end = content.find(b"\0", at, at + 4097)
    return content[at:end].decode("utf-8", "surrogateescape") if 0 <= at <= end else None
