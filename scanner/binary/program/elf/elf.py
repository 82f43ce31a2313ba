"""Reads from an ELF file's own headers which machine it needs."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.binary.program.elf import isa, mapping
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Elf
from scanner.domain.platform.cpu import OLD_WORLD
from scanner.domain.platform.elf_machine import MAGIC, goarch_of
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.binary.layers.body import Body

ET_EXEC, ET_DYN = 2, 3
TYPE_NAMES: Mapping[int, str] = MappingProxyType(
    {0: "ET_NONE", 1: "ET_REL (an object file)", 4: "ET_CORE (a core dump)"}
)
PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_GNU_PROPERTY, PT_GNU_STACK = 1, 2, 3, 4, 0x6474E553, 0x6474E551
PF_X, PF_W = 1, 2
EM_MIPS, EM_PPC64, EM_ARM, EM_X86_64, EM_AARCH64, EM_RISCV, EM_LOONGARCH = 8, 21, 40, 62, 183, 243, 258

MAX_INTERP_BYTES = 4096
"""PATH_MAX: the kernel refuses a longer PT_INTERP (load_elf_binary in fs/binfmt_elf.c)."""

MAX_PROGRAM_HEADER_BYTES = 65536
"""What the kernel reads of a program header table (load_elf_phdrs)."""

MAX_LOADER_BYTES = 1024 * 1024
"""Of a loader that is searched for the floor it demands; glibc's has 250 KB, musl's with all of its C library 650 KB."""

SHORT_LOADER_BYTES = 64
"""A loader shorter than an ELF header is an I/O error for the kernel."""

OLD_WORLD_LOADER = "/lib64/ld.so.1"
"""Of LoongArch's first systems (ABI 1.0); the header tells nothing: Go's linker wrote their flags for the others, too."""

_CLASS_OF: Mapping[int, int] = MappingProxyType({EM_X86_64: 64, 3: 32, 6: 32, 183: 64, EM_ARM: 32})
"""Machines of which Linux asks neither the class nor the byte order that e_ident names (elf_check_arch in arch/*):
it reads the file as these little-endian kernels are laid out. Others (s390, riscv, mips) compare the class."""


@dataclass(frozen=True, slots=True)
class Header:
    """The fields of an ELF header that matter here.

    ``bits`` and ``byte_order`` are as the kernel takes them, ``ident`` begins with both as written (EI_CLASS, EI_DATA).
    """

    bits: int
    byte_order: str
    osabi: int
    type: int
    machine: int
    flags: int
    phoff: int
    phentsize: int
    phnum: int
    shoff: int
    shentsize: int
    shnum: int
    entry: int = 0
    ident: bytes = b""

    @property
    def prefix(self) -> str:
        """The byte order as ``struct`` writes it."""
        return "<" if self.byte_order == "little" else ">"

    @property
    def size(self) -> int:
        """Bytes of the header itself."""
        return 64 if self.bits == 64 else 52  # noqa: PLR2004 - Elf64_Ehdr and Elf32_Ehdr

    @property
    def goarch(self) -> str | None:
        """The GOARCH that executes it, or ``None``."""
        return goarch_of(self.machine, self.bits, self.byte_order, self.flags)


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header."""

    type: int
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int = 0

    @property
    def end(self) -> int:
        """The file offset after it."""
        return self.offset + self.filesz


def read_header(head: bytes) -> Header | Failure:
    """The ELF header at the start of ``head``, or why the kernel would not take the file for a program."""
    if not head.startswith(MAGIC):
        return Failure(Reason.NOT_A_PROGRAM, "there is no ELF magic")
    if len(head) < 20:  # noqa: PLR2004 - e_ident, e_type, e_machine
        return _cut(head)
    bits = {1: 32, 2: 64}.get(head[4])
    order = {1: "little", 2: "big"}.get(head[5])
    own = _CLASS_OF.get(int.from_bytes(head[18:20], "little"))
    if own is not None and (bits, order) != (own, "little"):
        kernels = _header_as(head, own, "little")
        if isinstance(kernels, Header) and kernels.phentsize == segment_layout(kernels).size:
            return kernels
    if bits is None or order is None:
        return Failure(Reason.NOT_A_PROGRAM, f"the ELF class {head[4]} or byte order {head[5]} does not exist")
    return _header_as(head, bits, order)


def _cut(head: bytes) -> Failure:
    return Failure(Reason.ENTRYPOINT_TRUNCATED, f"an ELF file of {len(head)} bytes has no whole header")


def _header_as(head: bytes, bits: int, order: str) -> Header | Failure:
    layout = struct.Struct(("<" if order == "little" else ">") + ("HHIQQQIHHHHHH" if bits == 64 else "HHIIIIIHHHHHH"))  # noqa: PLR2004 - a class
    if len(head) < 16 + layout.size:
        return _cut(head)
    fields = layout.unpack_from(head, 16)
    kind, machine, _, entry, phoff, shoff, flags, _, phentsize, phnum, shentsize, shnum, _ = fields
    return Header(
        bits, order, head[7], kind, machine, flags, phoff, phentsize, phnum, shoff, shentsize, shnum, entry, head[4:6]
    )


def parse(body: Body) -> Elf | Failure:
    """What the ELF file ``body`` needs in order to run, or why no kernel would start it. Total over all bytes."""
    header = read_header(body.head)
    if isinstance(header, Failure):
        return header
    segments = read_segments(header, body)
    if isinstance(segments, Failure):
        return segments
    interpreter = _interpreter(segments, body)
    if isinstance(interpreter, Failure):
        return interpreter
    unmapped = mapping.refusal(header, segments, body, interpreter)
    if unmapped is not None:
        return unmapped
    return _described(header, segments, body, interpreter)


def describe(body: Body) -> Elf | Failure:
    """What the headers of an ELF program or library say of the CPU that it is for, whether or not a kernel starts it."""
    header = read_header(body.head)
    if isinstance(header, Failure):
        return header
    segments = read_segments(header, body)
    if isinstance(segments, Failure):
        return segments
    interpreter = _interpreter(segments, body)
    return _described(header, segments, body, "" if isinstance(interpreter, Failure) else interpreter)


def _described(header: Header, segments: tuple[Segment, ...], body: Body, interpreter: str) -> Elf:
    return Elf(
        machine=header.machine,
        bits=header.bits,
        byte_order=header.byte_order,
        needs=_needs(header, segments, body, interpreter),
        type=header.type,
        flags=header.flags,
        interpreter=interpreter,
        libc=libc_of(interpreter),
        max_page_size=mapping.max_page_size(segments),
        page_hint=body.page_hint,
    )


def read_segments(header: Header, body: Body) -> tuple[Segment, ...] | Failure:
    """The program headers, held to the kernel's own conditions."""
    if header.type not in (ET_EXEC, ET_DYN):
        name = TYPE_NAMES.get(header.type, f"type {header.type}")
        return Failure(Reason.NOT_A_PROGRAM, f"an ELF file of {name} cannot be executed")
    layout = segment_layout(header)
    length = layout.size * header.phnum
    if header.phentsize != layout.size or not 0 < length <= MAX_PROGRAM_HEADER_BYTES:
        return Failure(Reason.NOT_A_PROGRAM, "the ELF file has no usable program headers")
    if header.phoff + length > body.size:
        return Failure(Reason.ENTRYPOINT_TRUNCATED, "the ELF file ends before its program headers")
    table = body.read(header.phoff, length)
    if table is None:
        return Failure(Reason.BINARY_UNKNOWN, "the program headers lie beyond the part of the file that is read")
    return tuple(_segment(header, fields) for fields in layout.iter_unpack(table))


def segment_layout(header: Header) -> struct.Struct:
    """How one program header is laid out."""
    return struct.Struct(header.prefix + ("IIQQQQQQ" if header.bits == 64 else "IIIIIIII"))  # noqa: PLR2004 - a class


def _segment(header: Header, fields: tuple[int, ...]) -> Segment:
    if header.bits == 64:  # noqa: PLR2004 - a class
        kind, flags, offset, vaddr, _, filesz, memsz, _ = fields
    else:
        kind, offset, vaddr, _, filesz, memsz, flags, _ = fields
    return Segment(kind, flags, offset, vaddr, filesz, memsz)


def _interpreter(segments: tuple[Segment, ...], body: Body) -> str | Failure:
    segment = next((s for s in segments if s.type == PT_INTERP), None)
    if segment is None:
        return ""
    if not 2 <= segment.filesz <= MAX_INTERP_BYTES:  # noqa: PLR2004 - one character and its NUL
        return Failure(Reason.LOADER_INVALID, f"PT_INTERP of {segment.filesz} bytes; the kernel takes 2 to 4096")
    if segment.end > body.size:
        return Failure(Reason.ENTRYPOINT_TRUNCATED, "the ELF file ends before its PT_INTERP")
    raw = body.read(segment.offset, segment.filesz)
    if raw is None:
        return Failure(Reason.BINARY_UNKNOWN, "PT_INTERP lies beyond the part of the file that is read")
    if raw[-1] != 0:
        return Failure(Reason.LOADER_INVALID, "PT_INTERP does not end with a NUL")
    path = raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    return path or Failure(Reason.LOADER_INVALID, "PT_INTERP is empty")


def libc_of(interpreter: str) -> str:
    """``glibc`` or ``musl`` by the loader's name, empty where neither is recognised."""
    name = interpreter.rpartition("/")[2]
    if name.startswith("ld-musl-"):
        return "musl"
    if name.startswith(("ld-linux", "ld64.so.", "ld.so.")):
        return "glibc"
    return ""


def _needs(header: Header, segments: tuple[Segment, ...], body: Body, interpreter: str) -> Platform | None:
    goarch = header.goarch
    if goarch is None:
        return None
    notes = tuple(s for s in segments if s.type in (PT_NOTE, PT_GNU_PROPERTY))
    system = _system(header, segments, notes, body, interpreter)
    if goarch == "loong64" and interpreter == OLD_WORLD_LOADER:
        return Platform(system, goarch, OLD_WORLD)
    return Platform(system, goarch, _variant(header, goarch, segments, notes, body))


def _system(header: Header, segments: tuple[Segment, ...], notes: tuple[Segment, ...], body: Body, loader: str) -> str:
    """Whose system calls it makes. Linux ignores EI_OSABI, so that byte proves nothing; a note, a loader, Go's settings do."""
    if loader == "/libexec/ld-elf.so.1":
        return "freebsd"
    for segment in notes:
        raw = body.read(segment.offset, min(segment.filesz, isa.MAX_NOTE_BYTES)) or b""
        if system := isa.system_of(raw, header.prefix):
            return system
    said = go_settings(segments, body).get("GOOS", "")
    return said if said in isa.OTHER_SYSTEMS else "linux"


def _variant(header: Header, goarch: str, segments: tuple[Segment, ...], notes: tuple[Segment, ...], body: Body) -> str:
    match goarch:
        case "amd64":
            raw = [body.read(s.offset, min(s.filesz, isa.MAX_NOTE_BYTES)) or b"" for s in notes]
            level = max((isa.x86_level(piece, header.prefix) for piece in raw), default=0)
            level = max(level, isa.go_amd64_level(go_settings(segments, body)))
            said = f"v{level}" if level > 1 else ""
        case "arm":
            return isa.arm_variant(_attributes(header, body)) or isa.go_arm_variant(go_settings(segments, body))
        case "riscv64":
            said = isa.riscv_profile(_riscv_attributes(header, segments, body))
            said = said or isa.go_variant(goarch, go_settings(segments, body))
        case "ppc64" | "ppc64le" | "arm64":
            said = isa.go_variant(goarch, go_settings(segments, body))
        case _:
            said = ""
    return max(said, _floor(header, segments, body), key=lambda variant: (len(variant), variant))


def is_loader(header: Header, segments: tuple[Segment, ...], size: int) -> bool:
    """Whether this may be a loader, whose texts tell the floor that it demands of a CPU."""
    asks = any(segment.type == PT_INTERP for segment in segments)
    return header.type == ET_DYN and not asks and header.entry != 0 and size <= MAX_LOADER_BYTES


def _floor(header: Header, segments: tuple[Segment, ...], body: Body) -> str:
    if not is_loader(header, segments, body.size):
        return ""
    return isa.loader_floor(body.read_available(0, body.size))


def _riscv_attributes(header: Header, segments: tuple[Segment, ...], body: Body) -> bytes:
    segment = next((segment for segment in segments if segment.type == isa.SHT_ATTRIBUTES), None)
    if segment is None:
        return _attributes(header, body)
    return body.read(segment.offset, min(segment.filesz, isa.MAX_ATTRIBUTES_BYTES)) or b""


def data_segment(segments: tuple[Segment, ...]) -> Segment | None:
    """The first writable segment, where the Go linker puts its build settings (debug/buildinfo)."""
    return next((s for s in segments if s.type == PT_LOAD and s.flags & (PF_X | PF_W) == PF_W and s.filesz), None)


def go_settings(segments: tuple[Segment, ...], body: Body) -> Mapping[str, str]:
    """The ``build`` lines that the Go linker left in the binary, empty for other binaries."""
    segment = data_segment(segments)
    if segment is None:
        return {}
    held = body.read_available(segment.offset, min(segment.filesz, isa.MAX_BUILDINFO_WINDOW))
    return isa.go_build_settings(held)


def _attributes(header: Header, body: Body) -> bytes:
    """The section of build attributes, found by its type in the section headers; empty where none is in reach."""
    layout = struct.Struct(header.prefix + ("IIQQQQIIQQ" if header.bits == 64 else "IIIIIIIIII"))  # noqa: PLR2004 - a class
    length = layout.size * header.shnum
    if header.shentsize != layout.size or not 0 < length <= isa.MAX_SECTION_TABLE_BYTES:
        return b""
    table = body.read(header.shoff, length)
    for _, kind, _, _, offset, size, *_ in layout.iter_unpack(table or b""):
        if kind == isa.SHT_ATTRIBUTES:
            return body.read(offset, min(size, isa.MAX_ATTRIBUTES_BYTES)) or b""
    return b""
