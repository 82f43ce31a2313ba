"""Which CPU the first bytes of an ELF file name, as Go spells it."""

from __future__ import annotations

import struct
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.platform.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC = b"\x7fELF"
EM_MIPS = 8
EF_MIPS_ABI2 = 0x20
_HEADERS = {1: (32, "HHIIIII"), 2: (64, "HHIQQQI")}
_ORDERS = {1: ("little", "<"), 2: ("big", ">")}
_IDENT_BYTES = 16
_WIDE = 64

GOARCH: Mapping[tuple[int, int, str], str] = MappingProxyType({
    (62, 64, "little"): "amd64",
    (3, 32, "little"): "386",
    (6, 32, "little"): "386",  # EM_486, which the kernel's i386 loader takes
    (40, 32, "little"): "arm",
    (40, 32, "big"): "armbe",
    (183, 64, "little"): "arm64",
    (183, 64, "big"): "arm64be",
    (21, 64, "little"): "ppc64le",
    (21, 64, "big"): "ppc64",
    (20, 32, "big"): "ppc",
    (22, 64, "big"): "s390x",
    (22, 32, "big"): "s390",
    (243, 64, "little"): "riscv64",
    (243, 32, "little"): "riscv",
    (258, 64, "little"): "loong64",
    (8, 64, "little"): "mips64le",
    (8, 64, "big"): "mips64",
    (8, 32, "little"): "mipsle",
    (8, 32, "big"): "mips",
    (10, 32, "little"): "mipsle",  # EM_MIPS_RS3_LE, legacy
    (43, 64, "big"): "sparc64",
    (2, 32, "big"): "sparc",
    (18, 32, "big"): "sparc",  # EM_SPARC32PLUS
})  # fmt: skip
"""Machine, class and byte order as Go names them; x32, ILP32 and the like have no name there."""


def goarch_of(machine: int, bits: int, byte_order: str, flags: int) -> str | None:
    """The GOARCH that executes an ELF file with these header fields, or ``None``."""
    if machine == EM_MIPS and bits != 64 and flags & EF_MIPS_ABI2:  # noqa: PLR2004 - a class
        return None  # n32 needs a 64-bit CPU, and Go never built for it
    return GOARCH.get((machine, bits, byte_order))


def of_narrow_pointers(machine: int, bits: int, byte_order: str) -> frozenset[str]:
    """The 64-bit CPUs of which some kernels start programs with this header, whose pointers have 32 bits.

    x32 on amd64 (CONFIG_X86_X32_ABI), ILP32 on arm64 (patches that some distributions carry), n32 on mips64.
    """
    wide = GOARCH.get((machine, _WIDE, byte_order))
    is_named = (machine, bits, byte_order) in GOARCH and machine != EM_MIPS
    return frozenset({wide}) if wide is not None and bits != _WIDE and not is_named else frozenset()


def described(machine: int, bits: int, byte_order: str) -> str:
    """What an ELF file that no GOARCH executes is for: an unknown machine, or a known one in another class or byte order."""
    usual = {
        name: f"{width}-bit and {order}-endian" for (number, width, order), name in GOARCH.items() if number == machine
    }
    if not usual:
        return f"for ELF machine {machine}, which no known platform executes"
    if (machine, bits, byte_order) in GOARCH:
        return f"for {GOARCH[machine, bits, byte_order]}'s CPU (ELF machine {machine}), in an ABI that no known platform executes"
    known = "; ".join(f"{name} is {form}" for name, form in usual.items())
    return f"{bits}-bit and {byte_order}-endian for ELF machine {machine}, of which no known platform is so ({known})"


def platform_of(head: bytes) -> Platform | None:
    """The platform that the first bytes of an executable name; ``None`` where they are no such header."""
    if not head.startswith(MAGIC) or len(head) < _IDENT_BYTES:
        return None
    header, order = _HEADERS.get(head[4]), _ORDERS.get(head[5])
    if header is None or order is None:
        return None
    layout = struct.Struct(order[1] + header[1])
    if len(head) < _IDENT_BYTES + layout.size:
        return None
    _, machine, _, _, _, _, flags = layout.unpack_from(head, _IDENT_BYTES)
    architecture = goarch_of(machine, header[0], order[0], flags)
    return Platform("linux", architecture) if architecture else None
