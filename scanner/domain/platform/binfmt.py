"""Tells which platforms the binfmt_misc handlers of a kernel emulate."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.facts import BinfmtEntry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.facts import Binfmt

MAX_ENTRY_CHARS = 8192
"""The kernel prints an entry into one page; anything longer is not an entry."""

FIX_BINARY = "F"
"""The flag that keeps the interpreter open, so that it is found inside a container's own root."""

_ET_EXEC, _ET_DYN = 2, 3


@dataclass(frozen=True, slots=True)
class _ElfForm:
    """What an ELF header says of an architecture."""

    bits: int
    little: bool
    machine: int
    flags: int = 0

    def header(self, kind: int) -> bytes:
        """The first bytes of a program of ELF type ``kind``, entry point and offsets left zero."""
        identity = bytes([0x7F, *b"ELF", 2 if self.bits == 64 else 1, 1 if self.little else 2, 1]).ljust(16, b"\0")  # noqa: PLR2004 - bits
        words = "QQQ" if self.bits == 64 else "III"  # noqa: PLR2004 - bits
        order = "<" if self.little else ">"
        return identity + struct.pack(f"{order}HHI{words}I", kind, self.machine, 1, 0, 0, 0, self.flags)


_ELF_FORMS: Mapping[str, _ElfForm] = MappingProxyType(
    {
        "386": _ElfForm(32, little=True, machine=3),
        "amd64": _ElfForm(64, little=True, machine=62),
        "arm": _ElfForm(32, little=True, machine=40, flags=0x05000400),
        "armbe": _ElfForm(32, little=False, machine=40, flags=0x05000400),
        "arm64": _ElfForm(64, little=True, machine=183),
        "arm64be": _ElfForm(64, little=False, machine=183),
        "loong64": _ElfForm(64, little=True, machine=258, flags=0x43),
        "mips": _ElfForm(32, little=False, machine=8, flags=0x50001004),
        "mipsle": _ElfForm(32, little=True, machine=8, flags=0x50001004),
        "mips64": _ElfForm(64, little=False, machine=8, flags=0x20000004),
        "mips64le": _ElfForm(64, little=True, machine=8, flags=0x20000004),
        "ppc": _ElfForm(32, little=False, machine=20),
        "ppc64": _ElfForm(64, little=False, machine=21, flags=1),
        "ppc64le": _ElfForm(64, little=True, machine=21, flags=2),
        "riscv": _ElfForm(32, little=True, machine=243, flags=5),
        "riscv64": _ElfForm(64, little=True, machine=243, flags=5),
        "s390": _ElfForm(32, little=False, machine=22),
        "s390x": _ElfForm(64, little=False, machine=22),
        "sparc": _ElfForm(32, little=False, machine=2),
        "sparc64": _ElfForm(64, little=False, machine=43),
    }
)
"""GOARCH to what its programs' headers look like, as compilers write them."""


def parse_entry(name: str, text: str) -> BinfmtEntry | None:
    """Read one file of /proc/sys/fs/binfmt_misc; ``None`` if it is no entry (``status``, ``register``, damage).

    Lines and flags of kernels yet to come are passed over: only what is understood is used.
    """
    if len(text) > MAX_ENTRY_CHARS:
        return None
    lines = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    if not lines or lines[0] not in (["enabled"], ["disabled"]):
        return None
    fields = {words[0].rstrip(":"): words[1].strip() if len(words) > 1 else "" for words in lines[1:]}
    if not fields.get("interpreter") and "bpf" not in fields:
        return None
    try:
        return BinfmtEntry(
            name=name,
            enabled=lines[0] == ["enabled"],
            interpreter=fields.get("interpreter", ""),
            flags=fields.get("flags", ""),
            offset=int(fields.get("offset", "0")),
            magic=bytes.fromhex(fields.get("magic", "")),
            mask=bytes.fromhex(fields.get("mask", "")),
            extension=fields.get("extension", ""),
        )
    except ValueError:
        return None


_HEADERS: Mapping[str, tuple[bytes, bytes]] = MappingProxyType(
    {architecture: (form.header(_ET_EXEC), form.header(_ET_DYN)) for architecture, form in _ELF_FORMS.items()}
)
"""Of each architecture a program at fixed addresses, then a relocatable one."""


