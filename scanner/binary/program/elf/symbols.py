"""The dynamic symbols of an ELF file: those that it offers to others, those that its relocations ask for."""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.binary.program.elf.elf import Header

DT_PLTRELSZ, DT_HASH, DT_STRTAB, DT_SYMTAB, DT_RELA, DT_RELASZ, DT_STRSZ = 2, 4, 5, 6, 7, 8, 10
DT_REL, DT_RELSZ, DT_PLTREL, DT_JMPREL, DT_BIND_NOW, DT_FLAGS = 17, 18, 20, 23, 24, 30
DT_GNU_HASH, DT_VERSYM, DT_RELACOUNT, DT_RELCOUNT, DT_FLAGS_1 = (
    0x6FFFFEF5,
    0x6FFFFFF0,
    0x6FFFFFF9,
    0x6FFFFFFA,
    0x6FFFFFFB,
)
DT_AUXILIARY = 0x7FFFFFFD
DF_BIND_NOW, DF_1_NOW = 8, 1

MAX_TABLE_BYTES = 4 * 1024 * 1024
"""Of one table: 170,000 symbols; libLLVM has 50,000 of them in 1.2 MiB."""

MAX_RELOCATION_BYTES = 16 * 1024 * 1024
"""Of one table, without those at its front that name no symbol: Chromium's have 12 MiB, nearly all of that sort."""

MAX_NAME_BYTES, MAX_NAME_USES = 32 * 1024, 3
"""Of one symbol's name, of all names of one file by the bytes of their table: C++ makes some of a few KiB, the ends of one
name may be the names of others, several versions share one. All 1,800 files of a developer's Debian stay below two."""

MAX_CHAIN = 4096
"""Symbols of one bucket of a hash table; linkers make buckets for two to four."""

_COPIES: Mapping[int, int] = MappingProxyType({3: 5, 20: 19, 21: 19, 22: 9, 40: 20, 62: 5, 183: 1024, 243: 4, 258: 4})
"""R_*_COPY by ELF machine, which takes a variable from a library into the program (elf.h of glibc). Others, of which MIPS
binds by a table of its own, are not read."""

_LOCAL, _WEAK, _UNDEFINED, _ABSOLUTE = 0, 2, 0, 0xFFF1
_UNSEEN = frozenset(other for other in range(256) if other & 3 in (1, 2))
"""st_other of STV_INTERNAL, STV_HIDDEN, which bind inside their file."""
_OFFERED = frozenset(bind << 4 | kind for bind in (1, 2, 10) for kind in (0, 1, 2, 5, 6, 10))
"""st_info of what loaders find (do_lookup_x of dl-lookup.c): STB_GLOBAL, WEAK, GNU_UNIQUE of STT_NOTYPE, OBJECT, FUNC,
COMMON, TLS, GNU_IFUNC."""
_THREADS = frozenset(bind << 4 | 6 for bind in (1, 2, 10))
"""Those of STT_TLS, which may have the value 0."""
HIDDEN = 0x8000
"""In a version's index: found only by who asks for that very version."""
_HAS_64_BIT_HASH = frozenset({(22, 64)})
"""s390x has a DT_HASH of 64-bit words."""


@dataclass(frozen=True, slots=True)
class NeededSymbol:
    """One symbol that must be found outside; ``version`` is empty where none is asked for.

    ``is_copied`` tells that the program's own does not count, ``later`` that it is looked for on the first call.
    """

    name: bytes
    version: str = ""
    is_copied: bool = False
    later: bool = False

    def __str__(self) -> str:
        """As glibc's loader names it."""
        name = self.name.decode("utf-8", "replace")
        return f"{name}, version {self.version}" if self.version else name


class NamesTooLongError(Exception):
    """Names that no linker writes, or so many that they are not worth their memory: suffixes of one text, say."""


