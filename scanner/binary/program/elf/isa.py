"""The CPU level or version that a binary demands beyond its machine, as the file itself tells it."""

from __future__ import annotations

import re
import struct
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.platform.cpu import RISCV_PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_NOTE_BYTES = 64 * 1024
"""Of one note segment; the linker's own are below 200 bytes."""

MAX_BUILDINFO_WINDOW = 1024 * 1024
"""Of the first writable segment; the Go linker puts its build settings at the very start of it."""

MAX_BUILDINFO_BYTES = 256 * 1024
"""Of Go's list of modules and settings: the largest public programs (Kubernetes, Terraform) stay below 64 KiB."""

MAX_ATTRIBUTES_BYTES = 64 * 1024
"""Of .ARM.attributes; the linker's own are below 100 bytes."""

MAX_SECTION_TABLE_BYTES = 64 * 1024
"""Of a section header table of a 32-bit file: 1,638 sections, where the linker makes 40."""

SHT_ATTRIBUTES = 0x70000003
"""SHT_ARM_ATTRIBUTES, SHT_RISCV_ATTRIBUTES and PT_RISCV_ATTRIBUTES: all have this number."""

_FLOOR_MARKS = (b"CPU does not support x86-64-v", b" or later required)")
"""What each of its matches holds: looking for them alone is quicker by far."""
_FLOOR = re.compile(
    rb"CPU does not support x86-64-(v[2-4])|\((POWER(?:8|9|10|11)|z(?:13|14|15|16|17)) or later required\)"
)
"""What a glibc says that was built for a minimum CPU, in the loader that refuses to go on (rtld.c, dl-hwcap-check.h)."""
NT_IDENTIFICATION = 1
"""NT_FREEBSD_ABI_TAG, ELF_NOTE_TYPE_NETBSD_TAG, NT_OPENBSD_IDENT, DragonFly's own: all have this number."""
NT_GNU_PROPERTY_TYPE_0 = 5
GNU_PROPERTY_X86_ISA_1_NEEDED = 0xC0008002

_OWNERS: Mapping[bytes, str] = MappingProxyType(
    {b"FreeBSD": "freebsd", b"NetBSD": "netbsd", b"OpenBSD": "openbsd", b"DragonFly": "dragonfly"}
)
OTHER_SYSTEMS = frozenset({*_OWNERS.values(), "solaris", "illumos"})
"""Systems for which Go makes ELF files, but that Linux does not stand in for (Android's it does)."""

_ARM_OF_TAG: Mapping[int, str] = MappingProxyType({
    3: "v5", 4: "v5", 5: "v5", 6: "v6", 7: "v6", 8: "v6", 9: "v6", 10: "v7", 11: "v6", 12: "v6", 13: "v7", 14: "v8",
    15: "v8", 16: "v8", 17: "v8", 21: "v8",
})  # fmt: skip
"""Tag_CPU_arch of the ARM EABI (addenda32): v5T 3, v5TE 4, v5TEJ 5, v6 6, v6KZ 7, v6T2 8, v6K 9, v7 10, v8-A 14."""

_TAG_CPU_ARCH = 6
_TAG_RISCV_ARCH = 5
_RVA20 = frozenset(
    [
        "i",
        "e",
        "m",
        "a",
        "f",
        "d",
        "c",
        "g",
        "zicsr",
        "zicntr",
        "zifencei",
        "ziccif",
        "ziccrse",
        "ziccamoa",
        "za128rs",
        "za64rs",
        "zicclsm",
        "zmmul",
        "zaamo",
        "zalrsc",
        "zca",
        "zcd",
        "zihintpause",
        "zihpm",
        "zicbop",
        "zic64b",
        "zkt",
        "zihintntl",
    ]
) | {""}
"""RVA20's own, what they consist of, besides hints that every machine may pass over."""
_RVA22 = RISCV_PROFILES["rva22u64"] | {"b"}
_RVA23 = RISCV_PROFILES["rva23u64"] | frozenset(
    ["zve32f", "zve32x", "zve64d", "zve64f", "zve64x", "zvl32b", "zvl64b", "zvl128b", "zvkb", "zvkt", "zvfh"]
)
_STRING_TAGS = frozenset({4, 5, 67})
_COMPATIBILITY_TAG = 32
_BUILDINFO_MAGIC = b"\xff Go buildinf:"
_BUILD_SETTING = re.compile(rb"(?m)^build\t([A-Za-z0-9_]{1,32})=([^\n]{0,64})")