def _takes(entry: BinfmtEntry, architecture: str) -> bool | None:
    """Whether the entry takes an architecture's programs; ``None`` if only fixed or only relocatable ones."""
    taken = {_matches(entry, header) for header in _HEADERS[architecture]}
    return taken.pop() if len(taken) == 1 else None


def _matches(entry: BinfmtEntry, header: bytes) -> bool:
    length = len(entry.magic)
    if not length or entry.offset < 0 or len(entry.mask) not in (0, length):
        return False
    seen = header[entry.offset : entry.offset + length].ljust(length, b"\0")
    differs = int.from_bytes(seen) ^ int.from_bytes(entry.magic)
    return not differs & int.from_bytes(entry.mask or b"\xff" * length)


class Handling(StrEnum):
    """What becomes of an architecture's programs in binfmt_misc."""

    UNKNOWN = "unknown"
    NONE = "none"
    USABLE = "usable"
    HOST_ONLY = "host_only"
    DISABLED = "disabled"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True)
class Emulation:
    """How a kernel handles an architecture's programs, by which entry."""

    handling: Handling
    entry: BinfmtEntry | None = None


def emulation(binfmt: Binfmt | None, architecture: str) -> Emulation:
    """What binfmt_misc does with the programs of a GOARCH inside containers.

    The entry that was registered last wins, and a directory listing does not tell which one that is: entries that
    disagree are ``UNCLEAR``, as is one that shows neither magic nor extension (a BPF program decides what it takes).
    """
    if binfmt is None:
        return Emulation(Handling.UNKNOWN)
    if architecture not in _ELF_FORMS:
        return Emulation(Handling.NONE)
    decides = next((entry for entry in binfmt.entries if binfmt.enabled and _decides_by_itself(entry)), None)
    if decides is not None:
        return Emulation(Handling.UNCLEAR, decides)
    takers = [(entry, taken) for entry in binfmt.entries if (taken := _takes(entry, architecture)) is not False]
    active = [(entry, taken) for entry, taken in takers if entry.enabled and binfmt.enabled]
    if not active:
        return Emulation(Handling.DISABLED, takers[0][0]) if takers else Emulation(Handling.NONE)
    ways = {Handling.UNCLEAR if taken is None else _way(entry) for entry, taken in active}
    return Emulation(ways.pop() if len(ways) == 1 else Handling.UNCLEAR, active[0][0])


def _decides_by_itself(entry: BinfmtEntry) -> bool:
    return entry.enabled and not entry.magic and not entry.extension


def _way(entry: BinfmtEntry) -> Handling:
    return Handling.USABLE if FIX_BINARY in entry.flags else Handling.HOST_ONLY


_QEMU_CPUS: Mapping[str, str] = MappingProxyType(
    {
        "386": "i386",
        "amd64": "x86_64",
        "arm": "arm",
        "arm64": "aarch64",
        "loong64": "loongarch64",
        "mips": "mips",
        "mipsle": "mipsel",
        "mips64": "mips64",
        "mips64le": "mips64el",
        "ppc64": "ppc64",
        "ppc64le": "ppc64le",
        "riscv64": "riscv64",
        "s390x": "s390x",
    }
)

_PLACES = (
    "/usr/bin/qemu-{}-static", "/usr/bin/qemu-{}", "/usr/local/bin/qemu-{}-static", "/usr/local/bin/qemu-{}",
    "/usr/libexec/qemu-binfmt/{}-binfmt-P",
)  # fmt: skip


def interpreters(architecture: str) -> tuple[str, ...]:
    """The paths at which Debian, Fedora, multiarch/qemu-user-static, tonistiigi/binfmt keep QEMU for a GOARCH."""
    cpu = _QEMU_CPUS.get(architecture)
    return tuple(place.format(cpu) for place in _PLACES) if cpu else ()


def emulator_name(entry: BinfmtEntry) -> str:
    """What people call the emulator behind an entry, by its interpreter's path."""
    path = entry.interpreter.lower()
    for word, name in _EMULATORS:
        if word in path:
            return name
    return entry.name


_EMULATORS = (("qemu", "QEMU"), ("rosetta", "Rosetta"), ("fex", "FEX"), ("box64", "box64"), ("box86", "box86"))
