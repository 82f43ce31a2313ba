"""Kinds of images by programs as a kernel takes them: odd headers, segments, loaders, notes."""

from __future__ import annotations

import struct

from tests.real.elf import executable
from tests.real.images import File, Image
from tests.system.truth.build import Kind, plain
from tests.system.truth.programs import FOREIGN, LOADER, NATIVE, PIE, SAYS, with_header

LD = "/lib/ld-test.so.1"
PT_LOAD, PT_INTERP, PT_NOTE, PT_NULL, PT_PHDR = 1, 3, 4, 0, 6
_AT = {
    "type": (0, "I"),
    "flags": (4, "I"),
    "offset": (8, "Q"),
    "vaddr": (16, "Q"),
    "filesz": (32, "Q"),
    "memsz": (40, "Q"),
    "align": (48, "Q"),
}


def _app(body: bytes) -> Image:
    return plain({"app": body})


def patched(program: bytes, at: int, new: bytes) -> bytes:
    """The same with other bytes at one place."""
    return program[:at] + new + program[at + len(new) :]


def segment(program: bytes, number: int, **fields: int) -> bytes:
    """The same 64-bit program with some fields of one program header set otherwise."""
    for name, value in fields.items():
        at, kind = _AT[name]
        program = patched(program, 64 + 56 * number + at, struct.pack(f"<{kind}", value))
    return program


def _entry(program: bytes, address: int) -> bytes:
    return patched(program, 24, struct.pack("<Q", address))


def _with_second(kind: int, **fields: int) -> bytes:
    """A program of two program headers, the first of them turned into something else."""
    return segment(executable("amd64", SAYS, interpreter=LD), 0, type=kind, **fields)