def x86_level(notes: bytes, prefix: str) -> int:
    """The x86-64 level 1 to 4 of GNU_PROPERTY_X86_ISA_1_NEEDED in a note segment, 0 where it is not there."""
    level = 0
    for owner, kind, description in _each_note(notes, prefix):
        if owner == b"GNU" and kind == NT_GNU_PROPERTY_TYPE_0:
            level = max(level, _isa_of(description, prefix))
    return level


def system_of(notes: bytes, prefix: str) -> str:
    """The BSD whose identification is in a note segment (its kernel asks for that note), empty where none is."""
    named = (owner for owner, kind, _ in _each_note(notes, prefix) if kind == NT_IDENTIFICATION)
    return next((_OWNERS[owner] for owner in named if owner in _OWNERS), "")


def _each_note(notes: bytes, prefix: str) -> list[tuple[bytes, int, bytes]]:
    found, at = [], 0
    while at + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from(prefix + "III", notes, at)
        start = at + 12 + _aligned(name_size, 4)
        end = start + size
        if end > len(notes):
            break
        found.append((notes[at + 12 : at + 12 + name_size].rstrip(b"\0"), kind, notes[start:end]))
        at = start + _aligned(size, 4)
    return found


def _isa_of(description: bytes, prefix: str) -> int:
    at = 0
    while at + 8 <= len(description):
        kind, size = struct.unpack_from(prefix + "II", description, at)
        value = description[at + 8 : at + 12]
        if kind == GNU_PROPERTY_X86_ISA_1_NEEDED and size == 4 and len(value) == 4:  # noqa: PLR2004 - one word
            return (int(struct.unpack(prefix + "I", value)[0]) & 0xF).bit_length()
        at += 8 + _aligned(size, 8)
    return 0


def _aligned(size: int, to: int) -> int:
    return (size + to - 1) // to * to


def arm_variant(attributes: bytes) -> str:
    """``v5`` to ``v8`` by Tag_CPU_arch of the section .ARM.attributes, empty where it does not tell."""
    pairs, at = _of_file(_of_vendor(attributes, b"aeabi")), 5
    while at < len(pairs):
        tag, at = _uleb128(pairs, at)
        if tag == _TAG_CPU_ARCH:
            return _ARM_OF_TAG.get(_uleb128(pairs, at)[0], "")
        at = _skip_value(pairs, at, tag)
    return ""


def riscv_profile(attributes: bytes) -> str:
    """The oldest RVA profile with every extension of Tag_RISCV_arch, empty for RVA20 or where it does not tell.

    An extension of no profile stands for itself, so that no machine is known to have it.
    """
    pairs, at = _of_file(_of_vendor(attributes, b"riscv")), 5
    while at < len(pairs):
        tag, at = _uleb128(pairs, at)
        if tag == _TAG_RISCV_ARCH:
            return _profile_of(pairs[at:].partition(b"\0")[0].decode("ascii", "replace"))
        if tag % 2:
            nul = pairs.find(b"\0", at)
            at = len(pairs) if nul < 0 else nul + 1
        else:
            at = _uleb128(pairs, at)[1]
    return ""


def _profile_of(arch: str) -> str:
    """``rv64i2p1_m2p0_zba1p0``: each extension with its version."""
    extensions = {
        re.sub(r"(?<![0-9])[0-9]+p[0-9]+$", "", word) for word in arch.lower().removeprefix("rv64").split("_")
    }
    beyond = extensions - _RVA20
    if beyond - _RVA22 - _RVA23:
        return min(beyond - _RVA22 - _RVA23)
    if beyond & _RVA23:
        return "rva23u64"
    return "rva22u64" if beyond else ""