@dataclass(frozen=True, slots=True)
class Symbols:
    """The tables as they stand in the file, read when they are asked for; equal where these are.

    ``defined`` are the indices of those that the loader can find, ``now`` and ``later`` those that relocations name
    before the program starts and on the first call, ``copied`` those of copies. ``version_names`` are by index, defined
    and needed ones alike; ``has_versions`` is whether there is DT_VERSYM.
    """

    bits: int
    prefix: str
    table: bytes
    names: bytes
    versym: bytes
    defined: range
    now: array[int]
    later: array[int]
    copied: array[int]
    version_names: Mapping[int, str]

    def __hash__(self) -> int:
        """Of the large ones: each is computed once for its bytes."""
        return hash((self.table, self.names, self.versym))

    @property
    def kept_bytes(self) -> int:
        """About what keeping it costs."""
        return len(self.table) + len(self.names) + len(self.versym) + 4 * (len(self.now) + len(self.later)) + 512

    @property
    def count(self) -> int:
        """How many symbols are looked at in order to tell what is offered."""
        return len(self.defined)

    def asks(self) -> Iterator[NeededSymbol]:
        """What must be found outside: neither weak nor defined here, besides what is copied.

        Raises ``NamesTooLongError``.
        """
        name_at = self._naming()
        words, copied, wide = self._words(), frozenset(self.copied), self.bits == 64  # noqa: PLR2004 - a class
        layout = self._layout()
        for indices, later in ((self.now, False), (self.later, True)):
            for index in indices:
                row = layout.unpack_from(self.table, index * layout.size)
                at, info, other, section = row[:4] if wide else (row[0], *row[3:])
                if info >> 4 in (_LOCAL, _WEAK) or other in _UNSEEN or (section != _UNDEFINED and index not in copied):
                    continue
                version = self.version_names.get(words[index] & ~HIDDEN, "") if words else ""
                yield NeededSymbol(name_at(at), version, index in copied, later)

    def offered(self) -> list[tuple[bytes, int]]:
        """What others find here: names, each with its word of DT_VERSYM, which is 1 where there is none.

        Raises ``NamesTooLongError``.
        """
        layout, name_at, words = self._layout(), self._naming(), self._words()
        first, last = self.defined.start, self.defined.stop
        rows = layout.iter_unpack(self.table[first * layout.size : last * layout.size])
        if self.bits != 64:  # noqa: PLR2004 - a class
            rows = ((at, info, other, section, value, 0) for at, value, _, info, other, section in rows)
        return [
            (name_at(at), word)
            for (at, info, other, section, value, _), word in zip(rows, words[first:last] or repeat(1), strict=False)
            if section
            and info in _OFFERED
            and other not in _UNSEEN
            and (value or section == _ABSOLUTE or info in _THREADS)
        ]

    def _naming(self) -> Callable[[int], bytes]:
        """Reads the name at an offset, as long as what was read stays within bounds."""
        names, find, left = self.names, self.names.find, MAX_NAME_USES * len(self.names) + MAX_NAME_BYTES

        def name_at(at: int) -> bytes:
            nonlocal left
            end = find(b"\0", at, at + MAX_NAME_BYTES)
            left -= end - at
            if end < 0 or left < 0:
                raise NamesTooLongError
            return names[at:end]

        return name_at

    def _layout(self) -> struct.Struct:
        return struct.Struct(self.prefix + ("IBBHQQ" if self.bits == 64 else "IIIBBH"))  # noqa: PLR2004 - a class

    def _words(self) -> array[int]:
        return _words(self.versym, "H", self.prefix)


ReadAt: TypeAlias = Callable[[int, int], bytes | None]
"""Reads so many bytes from an address on; ``None`` where they are not at hand."""


def kept(header: Header, tags: Mapping[int, int], read: ReadAt, versions: Mapping[int, str]) -> Symbols | None:
    """The tables of a file, or ``None`` where they are too large, not at hand, or not as linkers make them."""
    copy = _COPIES.get(header.machine)
    if copy is None or DT_SYMTAB not in tags or DT_STRTAB not in tags or DT_AUXILIARY in tags:
        return None
    defined = _defined(header, tags, read)
    if defined is None:
        return None
    asked = _asked(header, tags, read, copy)
    if asked is None:
        return None
    now, later, copied = asked
    count = max([defined.stop, *(index + 1 for index in now), *(index + 1 for index in later)])
    entry = 24 if header.bits == 64 else 16  # noqa: PLR2004 - Elf64_Sym and Elf32_Sym
    names_bytes = tags.get(DT_STRSZ, 0)
    if max(count * entry, names_bytes) > MAX_TABLE_BYTES:
        return None
    table, names = read(tags[DT_SYMTAB], count * entry), read(tags[DT_STRTAB], names_bytes)
    versym = read(tags[DT_VERSYM], count * 2) if DT_VERSYM in tags else b""
    if table is None or names is None or versym is None:
        return None
    return Symbols(header.bits, header.prefix, table, names, versym, defined, now, later, copied, versions)


