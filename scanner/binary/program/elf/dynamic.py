"""Reads what an ELF file asks of its loader: libraries by name, where to look for them, versions of their symbols."""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.binary.program.elf import elf, symbols
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.binary.layers.body import Body
    from scanner.binary.program.elf.elf import Header, Segment
    from scanner.binary.program.elf.symbols import Symbols
    from scanner.domain.image.offers import Elf

DT_NULL, DT_NEEDED, DT_STRTAB, DT_STRSZ, DT_SONAME, DT_RPATH, DT_RUNPATH = 0, 1, 5, 10, 14, 15, 29
DT_VERDEF, DT_VERDEFNUM, DT_VERNEED, DT_VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
DT_FLAGS_1, DT_FILTER = 0x6FFFFFFB, 0x7FFFFFFF
DF_1_NODEFLIB, DF_1_PIE = 0x800, 0x08000000
VER_FLG_WEAK = 2

MAX_DYNAMIC_BYTES = 64 * 1024
"""Of the dynamic section: 4,096 entries, where the linker makes some thirty and one more for each library."""

MAX_NEEDED = 512
"""Libraries that one file names itself; Chromium names 60."""

MAX_STRING_BYTES = 64 * 1024
"""Of one name or search path: RPATHs of a build farm (Nix, Spack) reach 20 KiB."""

MAX_VERSIONS = 4096
"""Versions that one file needs or defines; Qt, glibc stay below 100."""


@dataclass(frozen=True, slots=True)
class VersionNeed:
    """The versions (DT_VERNEED) that a file needs of another; weak ones, which no loader insists on, left out."""

    file: str
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Dynamic:
    """The dynamic section of one file, besides what its header and notes say of the CPU (``elf``).

    ``rpath`` and ``runpath`` are as written, ``None`` where there is none. ``versions`` are those that it defines
    (DT_VERDEF), empty where its symbols have no versions. ``no_default_libraries`` is DF_1_NODEFLIB, ``is_program``
    DF_1_PIE. ``symbols`` are ``None`` where they are not at hand. Sources: the generic ABI's chapter 5, the Linux Standard Base on symbol versions.
    """

    elf: Elf
    needed: tuple[str, ...] = ()
    soname: str = ""
    rpath: str | None = None
    runpath: str | None = None
    no_default_libraries: bool = False
    is_program: bool = False
    version_needs: tuple[VersionNeed, ...] = ()
    versions: frozenset[str] = frozenset()
    symbols: Symbols | None = field(default=None, compare=False, repr=False)

    @property
    def kept_bytes(self) -> int:
        """About what keeping it costs."""
        paths = len(self.rpath or "") + len(self.runpath or "")
        needs = sum(len(need.versions) + 1 for need in self.version_needs)
        return 512 + paths + 64 * (len(self.needed) + needs + len(self.versions))


class _NotReadError(Exception):
    """Why the section cannot be interpreted; stays inside this module."""


def parse(body: Body) -> Dynamic | Failure:
    """What an ELF file's dynamic section says; empty where there is none. Total over all bytes."""
    described = elf.describe(body)
    if isinstance(described, Failure):
        return described
    header = elf.read_header(body.head)
    segments = elf.read_segments(header, body) if not isinstance(header, Failure) else header
    if isinstance(header, Failure) or isinstance(segments, Failure):
        return Failure(Reason.BINARY_UNKNOWN, "its headers cannot be read")
    cut = next((each for each in segments if each.type == elf.PT_LOAD and each.filesz and each.end > body.size), None)
    if cut is not None:
        return Failure(Reason.BINARY_UNKNOWN, f"the file has {body.size} bytes, a segment ends at {cut.end}")
    try:
        return _read(_Image(header, segments, body), described)
    except _NotReadError as error:
        return Failure(Reason.BINARY_UNKNOWN, str(error))


def _read(image: _Image, described: Elf) -> Dynamic:
    tags = list(image.tags())
    last = dict(tags)
    names = image.strings(last)
    needed = [names.at(value) for tag, value in tags if tag in (DT_NEEDED, DT_FILTER)][: MAX_NEEDED + 1]
    if len(needed) > MAX_NEEDED:
        raise _NotReadError(f"it names more than {MAX_NEEDED} libraries")
    by_index: dict[int, str] = {}
    needs, versions = _version_needs(image, last, names, by_index), frozenset(_versions(image, last, names, by_index))
    return Dynamic(
        described,
        tuple(needed),
        names.at(last[DT_SONAME]) if DT_SONAME in last else "",
        names.at(last[DT_RPATH]) if DT_RPATH in last else None,
        names.at(last[DT_RUNPATH]) if DT_RUNPATH in last else None,
        no_default_libraries=bool(last.get(DT_FLAGS_1, 0) & DF_1_NODEFLIB),
        is_program=bool(last.get(DT_FLAGS_1, 0) & DF_1_PIE),
        version_needs=needs,
        versions=versions,
        symbols=symbols.kept(image.header, last, image.mapped, by_index),
    )


