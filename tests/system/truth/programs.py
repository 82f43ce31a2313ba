"""Executables of every sort that a kernel is ever handed: right, wrong, damaged."""

from __future__ import annotations

import struct
from functools import cache
from pathlib import Path

from tests.real.elf import executable
from tests.real.images import File

SAYS = "hello"
"""What a program prints; a container that printed this line really started."""

NATIVE = executable("amd64", SAYS)
FOREIGN = executable("arm64", SAYS)
ET_REL, ET_DYN, ET_CORE = 1, 3, 4
EM_UNKNOWN = 0x4D2
OSABI_FREEBSD = 9
_AT = {
    "class": (4, "B"),
    "order": (5, "B"),
    "osabi": (7, "B"),
    "type": (16, "H"),
    "machine": (18, "H"),
    "phoff": (32, "Q"),
    "phentsize": (54, "H"),
    "phnum": (56, "H"),
}
"""Where an ELF64 header keeps its fields, and how wide they are."""


def with_header(program: bytes, **fields: int) -> bytes:
    """The same 64-bit program with some fields of its header set otherwise."""
    changed = bytearray(program)
    for name, value in fields.items():
        at, kind = _AT[name]
        struct.pack_into(f"<{kind}", changed, at, value)
    return bytes(changed)


PIE = with_header(NATIVE, type=ET_DYN)
LOADER = PIE
"""A loader has to be position independent, for the kernel maps it beside the program."""


def asking_for(loader: str, architecture: str = "amd64") -> bytes:
    """A program that names this loader."""
    return executable(architecture, SAYS, interpreter=loader)


def without_nul(loader: str) -> bytes:
    """A program whose PT_INTERP does not end with the NUL that the kernel wants."""
    return asking_for(loader).replace(loader.encode() + b"\0", loader.encode() + b"/", 1)


def amd64_of(code: bytes) -> bytes:
    """A static program of these instructions."""
    start = 64 + 56
    size = start + len(code)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400000 + start, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return ident + header + struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, size, size, 0x1000) + code


WRAPPER = amd64_of(bytes.fromhex(
    "488b0424"    # mov rax, [rsp]: argc
    "488d742410"  # lea rsi, [rsp+16]: argv + 1
    "488d54c410"  # lea rdx, [rsp+rax*8+16]: envp
    "488b3e"      # mov rdi, [rsi]
    "803f2d"      # cmp byte [rdi], '-'
    "7506"        # jne to execve
    "4883c608"    # add rsi, 8: the next word
    "ebf2"        # jmp to mov rdi
    "b83b0000000f05"  # execve
    "bf7e000000b83c0000000f05"  # exit(126)
))  # fmt: skip
"""Execs its arguments after its options, as tini does."""

ILLEGAL = amd64_of(bytes.fromhex("0f0b"))
"""Dies of an instruction that no CPU knows, as a program for a newer CPU does."""

ENDLESS = executable("amd64", SAYS, forever=True)


@cache
def debian() -> dict[str, bytes | File]:
    """A shell and env with their loader and C library from this machine, below a merged /usr."""
    return {
        "bin": File(link="usr/bin"),
        "lib": File(link="usr/lib"),
        "lib64": File(link="usr/lib64"),
        "usr/bin/dash": Path("/bin/dash").read_bytes(),
        "usr/bin/sh": File(link="dash"),
        "usr/bin/env": Path("/usr/bin/env").read_bytes(),
        "usr/lib64/ld-linux-x86-64.so.2": Path("/lib64/ld-linux-x86-64.so.2").read_bytes(),
        "usr/lib/x86_64-linux-gnu/libc.so.6": Path("/lib/x86_64-linux-gnu/libc.so.6").read_bytes(),
    }
