"""Tiny static executables for each architecture, assembled by hand so that no compiler is needed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

BASE = 0x400000
"""Where the one segment is loaded; any page-aligned address that the kernel lets programs map."""
PAGE = 0x10000
"""The largest page size of the architectures here (arm64 with 64 KiB pages)."""


class Machine(NamedTuple):
    """What the ELF header says of an architecture; ``code`` makes the program: address and length of the text, forever."""

    number: int
    bits: int
    order: str
    flags: int
    code: Callable[[int, int, int, bool], bytes]


def _amd64(here: int, text: int, length: int, forever: bool) -> bytes:
    say = b"\xb8\x01\0\0\0" + b"\xbf\x01\0\0\0" + b"\x48\x8d\x35" + struct.pack("<i", text - (here + 17))
    say += b"\xba" + struct.pack("<I", length) + b"\x0f\x05"
    pause = b"\xb8\x22\0\0\0\x0f\x05\xeb\xf7"
    leave = b"\xb8\x3c\0\0\0\x31\xff\x0f\x05"
    return say + (pause if forever else leave)


def _386(_here: int, text: int, length: int, forever: bool) -> bytes:
    say = (
        b"\xb8\x04\0\0\0\xbb\x01\0\0\0\xb9"
        + struct.pack("<I", text)
        + b"\xba"
        + struct.pack("<I", length)
        + b"\xcd\x80"
    )
    return say + (b"\xb8\x1d\0\0\0\xcd\x80\xeb\xf7" if forever else b"\xb8\x01\0\0\0\x31\xdb\xcd\x80")


def _words(order: str, *words: int) -> bytes:
    return struct.pack(f"{order}{len(words)}I", *words)


def _arm64(here: int, text: int, length: int, forever: bool) -> bytes:
    def movz(register: int, value: int) -> int:
        return 0xD2800000 | value << 5 | register

    away = text - (here + 8)
    adr = 0x10000001 | (away & 3) << 29 | (away >> 2 & 0x7FFFF) << 5
    svc = 0xD4000001
    say = [movz(8, 64), movz(0, 1), adr, movz(2, length), svc]
    if forever:  # ppoll of nothing, without end
        return _words("<", *say, movz(8, 73), movz(0, 0), movz(1, 0), movz(2, 0), movz(3, 0), svc, 0x17FFFFFA)
    return _words("<", *say, movz(8, 93), movz(0, 0), svc)


def _arm(here: int, text: int, length: int, forever: bool) -> bytes:
    say = [0xE3A07004, 0xE3A00001, 0xE28F1000 | text - (here + 16), 0xE3A02000 | length, 0xEF000000]
    end = [0xE3A0701D, 0xEF000000, 0xEAFFFFFC] if forever else [0xE3A07001, 0xE3A00000, 0xEF000000]
    return _words("<", *say, *end)


def _s390x(here: int, text: int, length: int, forever: bool) -> bytes:
    say = b"\xa7\x29\0\x01" + b"\xc0\x30" + struct.pack(">i", (text - (here + 4)) // 2)
    say += b"\xa7\x49" + struct.pack(">H", length) + b"\x0a\x04"
    return say + (b"\x0a\x1d\xa7\xf4\xff\xff" if forever else b"\xa7\x29\0\0\x0a\x01")


def _riscv64(here: int, text: int, length: int, forever: bool) -> bytes:
    def li(register: int, value: int) -> int:
        return 0x13 | register << 7 | value << 20

    a0, a1, a2, a3, a7, ecall = 10, 11, 12, 13, 17, 0x73
    address = [0x17 | a1 << 7, 0x13 | a1 << 7 | a1 << 15 | (text - (here + 8)) << 20]  # auipc, addi
    say = [li(a7, 64), li(a0, 1), *address, li(a2, length), ecall]
    if forever:
        return _words("<", *say, li(a7, 73), li(a0, 0), li(a1, 0), li(a2, 0), li(a3, 0), ecall, 0x0000006F - 0)
    return _words("<", *say, li(a7, 93), li(a0, 0), ecall)


def _ppc64le(_here: int, text: int, length: int, forever: bool) -> bytes:
    say = [0x38000004, 0x38600001, 0x3C800000 | text >> 16, 0x60840000 | text & 0xFFFF, 0x38A00000 | length, 0x44000002]
    end = [0x3800001D, 0x44000002, 0x4BFFFFF8] if forever else [0x38000001, 0x38600000, 0x44000002]
    return _words("<", *say, *end)


MACHINES = {
    "amd64": Machine(62, 64, "<", 0, _amd64),
    "386": Machine(3, 32, "<", 0, _386),
    "arm64": Machine(183, 64, "<", 0, _arm64),
    "arm": Machine(40, 32, "<", 0x05000400, _arm),
    "s390x": Machine(22, 64, ">", 0, _s390x),
    "riscv64": Machine(243, 64, "<", 0x5, _riscv64),
    "ppc64le": Machine(21, 64, "<", 2, _ppc64le),
}


def executable(architecture: str, says: str = "hello", *, forever: bool = False, interpreter: str = "") -> bytes:
    """A static program for ``architecture`` that prints ``says``, then ends or (``forever``) sleeps.

    With ``interpreter`` it also asks for that loader (PT_INTERP), so that a missing or foreign one can be shown.
    """
    machine = MACHINES[architecture]
    wide = machine.bits == 64
    head, part = (64, 56) if wide else (52, 32)
    parts = 2 if interpreter else 1
    loader = interpreter.encode() + b"\0" if interpreter else b""
    start = head + parts * part
    begin = -(-(start + len(loader)) // 16) * 16
    line = says.encode() + b"\n"
    size = -(-len(machine.code(BASE, BASE + 64, len(line), forever)) // 16) * 16
    text = begin + size
    code = machine.code(BASE + begin, BASE + text, len(line), forever).ljust(size, b"\0")
    total = text + len(line)
    order, word = machine.order, "Q" if wide else "I"
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    header = ident + struct.pack(
        f"{order}HHI{word}{word}{word}IHHHHHH",
        2, machine.number, 1, BASE + begin, head, 0, machine.flags, head, part, parts, 0, 0, 0,
    )  # fmt: skip

    def segment(kind: int, offset: int, length: int, flags: int, align: int) -> bytes:
        address = BASE + offset
        if wide:
            return struct.pack(f"{order}IIQQQQQQ", kind, flags, offset, address, address, length, length, align)
        return struct.pack(f"{order}IIIIIIII", kind, offset, address, address, length, length, flags, align)

    segments = segment(3, start, len(loader), 4, 1) if interpreter else b""
    segments += segment(1, 0, total, 5, PAGE)
    return (header + segments + loader).ljust(begin, b"\0") + code + line


@pytest.fixture(scope="session")
def elf_factory() -> Callable[..., bytes]:
    """``elf_factory("arm64", says="hello", forever=True, interpreter="/lib/ld.so")``: the bytes of a program."""
    return executable
