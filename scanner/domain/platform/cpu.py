"""CPU levels: which generation of an architecture a machine has, which one a program needs."""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

X86_LEVELS: tuple[frozenset[str], ...] = (
    frozenset(),
    frozenset({"cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"}),
    frozenset({"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"}),
    frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}),
)
"""The flags that x86-64-v1 to v4 each add, as /proc/cpuinfo spells them (x86-64 psABI, micro-architecture levels).

OSXSAVE is not printed there: ``xsave`` stands for it, and the kernel lists AVX only where it saves its state.
"""

MAX_ARM_MINOR = {8: 9, 9: 7}
"""The newest minor of each ARM major that containerd knows (containerd/platforms compare.go)."""

ARM32_OF_ARM64 = ("v8", "v7", "v6", "v5")
"""The 32-bit variants that an AArch32-capable ARMv8 machine runs, best first."""

OLD_WORLD = "abi1"
"""The variant of LoongArch's first ABI, which nobody but Loongson's own systems has."""

OLD_WORLD_KERNEL = "4.19."
"""Their kernel; Linux itself knows LoongArch since ``LOONGARCH_SINCE``, with another ABI."""

LOONGARCH_SINCE = "5.19"
"""The release of Linux that brought the ABI which all others have."""

_LADDERS = {
    "amd64": ("v1", "v2", "v3", "v4"),
    "arm": ("v3", "v4", "v5", "v6", "v7", "v8"),
    "ppc64": ("power8", "power9", "power10", "power11"),
    "ppc64le": ("power8", "power9", "power10", "power11"),
    "riscv64": ("rva20u64", "rva22u64", "rva23u64"),
    "s390x": ("z10", "z196", "zEC12", "z13", "z14", "z15", "z16", "z17"),
}
_FLOORS = {"amd64": "v1", "ppc64le": "power8"}
"""The level that every machine of an architecture has: little-endian Linux never ran on less than POWER8."""

_FLOOR_ONLY = frozenset({"riscv64"})
"""Where a machine's level is a promise rather than a limit: an RVA20 machine may have what RVA22 asks for."""

_ARM_VARIANTS = {
    "8": "v8", "aarch64": "v8",
    "7": "v7", "7m": "v7", "?(12)": "v7", "?(13)": "v7", "?(14)": "v7", "?(15)": "v7", "?(16)": "v7", "?(17)": "v7",
    "6": "v6", "6tej": "v6",
    "5": "v5", "5t": "v5", "5te": "v5", "5tej": "v5",
    "4": "v4", "4t": "v4",
    "3": "v3",
}  # fmt: skip

_Z_MACHINES = {
    "2097": "z10", "2098": "z10", "2817": "z196", "2818": "z196", "2827": "zEC12", "2828": "zEC12", "2964": "z13",
    "2965": "z13", "3906": "z14", "3907": "z14", "8561": "z15", "8562": "z15", "3931": "z16", "3932": "z16",
    "9175": "z17", "9176": "z17",
}  # fmt: skip
"""Machine types of IBM Z and LinuxONE (Linux arch/s390/kernel/processor.c, setup_elf_platform)."""

RISCV_PROFILES: Mapping[str, frozenset[str]] = MappingProxyType({
    "rva22u64": frozenset({"zba", "zbb", "zbs", "zfhmin", "zicbom", "zicboz"}),
    "rva23u64": frozenset({"v", "zvfhmin", "zvbb", "zicond", "zimop", "zcmop", "zcb", "zfa", "zawrs"}),
})  # fmt: skip
"""The extensions with instructions of their own that each RVA profile adds (RISC-V profiles, RVA22 and RVA23)."""

_RISCV_ISA = re.compile(r"rv64([a-z]*)((?:_[a-z0-9]+)*)", re.ASCII)
_POWER = re.compile(r"POWER([0-9]{1,2})", re.ASCII | re.IGNORECASE)
_Z_MACHINE = re.compile(r"\bmachine = ([0-9]{4})\b", re.ASCII)
_ARM_MACHINE = re.compile(r"armv([3-8]).*", re.ASCII | re.DOTALL)
_ARM64_VARIANT = re.compile(r"v([89])(?:\.([0-9]))?", re.ASCII)


def x86_level_of_flags(flags: Iterable[str]) -> int | None:
    """The x86-64 level, 1 to 4, that /proc/cpuinfo's flags add up to; ``None`` where there are no flags.

    Levels are cumulative: AVX-512 without AVX is level 2.
    """
    present = frozenset(flags)
    if not present:
        return None
    level = 0
    for added in X86_LEVELS:
        if not added <= present:
            break
        level += 1
    return level