@dataclass(frozen=True, slots=True)
class _Strings:
    """The dynamic string table."""

    held: bytes

    def at(self, offset: int) -> str:
        """The string that begins at an offset, each one kept once in memory."""
        end = self.held.find(b"\0", offset, offset + MAX_STRING_BYTES + 1)
        if not 0 <= offset < len(self.held) or end < 0:
            raise _NotReadError("a name in its dynamic section lies beyond the part of its strings that is read")
        return sys.intern(self.held[offset:end].decode("utf-8", "surrogateescape"))


@dataclass(frozen=True, slots=True)
class _Image:
    """The file as it is mapped."""

    header: Header
    segments: tuple[Segment, ...]
    body: Body

    def tags(self) -> Iterator[tuple[int, int]]:
        """Tag and value of each entry, up to DT_NULL."""
        segment = next((each for each in self.segments if each.type == elf.PT_DYNAMIC), None)
        if segment is None:
            return
        layout = struct.Struct(self.header.prefix + ("QQ" if self.header.bits == 64 else "II"))  # noqa: PLR2004 - a class
        if segment.filesz > MAX_DYNAMIC_BYTES:
            raise _NotReadError(f"its dynamic section has more than {MAX_DYNAMIC_BYTES} bytes")
        held = self.body.read(segment.offset, segment.filesz // layout.size * layout.size)
        if held is None:
            raise _NotReadError("its dynamic section lies beyond the part of the file that is read")
        for tag, value in layout.iter_unpack(held):
            if tag == DT_NULL:
                return
            yield tag, value

    def strings(self, tags: Mapping[int, int]) -> _Strings:
        """The string table, as far as it was kept."""
        if DT_STRTAB not in tags:
            return _Strings(b"")
        return _Strings(self.body.read_available(self.offset(tags[DT_STRTAB]), tags.get(DT_STRSZ, 0)))

    def mapped(self, address: int, length: int) -> bytes | None:
        """These bytes of memory as the file holds them, ``None`` where they were not kept."""
        for segment in self.segments:
            if segment.type == elf.PT_LOAD and segment.vaddr <= address < segment.vaddr + segment.filesz:
                return self.body.read(address - segment.vaddr + segment.offset, length)
        return None

    def offset(self, address: int) -> int:
        """Where in the file an address lies."""
        for segment in self.segments:
            if segment.type == elf.PT_LOAD and segment.vaddr <= address < segment.vaddr + segment.filesz:
                return address - segment.vaddr + segment.offset
        raise _NotReadError("its dynamic section points out of what is mapped")

    def unpack(self, layout: str, offset: int) -> tuple[int, ...]:
        """Fields at an offset of the file."""
        known = struct.Struct(self.header.prefix + layout)
        held = self.body.read(offset, known.size) if offset >= 0 else None
        if held is None:
            raise _NotReadError("its symbol versions lie beyond the part of the file that is read")
        return known.unpack(held)


def _version_needs(
    image: _Image, tags: Mapping[int, int], names: _Strings, by_index: dict[int, str]
) -> tuple[VersionNeed, ...]:
    """Elf_Verneed: version, count, file, first auxiliary, next; Elf_Vernaux: hash, flags, other, name, next."""
    if DT_VERNEED not in tags:
        return ()
    needs, at, left = [], image.offset(tags[DT_VERNEED]), MAX_VERSIONS
    for _ in range(min(tags.get(DT_VERNEEDNUM, MAX_NEEDED), MAX_NEEDED)):
        _, count, file, first, following = image.unpack("HHIII", at)
        left -= count
        if left < 0:
            raise _NotReadError(f"it needs more than {MAX_VERSIONS} versions")
        versions, here = [], at + first
        for _ in range(count):
            _, flags, other, name, step = image.unpack("IHHII", here)
            by_index[other & ~symbols.HIDDEN] = names.at(name)
            if not flags & VER_FLG_WEAK:
                versions.append(names.at(name))
            if not step:
                break
            here += step
        needs.append(VersionNeed(names.at(file), tuple(versions)))
        if not following:
            break
        at += following
    return tuple(needs)


def _versions(image: _Image, tags: Mapping[int, int], names: _Strings, by_index: dict[int, str]) -> Iterator[str]:
    """Elf_Verdef: version, flags, index, count, hash, first auxiliary, next; Elf_Verdaux: name, next."""
    if DT_VERDEF not in tags:
        return
    at = image.offset(tags[DT_VERDEF])
    for _ in range(MAX_VERSIONS):
        _, _, index, _, _, first, following = image.unpack("HHHHIII", at)
        name = by_index[index & ~symbols.HIDDEN] = names.at(image.unpack("II", at + first)[0])
        yield name
        if not following:
            return
        at += following
    raise _NotReadError(f"it defines more than {MAX_VERSIONS} versions")
