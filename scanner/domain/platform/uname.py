"""Which platform the words of uname stand for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.platform.cpu import arm_variant_of_machine
from scanner.domain.platform.platform import Platform, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping


class Certainty(StrEnum):
    """How much a machine name proves."""

    EXACT = "exact"
    NEEDS_VARIANT = "needs-variant"
    NEEDS_PROBE = "needs-probe"
    ALIAS = "alias"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Machine:
    """What ``uname`` proves of a host.

    ``platform`` is canonical; ``None`` where the name stands for none or for several: those are ``candidates``.
    """

    certainty: Certainty
    platform: Platform | None = None
    candidates: tuple[str, ...] = ()
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Name:
    certainty: Certainty
    architecture: str = ""
    detail: str = ""
    candidates: tuple[str, ...] = ()


_EXACT, _VARIANT, _PROBE = Certainty.EXACT, Certainty.NEEDS_VARIANT, Certainty.NEEDS_PROBE
_ALIAS, _UNSUPPORTED = Certainty.ALIAS, Certainty.UNSUPPORTED
_BIG_ENDIAN = "big-endian ARM, for which there are no usual images"
_NO_IMAGES = "no container engine or no images exist for it"

_LINUX: Mapping[str, _Name] = MappingProxyType(
    {
        "x86_64": _Name(_VARIANT, "amd64", "the level is in the CPU's flags"),
        "amd64": _Name(_ALIAS, "amd64", "Linux itself never says amd64"),
        "i386": _Name(_EXACT, "386"),
        "i486": _Name(_EXACT, "386"),
        "i586": _Name(_EXACT, "386"),
        "i686": _Name(_PROBE, "386", "also what a 64-bit kernel shows to 32-bit programs"),
        "aarch64": _Name(_PROBE, "arm64", "the userland and the engine may be 32-bit"),
        "arm64": _Name(_ALIAS, "arm64", "Linux itself never says arm64"),
        "aarch64_be": _Name(_UNSUPPORTED, "arm64be", _BIG_ENDIAN),
        "ppc64le": _Name(_VARIANT, "ppc64le", "the POWER generation is in /proc/cpuinfo"),
        "ppc64": _Name(_EXACT, "ppc64"),
        "ppc": _Name(_EXACT, "ppc"),
        "ppcle": _Name(_UNSUPPORTED, "ppc", "what a ppc64le kernel shows to 32-bit programs"),
        "s390x": _Name(_EXACT, "s390x"),
        "s390": _Name(_PROBE, "s390", "also what an s390x kernel shows to 31-bit programs"),
        "riscv64": _Name(_VARIANT, "riscv64", "the profile is in /proc/cpuinfo"),
        "riscv": _Name(_PROBE, "riscv", "also what a riscv64 kernel shows to 32-bit programs"),
        "riscv32": _Name(_UNSUPPORTED, "riscv", _NO_IMAGES),
        "loongarch64": _Name(_EXACT, "loong64"),
        "mips64": _Name(_PROBE, "", "the name does not tell the byte order", ("mips64", "mips64le")),
        "mips": _Name(_PROBE, "", "the name does not tell the byte order", ("mips", "mipsle")),
        "sparc64": _Name(_UNSUPPORTED, "sparc64", _NO_IMAGES),
        "sparc": _Name(_UNSUPPORTED, "sparc", _NO_IMAGES),
        "um": _Name(_UNSUPPORTED, "", "user-mode Linux does not tell its CPU"),
    }
)

_FOREIGN: Mapping[str, Mapping[str, _Name]] = MappingProxyType(
    {
        "darwin": {
            "arm64": _Name(_EXACT, "arm64", "containers run in a Linux VM: its engine knows"),
            "x86_64": _Name(_PROBE, "amd64", "may be a shell translated by Rosetta on Apple silicon"),
            "i386": _Name(_UNSUPPORTED, "386"),
            "power macintosh": _Name(_UNSUPPORTED, "ppc"),
        },
        "freebsd": {
            "amd64": _Name(_EXACT, "amd64"),
            "arm64": _Name(_EXACT, "arm64"),
            "i386": _Name(_EXACT, "386"),
            "arm": _Name(_PROBE, "arm", "uname -p tells the version"),
            "riscv": _Name(_PROBE, "riscv64", "uname -p tells the width"),
            "powerpc": _Name(_PROBE, "", "uname -p tells width and byte order", ("ppc", "ppc64", "ppc64le")),
        },
        "windows": {
            "amd64": _Name(_EXACT, "amd64"),
            "arm64": _Name(_EXACT, "arm64"),
            "x86": _Name(_PROBE, "386", "PROCESSOR_ARCHITEW6432 tells the machine to 32-bit programs"),
            "x86_64": _Name(_PROBE, "amd64", "the shell may be emulated on Windows on ARM"),
        },
        "openbsd": {"amd64": _Name(_UNSUPPORTED, "amd64", _NO_IMAGES)},
        "netbsd": {"amd64": _Name(_UNSUPPORTED, "amd64", _NO_IMAGES)},
        "dragonfly": {"x86_64": _Name(_UNSUPPORTED, "amd64", _NO_IMAGES)},
        "solaris": {},
    }
)

_UNUSUAL_LINUX = frozenset({
    "alpha", "arc", "blackfin", "c6x", "cris", "csky", "e2k", "frv", "h8300", "hexagon", "ia64", "loongarch32", "m32r",
    "m68k", "metag", "microblaze", "mn10300", "nios2", "openrisc", "parisc", "parisc64", "score", "sh4", "sh4a",
    "sh4eb", "tile", "tilegx", "unicore32", "xtensa",
})  # fmt: skip
"""Machines that Linux runs or ran on, and no container engine."""

_ARM = re.compile(r"armv([3-8])[a-z]*", re.ASCII)
_WINDOWS_SHELL = re.compile(r"(?:mingw\w*|msys|cygwin)_nt", re.ASCII)
_SYSTEMS = {"sunos": "solaris", "macos": "darwin"}
_OLDEST_SUPPORTED_ARM = "v5"

_ARM_BIG_ENDIAN_SUFFIX = "b"


def from_uname(system: str, machine: str, byte_order: str | None = None) -> Machine:
    """What ``uname -s`` and ``uname -m`` stand for; spaces and a terminal's carriage returns are forgiven.

    Args:
        system: ``uname -s``, or ``Windows``.
        machine: ``uname -m``, or PROCESSOR_ARCHITECTURE on Windows.
        byte_order: ``little`` or ``big`` where something told it: a MIPS machine name does not.
    """
    os, name = _system(system), machine.strip().lower()
    if name in ("", "unknown") or not os:
        return Machine(Certainty.UNKNOWN, detail=f"uname said {machine.strip()!r} on {system.strip()!r}")
    found = _linux(name) if os == "linux" else _elsewhere(os, name)
    if found is None:
        return Machine(Certainty.UNKNOWN, detail=f"{machine.strip()!r} is no machine name that is known")
    if found.certainty is _EXACT and os == "linux" and machine.strip() != name:
        found = _Name(_ALIAS, found.architecture, "Linux itself writes it in small letters")
    return _resolved(os, name, found, byte_order)


def _system(text: str) -> str:
    name = text.strip().lower()
    return "windows" if _WINDOWS_SHELL.match(name) else _SYSTEMS.get(name, name)


def _linux(name: str) -> _Name | None:
    if name in _UNUSUAL_LINUX:
        return _Name(_UNSUPPORTED, "", _NO_IMAGES)
    if not _ARM.fullmatch(name):
        return _LINUX.get(name)
    if name.endswith(_ARM_BIG_ENDIAN_SUFFIX):
        return _Name(_UNSUPPORTED, "armbe", _BIG_ENDIAN)
    if (arm_variant_of_machine(name) or "") < _OLDEST_SUPPORTED_ARM:
        return _Name(_UNSUPPORTED, "arm", "older than any image is built for")
    return _Name(_EXACT, "arm")


def _elsewhere(os: str, name: str) -> _Name | None:
    known = _FOREIGN.get(os)
    if known is None:
        return None
    return known.get(name) or (None if os in ("darwin", "freebsd", "windows") else _Name(_UNSUPPORTED, "", _NO_IMAGES))


def _resolved(os: str, name: str, found: _Name, byte_order: str | None) -> Machine:
    if found.candidates and byte_order in ("little", "big"):
        little = byte_order == "little"
        fitting = [c for c in found.candidates if c.endswith("le") is little and os == "linux"]
        if len(fitting) == 1:
            return Machine(_EXACT, Platform(os, fitting[0]), detail=f"{byte_order}-endian")
    if not found.architecture:
        return Machine(found.certainty, None, found.candidates, found.detail)
    return Machine(found.certainty, _platform(os, name, found.architecture), detail=found.detail)


def _platform(os: str, name: str, architecture: str) -> Platform:
    """Canonical, and an ARM machine whose name tells no version has none: v7 would be a guess."""
    if architecture in ("arm", "armbe"):
        return Platform(os, architecture, arm_variant_of_machine(name) or "")
    return canonical(Platform(os, architecture))