def arm_variant_of_cpuinfo(
    cpu_architecture: str, model_name: str | None = None, architecture: str = "arm"
) -> str | None:
    """The ARM variant that an engine of GOARCH ``architecture`` reads from /proc/cpuinfo; ``None`` if it cannot tell.

    The kernel says 7 on the ARMv6 of a Raspberry Pi 1 or Zero, so the model name overrules it there
    (containerd/platforms cpuinfo_linux.go).
    """
    variant = _ARM_VARIANTS.get(cpu_architecture.strip().lower())
    is_pi_zero = (model_name or "").strip().lower().startswith("armv6-compatible")
    if architecture == "arm" and cpu_architecture.strip() == "7" and is_pi_zero:
        return "v6"
    return variant


def arm_variant_of_machine(machine: str) -> str | None:
    """The ARM variant in a name of ``uname -m``, for machines whose /proc/cpuinfo does not say (emulated ones)."""
    name = machine.strip().lower()
    if name == "aarch64":
        return "v8"
    found = _ARM_MACHINE.fullmatch(name)
    return f"v{found[1]}" if found else None


def power_of_cpuinfo(cpu: str) -> str | None:
    """``power9`` of ``POWER9 (architected), altivec supported``, the line ``cpu`` of /proc/cpuinfo."""
    found = _POWER.match(cpu.strip())
    named = f"power{found[1]}" if found else ""
    return named if named in _LADDERS["ppc64le"] else None


def z_of_cpuinfo(processor: str) -> str | None:
    """``z14`` of ``version = FF, identification = 0133E8, machine = 3906``, a processor's line of /proc/cpuinfo."""
    found = _Z_MACHINE.search(processor)
    return _Z_MACHINES.get(found[1]) if found else None


def riscv_of_isa(isa: str) -> str | None:
    """The newest RVA profile that a ``isa`` line of /proc/cpuinfo shows in full; ``None`` where it is no such line.

    A kernel names only extensions that it knows, so that a machine may have more.
    """
    found = _RISCV_ISA.fullmatch(isa.strip().lower())
    if not found:
        return None
    present = {*found[1], *found[2].split("_")}
    reached = "rva20u64" if {"i", "m", "a", "f", "d", "c"} <= present else None
    for profile, added in RISCV_PROFILES.items():
        if reached is None or not added <= present:
            break
        reached = profile
    return reached


def arm64_ladder(variant: str) -> tuple[str, ...]:
    """What an arm64 machine of this variant runs, best first; empty where nobody knows the variant.

    ARMv9.x has everything of ARMv8.(x+5), since 9.0 was made from 8.5.
    """
    found = _ARM64_VARIANT.fullmatch(variant or "v8")
    if not found:
        return ()
    major, minor = int(found[1]), int(found[2] or 0)
    if minor > MAX_ARM_MINOR[major]:
        return ()
    own = _arm64_steps(major, minor)
    return own if major == 8 else own + _arm64_steps(8, min(minor + 5, MAX_ARM_MINOR[8]))  # noqa: PLR2004 - ARMv8


def is_known(architecture: str, variant: str) -> bool:
    """Whether there are CPUs of a variant; any will do where nobody counts an architecture's."""
    if architecture == "arm64":
        return bool(arm64_ladder(variant))
    return not variant or variant in _LADDERS.get(architecture, (variant,))


def _arm64_steps(major: int, minor: int) -> tuple[str, ...]:
    return tuple(f"v{major}.{step}" if step else f"v{major}" for step in range(minor, -1, -1))


def has_level(architecture: str, cpu: str, needed: str) -> bool | None:
    """Whether a CPU of level ``cpu`` runs code for level ``needed``; ``None`` where that is not known.

    Args:
        architecture: GOARCH of both.
        cpu: the machine's variant, empty where nobody read it.
        needed: the program's variant, empty where it demands nothing.
    """
    if architecture == "386" or needed == cpu != "":
        return True  # 386 has no levels: its variants tell how floating point is done
    if architecture == "arm64":
        return _has_arm64_level(cpu, needed)
    ladder = _LADDERS.get(architecture, ())
    if architecture == "arm" and not needed:
        return True if cpu in ("v7", "v8") else None  # a nameless variant usually, but not always, means v7
    if needed in ("", _FLOORS.get(architecture)):
        return True
    if needed not in ladder or cpu not in ladder:
        return None
    reached = ladder.index(cpu) >= ladder.index(needed)
    return None if not reached and architecture in _FLOOR_ONLY else reached


def _has_arm64_level(cpu: str, needed: str) -> bool | None:
    if needed in ("", "v8", "v8.0"):
        return True
    known = arm64_ladder(cpu)
    if not known or not arm64_ladder(needed) or cpu in ("", "v8"):
        return None  # /proc/cpuinfo says 8 on every ARMv8 and ARMv9 machine
    return ("v9" if needed == "v9.0" else needed) in known