def _two_loaders(first: bytes, second: bytes) -> Image:
    """The second of two PT_INTERP never counts: the kernel stops at the first."""
    names = b"/lib/one.so\0/lib/two.so\0"
    body = 0x400000
    code_at = 64 + 56 * 3 + len(names)
    text = executable("amd64", SAYS)
    code = text[120:]
    at = -(-code_at // 16) * 16
    moved = patched(text[:64], 24, struct.pack("<Q", body + at))
    moved = patched(moved, 56, struct.pack("<H", 3))
    total = at + len(code)

    def header(kind: int, offset: int, size: int, flags: int) -> bytes:
        return struct.pack(
            "<IIQQQQQQ",
            kind,
            flags,
            offset,
            body + offset,
            body + offset,
            size,
            size,
            1 if kind == PT_INTERP else 0x1000,
        )

    start = 64 + 56 * 3
    headers = header(PT_INTERP, start, 12, 4) + header(PT_INTERP, start + 12, 12, 4) + header(PT_LOAD, 0, total, 5)
    return plain({"app": (moved + headers + names).ljust(at, b"\0") + code, "lib/one.so": first, "lib/two.so": second})


def _isa_note(level: int) -> bytes:
    """A program with the GNU property that says which x86-64 level it needs."""
    note = struct.pack("<III4sIIII", 4, 16, 5, b"GNU\0", 0xC0008002, 4, level, 0)
    program = executable("amd64", SAYS, interpreter="/" + "x" * 40)
    start = 64 + 56 * 2
    return segment(patched(program, start, note), 0, type=PT_NOTE, filesz=len(note), memsz=len(note), align=8)


BASE = 0x400000
KINDS = (
    Kind("elf-class-wrong", lambda: _app(patched(NATIVE, 4, b"\1"))),
    Kind("elf-class-zero", lambda: _app(patched(NATIVE, 4, b"\0"))),
    Kind("elf-order-wrong", lambda: _app(patched(NATIVE, 5, b"\2"))),
    Kind("elf-order-zero", lambda: _app(patched(NATIVE, 5, b"\0"))),
    Kind("elf-ident-version-zero", lambda: _app(patched(NATIVE, 6, b"\0"))),
    Kind("elf-version-zero", lambda: _app(patched(NATIVE, 20, b"\0\0\0\0"))),
    Kind("elf-abi-version", lambda: _app(patched(NATIVE, 8, b"\7"))),
    Kind("elf-osabi-gnu", lambda: _app(patched(NATIVE, 7, b"\3"))),
    Kind("elf-osabi-standalone", lambda: _app(patched(NATIVE, 7, b"\xff"))),
    Kind("elf-flags-set", lambda: _app(patched(NATIVE, 48, b"\xff\xff\xff\xff"))),
    Kind("elf-header-size-wrong", lambda: _app(patched(NATIVE, 52, b"\0\0"))),
    Kind("elf-type-none", lambda: _app(with_header(NATIVE, type=0))),
    Kind("elf-type-os", lambda: _app(with_header(NATIVE, type=0xFE00))),
    Kind("elf-machine-big-endian", lambda: _app(patched(NATIVE, 18, b"\0\x3e"))),
    Kind("elf-machine-386-in-64", lambda: _app(with_header(NATIVE, machine=3))),
    Kind("elf-machine-486", lambda: _app(with_header(NATIVE, machine=6))),
    Kind("elf-386-class-wrong", lambda: _app(patched(executable("386", SAYS), 4, b"\2"))),
    Kind("elf-386-order-wrong", lambda: _app(patched(executable("386", SAYS), 5, b"\2"))),
    Kind("elf-386-static", lambda: plain({"app": executable("386", SAYS)}, architecture="386")),
    Kind("elf-arm64-class-wrong", lambda: _app(patched(FOREIGN, 4, b"\1"))),
    Kind("elf-no-load-segment", lambda: _app(segment(NATIVE, 0, type=PT_NOTE))),
    Kind("elf-null-segment", lambda: _app(segment(NATIVE, 0, type=PT_NULL))),
    Kind("elf-segment-not-executable", lambda: _app(segment(NATIVE, 0, flags=4))),
    Kind("elf-segment-writable", lambda: _app(segment(NATIVE, 0, flags=7))),
    Kind("elf-segment-without-flags", lambda: _app(segment(NATIVE, 0, flags=0))),
    Kind("elf-segment-only-executable", lambda: _app(segment(NATIVE, 0, flags=1))),
    Kind("elf-entry-zero", lambda: _app(_entry(NATIVE, 0))),
    Kind("elf-entry-outside", lambda: _app(_entry(NATIVE, BASE + 0x100000))),
    Kind("elf-entry-in-the-header", lambda: _app(_entry(NATIVE, BASE))),
    Kind("elf-entry-beyond-user-space", lambda: _app(_entry(NATIVE, 0xFFFF800000000000))),
    Kind("elf-segment-past-the-end", lambda: _app(segment(NATIVE, 0, filesz=0x10000, memsz=0x10000))),
    Kind("elf-segment-page-past-the-end", lambda: _app(segment(NATIVE, 0, filesz=0x900, memsz=0x900))),
    Kind("elf-segment-starts-past-the-end", lambda: _app(segment(NATIVE, 0, offset=0x10000))),
    Kind("elf-segment-more-file-than-memory", lambda: _app(segment(NATIVE, 0, memsz=16))),
    Kind("elf-segment-more-memory", lambda: _app(segment(NATIVE, 0, memsz=0x8000))),
    Kind("elf-segment-no-bytes", lambda: _app(segment(NATIVE, 0, filesz=0))),
    Kind("elf-segment-huge", lambda: _app(segment(NATIVE, 0, memsz=1 << 47))),
    Kind("elf-segment-not-congruent", lambda: _app(segment(NATIVE, 0, vaddr=BASE + 0x10))),
    Kind("elf-segment-align-zero", lambda: _app(segment(NATIVE, 0, align=0))),
    Kind("elf-segment-align-odd", lambda: _app(segment(NATIVE, 0, align=3))),
    Kind("elf-segment-align-2-mb", lambda: _app(segment(NATIVE, 0, align=0x200000))),
    Kind("elf-segment-at-zero", lambda: _app(_entry(segment(NATIVE, 0, vaddr=0), 120))),
    Kind("elf-segment-too-high", lambda: _app(segment(NATIVE, 0, vaddr=0xFFFF800000000000))),
    Kind("elf-pie-segment-align-2-mb", lambda: _app(segment(PIE, 0, align=0x200000))),
    Kind("elf-note-beside", lambda: _app(_with_second(PT_NOTE))),
    Kind("elf-note-past-the-end", lambda: _app(_with_second(PT_NOTE, offset=1 << 20))),
    Kind("elf-unknown-segment-beside", lambda: _app(_with_second(0x70000001))),
    Kind("elf-loader-name-empty", lambda: plain({"app": _with_second(PT_INTERP, filesz=0)})),
    Kind("elf-loader-name-one-byte", lambda: plain({"app": _with_second(PT_INTERP, filesz=1)})),
    Kind("elf-loader-name-past-the-end", lambda: plain({"app": _with_second(PT_INTERP, offset=1 << 20), LD: LOADER})),
    Kind("elf-loader-name-too-long", lambda: plain({"app": _with_second(PT_INTERP, filesz=5000), LD: LOADER})),
    Kind("elf-loader-name-with-nul", lambda: plain({"app": executable("amd64", SAYS, interpreter=LD + "\0/x"), LD: LOADER})),
    Kind("elf-two-loaders", lambda: _two_loaders(LOADER, with_header(FOREIGN, type=3))),
    Kind("elf-two-loaders-wrong-first", lambda: _two_loaders(with_header(FOREIGN, type=3), LOADER)),
    Kind("elf-loader-static", lambda: plain({"app": executable("amd64", SAYS, interpreter=LD), LD: with_header(LOADER, type=2)})),
    Kind("elf-loader-386", lambda: plain({"app": executable("amd64", SAYS, interpreter=LD), LD: with_header(executable("386", SAYS), type=3)})),
    Kind("elf-loader-is-the-program", lambda: plain({"app": with_header(executable("amd64", SAYS, interpreter="/app"), type=3)})),
    Kind("elf-loader-asks-for-a-loader", lambda: plain({"app": executable("amd64", SAYS, interpreter=LD), LD: with_header(executable("amd64", SAYS, interpreter="/no"), type=3)})),
    Kind("elf-loader-no-headers", lambda: plain({"app": executable("amd64", SAYS, interpreter=LD), LD: with_header(LOADER, phnum=0)})),
    Kind("elf-loader-loop", lambda: plain({"app": executable("amd64", SAYS, interpreter=LD), LD: File(link=LD)})),
    Kind("elf-isa-baseline", lambda: _app(_isa_note(1))),
    Kind("elf-isa-v2", lambda: _app(_isa_note(2))),
    Kind("elf-isa-v3", lambda: _app(_isa_note(4))),
    Kind("elf-many-headers", lambda: _app(with_header(NATIVE, phnum=0xFFFF))),
    Kind("elf-headers-larger-than-the-file", lambda: _app(with_header(NATIVE, phnum=64))),
    Kind("elf-headers-unaligned", lambda: _app(NATIVE + b"x" + b"\0" * 8)),
    Kind("elf-of-64-bytes", lambda: _app(NATIVE[:64])),
    Kind("elf-of-120-bytes", lambda: _app(NATIVE[:120])),
    Kind("elf-bytes-behind", lambda: _app(NATIVE + b"an appended archive")),
    Kind("elf-upper-case-magic", lambda: _app(b"\x7felf" + NATIVE[4:])),
)  # fmt: skip