def _defined(header: Header, tags: Mapping[int, int], read: ReadAt) -> range | None:
    """The indices that a hash table leads to; loaders find nothing else."""
    if DT_GNU_HASH in tags:
        return _of_gnu_hash(header, tags[DT_GNU_HASH], read)
    if DT_HASH not in tags:
        return None
    wide = (header.machine, header.bits) in _HAS_64_BIT_HASH
    layout = struct.Struct(header.prefix + ("QQ" if wide else "II"))
    head = read(tags[DT_HASH], layout.size)
    return None if head is None else range(1, max(1, layout.unpack(head)[1]))


def _of_gnu_hash(header: Header, at: int, read: ReadAt) -> range | None:
    """nbuckets, symoffset, bloom_size, bloom_shift; the filter, the buckets, the chains, each ended by an odd word."""
    head = read(at, 16)
    if head is None:
        return None
    buckets, first, bloom, _ = struct.unpack(header.prefix + "IIII", head)
    start = at + 16 + bloom * header.bits // 8
    if not buckets:
        return range(first, first)
    held = read(start, 4 * buckets) if 4 * buckets <= MAX_TABLE_BYTES else None
    if held is None:
        return None
    last = max(_words(held, "I", header.prefix))
    if last < first:
        return range(first, first)
    chains = start + 4 * (buckets - first)
    for index in range(last, last + MAX_CHAIN):
        word = read(chains + 4 * index, 4)
        if word is None:
            return None
        if struct.unpack(header.prefix + "I", word)[0] & 1:
            return range(first, index + 1)
    return None


def _asked(
    header: Header, tags: Mapping[int, int], read: ReadAt, copy: int
) -> tuple[array[int], array[int], array[int]] | None:
    """The symbols that relocations name: at once, on the first call, as copies."""
    now: set[int] = set()
    later: set[int] = set()
    copied: set[int] = set()
    plt, plt_bytes = tags.get(DT_JMPREL, 0), tags.get(DT_PLTRELSZ, 0) if DT_JMPREL in tags else 0
    binds_now = (
        DT_BIND_NOW in tags or bool(tags.get(DT_FLAGS, 0) & DF_BIND_NOW) or bool(tags.get(DT_FLAGS_1, 0) & DF_1_NOW)
    )
    for at_tag, size_tag, count_tag in ((DT_RELA, DT_RELASZ, DT_RELACOUNT), (DT_REL, DT_RELSZ, DT_RELCOUNT)):
        if at_tag not in tags:
            continue
        entry = _entry_bytes(header, at_tag)
        start, size = tags[at_tag], tags.get(size_tag, 0)
        if plt_bytes and start + size == plt + plt_bytes and tags.get(DT_PLTREL) == at_tag:
            size -= plt_bytes  # some linkers count those of the procedure linkage table twice
        skipped = min(tags.get(count_tag, 0) * entry, max(size, 0))
        named = _named(header, read, start + skipped, size - skipped, at_tag)
        if named is None:
            return None
        now |= {symbol for symbol, _ in named}
        copied |= {symbol for symbol, kind in named if kind == copy}
    named = _named(header, read, plt, plt_bytes, tags.get(DT_PLTREL, DT_RELA)) if plt_bytes else frozenset()
    if named is None:
        return None
    (now if binds_now else later).update(symbol for symbol, _ in named)
    return array("I", sorted(now)), array("I", sorted(later - now)), array("I", sorted(copied))


def _entry_bytes(header: Header, tag: int) -> int:
    return header.bits // 8 * (3 if tag == DT_RELA else 2)


def _named(header: Header, read: ReadAt, start: int, size: int, tag: int) -> frozenset[tuple[int, int]] | None:
    """Symbol and type of each relocation, each once: r_info is the second of two or three words."""
    if size <= 0:
        return frozenset()
    held = read(start, size) if size <= MAX_RELOCATION_BYTES else None
    if held is None:
        return None
    wide = header.bits == 64  # noqa: PLR2004 - a class
    stride = 3 if tag == DT_RELA else 2
    held = held[: len(held) // _entry_bytes(header, tag) * _entry_bytes(header, tag)]
    infos = set(_words(held, "Q" if wide else "I", header.prefix)[1::stride])
    shift, mask = (32, 0xFFFFFFFF) if wide else (8, 0xFF)
    return frozenset((info >> shift, info & mask) for info in infos if info >> shift)


def _words(held: bytes, kind: str, prefix: str) -> array[int]:
    words = array(kind)
    words.frombytes(held)
    if prefix != ("<" if sys.byteorder == "little" else ">"):
        words.byteswap()
    return words