def _of_vendor(attributes: bytes, wanted: bytes) -> bytes:
    """What one vendor says in a section of build attributes (ARM's addenda32, which RISC-V took over)."""
    if attributes[:1] != b"A":
        return b""
    at = 1
    while at + 4 < len(attributes):
        size = int.from_bytes(attributes[at : at + 4], "little")
        vendor, _, rest = attributes[at + 4 : at + size].partition(b"\0")
        if vendor == wanted:
            return rest
        if size < 5:  # noqa: PLR2004 - its own length and an empty vendor
            return b""
        at += size
    return b""


def _of_file(rest: bytes) -> bytes:
    """The whole-file sub-subsection: tag 1, a length, then tag and value pairs from the sixth byte on."""
    return rest[: int.from_bytes(rest[1:5], "little")] if rest[:1] == b"\x01" else b""


def _skip_value(pairs: bytes, at: int, tag: int) -> int:
    if tag == _COMPATIBILITY_TAG:
        at = _uleb128(pairs, at)[1]
    if tag == _COMPATIBILITY_TAG or tag in _STRING_TAGS or (tag > _COMPATIBILITY_TAG and tag % 2):
        nul = pairs.find(b"\0", at)
        return len(pairs) if nul < 0 else nul + 1
    return _uleb128(pairs, at)[1]


def _uleb128(raw: bytes, at: int) -> tuple[int, int]:
    """One unsigned LEB128 number of at most 64 bits; a cut one counts as it stands."""
    value = shift = 0
    while at < len(raw) and shift < 64:  # noqa: PLR2004 - bits
        value |= (raw[at] & 0x7F) << shift
        at += 1
        if not raw[at - 1] & 0x80:
            break
        shift += 7
    return value, at


def go_build_settings(window: bytes) -> Mapping[str, str]:
    """The ``build NAME=value`` settings of Go's inline build info (Go 1.18 and newer), searched at 16-byte steps."""
    at = window.find(_BUILDINFO_MAGIC)
    while at >= 0:
        if at % 16 == 0 and at + 32 < len(window) and window[at + 15] & 2:
            version, after = _go_string(window, at + 32)
            if version.startswith((b"go", b"devel")):
                return _settings_of(_go_string(window, after)[0])
        at = window.find(_BUILDINFO_MAGIC, at + 1)
    return {}


def _go_string(window: bytes, at: int) -> tuple[bytes, int]:
    length, start = _uleb128(window, at)
    end = start + min(length, MAX_BUILDINFO_BYTES)
    return window[start:end], end


def _settings_of(modules: bytes) -> Mapping[str, str]:
    return {name.decode(): value.decode("ascii", "replace") for name, value in _BUILD_SETTING.findall(modules)}


def go_amd64_level(settings: Mapping[str, str]) -> int:
    """1 to 4 of GOAMD64, 0 where it is not said."""
    matched = re.fullmatch(r"v([1-4])", settings.get("GOAMD64", ""))
    return int(matched[1]) if matched else 0


def loader_floor(content: bytes) -> str:
    """The highest CPU level that a loader's own texts demand, as a variant; empty where there is none."""
    if not any(mark in content for mark in _FLOOR_MARKS):
        return ""
    found = {(match[1] or match[2]).decode().replace("POWER", "power") for match in _FLOOR.finditer(content)}
    return max(found, key=lambda name: (len(name), name), default="")


def go_variant(goarch: str, settings: Mapping[str, str]) -> str:
    """The level that GOPPC64, GORISCV64 or GOARM64 names, empty for the oldest of each."""
    match goarch:
        case "ppc64" | "ppc64le":
            said = settings.get("GOPPC64", "")
            return said if re.fullmatch(r"power(?:9|1[0-9])", said) else ""
        case "riscv64":
            said = settings.get("GORISCV64", "")
            return said if re.fullmatch(r"rva2[2-9]u64", said) else ""
        case "arm64":
            matched = re.fullmatch(r"(v[89])\.([0-9])(?:,.*)?", settings.get("GOARM64", ""))
            version = f"{matched[1]}.{matched[2]}".removesuffix(".0") if matched else ""
            return "" if version == "v8" else version
    return ""


def go_arm_variant(settings: Mapping[str, str]) -> str:
    """``v5`` to ``v7`` of GOARM, which may read ``7,softfloat``."""
    matched = re.fullmatch(r"([5-7])(?:,(?:soft|hard)float)?", settings.get("GOARM", ""))
    return f"v{matched[1]}" if matched else ""
