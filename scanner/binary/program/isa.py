"""The CPU level or version that a binary demands beyond its machine, as the file itself tells it."""

from __future__ import annotations

import re
import struct
from types import MappingProxyType
from typing import TYPE_CHECKING

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

SHT_ARM_ATTRIBUTES = 0x70000003
NT_GNU_PROPERTY_TYPE_0 = 5
GNU_PROPERTY_X86_ISA_1_NEEDED = 0xC0008002

_ARM_OF_TAG: Mapping[int, str] = MappingProxyType({
    3: "v5", 4: "v5", 5: "v5", 6: "v6", 7: "v6", 8: "v6", 9: "v6", 10: "v7", 11: "v6", 12: "v6", 13: "v7", 14: "v8",
    15: "v8", 16: "v8", 17: "v8", 21: "v8",
})  # fmt: skip
"""Tag_CPU_arch of the ARM EABI (addenda32): v5T 3, v5TE 4, v5TEJ 5, v6 6, v6KZ 7, v6T2 8, v6K 9, v7 10, v8-A 14."""

_TAG_CPU_ARCH = 6
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
    if attributes[:1] != b"A":
        return ""
    at = 1
    while at + 4 < len(attributes):
        size = int.from_bytes(attributes[at : at + 4], "little")
        vendor, _, rest = attributes[at + 4 : at + size].partition(b"\0")
        if vendor == b"aeabi":
            return _arm_of_file(rest)
        if size < 5:  # noqa: PLR2004 - its own length and an empty vendor
            return ""
        at += size
    return ""


def _arm_of_file(rest: bytes) -> str:
    """The whole-file sub-subsection: tag 1, a length, then tag and value pairs."""
    if rest[:1] != b"\x01":
        return ""
    end = int.from_bytes(rest[1:5], "little")
    pairs, at = rest[:end], 5
    while at < len(pairs):
        tag, at = _uleb128(pairs, at)
        if tag == _TAG_CPU_ARCH:
            return _ARM_OF_TAG.get(_uleb128(pairs, at)[0], "")
        at = _skip_value(pairs, at, tag)
    return ""


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


def go_arm_variant(settings: Mapping[str, str]) -> str:
    """``v5`` to ``v7`` of GOARM, which may read ``7,softfloat``."""
    matched = re.fullmatch(r"([5-7])(?:,(?:soft|hard)float)?", settings.get("GOARM", ""))
    return f"v{matched[1]}" if matched else ""
