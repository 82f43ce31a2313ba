"""Reads what a host's kernel says it can execute."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.domain.facts import Binfmt, BinfmtEntry, Kernel
from scanner.domain.failure import Failure
from scanner.domain.platform.binfmt import parse_entry
from scanner.domain.platform.cpu import (
    arm_variant_of_cpuinfo,
    arm_variant_of_machine,
    power_of_cpuinfo,
    riscv_of_isa,
    x86_level_of_flags,
    z_of_cpuinfo,
)
from scanner.domain.platform.uname import from_uname
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.platform.platform import Platform
    from scanner.probe.answer import Answer
    from scanner.probe.engines.engine_section import Gaps

MAX_MACHINE_CHARS = 64
"""The kernel's own limit for the machine's name (__NEW_UTS_LEN)."""

BINFMT_CLEANS_UP = (6, 7)
"""From this kernel on handlers vanish with the last mount of binfmt_misc; before, they stayed and could not be seen."""

_ELF = re.compile(r"7f454c46(01|02)(01|02)", re.ASCII)
_EM_ARM = "2800"
_EM_386 = "0300"
_FAMILIES = ({"3e00", _EM_386}, {"b700", _EM_ARM})
"""The e_machine of the CPUs that servers have, 64-bit and 32-bit, as bytes of a header: no kernel runs another family's."""

_FAMILY_OF = {"amd64": 0, "386": 0, "arm64": 1, "arm": 1}
_RELEASE = re.compile(r"(\d{1,4})\.(\d{1,4})", re.ASCII)
_OFF = frozenset({"0", "n", "no", "off", "false"})
_INVALID = re.compile(r"invalid argument|unrecognized|einval", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Userland:
    """What the shell that answered is, as far as it said."""

    bits: int | None = None
    byte_order: str | None = None
    machine: str = ""
    page_size: int | None = None
    long_bit: int | None = None


def read(answer: Answer, gaps: Gaps) -> Kernel:
    """The kernel's section; what is missing or not understood is ``None`` there and a gap."""
    system, machine, release = _uname(answer, gaps)
    told = _fields(answer, "userland", gaps)
    userland = _userland(told)
    cpu = _cpuinfo(answer, system, gaps)
    compat = _text(answer, "compat", gaps)
    platform = from_uname(system, machine, userland.byte_order).platform
    if platform is None:
        gaps.note(
            "kernel", Failure(Reason.HOST_ARCH_UNKNOWN, f"the machine {machine!r} of {system!r} has no known platform")
        )
    arm_version = _arm_version(machine, platform, cpu)
    if platform is not None and platform.architecture == "arm" and arm_version:
        platform = replace(platform, variant=arm_version)
    return Kernel(
        system=system,
        machine=machine,
        release=release,
        platform=platform,
        userland_bits=userland.long_bit if _is_emulated(userland, platform) else userland.bits,
        kernel_bits=_kernel_bits(machine, platform, compat),
        page_size=userland.page_size,
        cpu_level=_cpu_level(platform, cpu),
        arm_version=arm_version,
        aarch32=_aarch32(platform, userland, compat),
        ia32=_ia32(platform, userland, compat),
        binfmt=_binfmt(answer, system, release, gaps),
        cpu_variant=_cpu_variant(platform, cpu),
        becomes_root_by="doas" if told.get("root_by") == "doas" else "",
    )


def discrepancies(answer: Answer, kernel: Kernel) -> tuple[str, ...]:
    """Contradictions that only the answer's own words show, for the operator."""
    found = []
    fields = _fields(answer, "userland", None)
    stated = _cpuinfo(answer, kernel.system, None).get("cpu architecture", "")
    if kernel.arm_version and stated and arm_variant_of_cpuinfo(stated) not in (None, kernel.arm_version):
        found.append(
            f"/proc/cpuinfo says architecture {printable(stated, 8)} but the CPU is an ARM{kernel.arm_version}"
        )
    if _is_emulated(_userland(fields), kernel.platform):
        found.append(f"an emulator runs the shell that says {kernel.machine}: the machine is not what it says")
    if fields.get("translated") == "1":
        found.append("the shell runs under Rosetta: the machine is arm64, whatever uname says")
    return tuple(found)


# ---------------------------------------------------------------- sections


def _text(answer: Answer, name: str, gaps: Gaps | None) -> str:
    body = answer.whole(name)
    if isinstance(body, Failure):
        if gaps is not None:
            gaps.note("kernel", body)
        return ""
    return body.decode("utf-8", "replace")


def _fields(answer: Answer, name: str, gaps: Gaps | None) -> dict[str, str]:
    """Lines of a word and what belongs to it."""
    pairs = (line.partition(" ") for line in _text(answer, name, gaps).split("\n"))
    return {word: printable(rest, 256) for word, _, rest in pairs if word}


def _uname(answer: Answer, gaps: Gaps) -> tuple[str, str, str]:
    lines = [*_text(answer, "uname", gaps).split("\n"), "", "", ""]
    return printable(lines[0], 64), printable(lines[1], MAX_MACHINE_CHARS), printable(lines[2], 128)


def _cpuinfo(answer: Answer, system: str, gaps: Gaps | None) -> dict[str, str]:
    """Keys in lower case; the section is there wherever /proc/cpuinfo is."""
    if system.lower() != "linux" and "cpuinfo" not in answer.sections:
        return {}
    pairs = (line.partition(":") for line in _text(answer, "cpuinfo", gaps).split("\n"))
    return {key.strip().lower(): value.strip() for key, colon, value in reversed([*pairs]) if colon}


def _userland(fields: Mapping[str, str]) -> _Userland:
    header = fields.get("shell_header", "")
    elf = _ELF.match(header)
    long_bit = {"32": 32, "64": 64}.get(fields.get("long_bit", ""))
    page_size = fields.get("page_size", "")
    return _Userland(
        bits=(32 if elf[1] == "01" else 64) if elf else long_bit,
        byte_order={"01": "little", "02": "big"}[elf[2]] if elf else None,
        machine=header[36:40] if elf else "",
        page_size=int(page_size) if page_size.isascii() and page_size.isdigit() and 0 < len(page_size) < 10 else None,  # noqa: PLR2004 - a gibibyte page has ten digits
        long_bit=long_bit,
    )


def _is_emulated(userland: _Userland, platform: Platform | None) -> bool:
    """Whether the shell's own program is for another CPU than uname tells: QEMU's user mode answers uname itself."""
    seen = next((number for number, family in enumerate(_FAMILIES) if userland.machine in family), None)
    said = _FAMILY_OF.get(platform.architecture) if platform and platform.os == "linux" else None
    return seen is not None and platform is not None and platform.os == "linux" and seen != said


# ---------------------------------------------------------------- CPU


def _cpu_level(platform: Platform | None, cpu: Mapping[str, str]) -> int | None:
    if platform is None or platform.os != "linux" or platform.architecture not in ("amd64", "386"):
        return None
    return x86_level_of_flags(cpu.get("flags", "").split()) or None


def _cpu_variant(platform: Platform | None, cpu: Mapping[str, str]) -> str | None:
    """The level of a CPU whose /proc/cpuinfo names its generation or its extensions."""
    if platform is None or platform.os != "linux":
        return None
    match platform.architecture:
        case "ppc64" | "ppc64le":
            return power_of_cpuinfo(cpu.get("cpu", ""))
        case "s390x":
            return z_of_cpuinfo(cpu.get("processor 0", ""))
        case "riscv64":
            return riscv_of_isa(cpu.get("isa", ""))
    return None


def _arm_version(machine: str, platform: Platform | None, cpu: Mapping[str, str]) -> str | None:
    """The older of what the CPU and the kernel's name for it say: a kernel knows what it was built for."""
    if platform is None or platform.architecture not in ("arm", "arm64"):
        return None
    model = cpu.get("model name") or cpu.get("processor")
    stated = arm_variant_of_cpuinfo(cpu.get("cpu architecture", ""), model, platform.architecture)
    named = arm_variant_of_machine(machine) or platform.variant or None
    if platform.architecture == "arm64" or machine.startswith("armv8"):
        return stated or named
    return min((variant for variant in (stated, named) if variant), default=None)


def _kernel_bits(machine: str, platform: Platform | None, compat: str) -> int | None:
    if platform is None:
        return None
    if platform.architecture in (
        "amd64",
        "arm64",
        "ppc64",
        "ppc64le",
        "s390x",
        "riscv64",
        "loong64",
        "mips64",
        "mips64le",
    ):
        return 64
    wide = re.search(r"^linux64 (\S*)$", compat, re.MULTILINE)
    if wide:
        return 64 if wide[1] in ("x86_64", "aarch64") else 32
    return None if machine in ("i686", "armv8l") else 32


def _config(compat: str, option: str) -> bool | None:
    """What the kernel's configuration says of an option; ``None`` where it cannot be read."""
    if re.search(rf"^{option}=y$", compat, re.MULTILINE):
        return True
    return False if f"# {option} is not set\n" in f"{compat}\n" else None


def _aarch32(platform: Platform | None, userland: _Userland, compat: str) -> bool | None:
    """Whether 32-bit ARM programs start: the CPU must have AArch32 and the kernel must have been built for it."""
    if platform is None or platform.os != "linux" or platform.architecture not in ("arm64", "arm"):
        return None
    if platform.architecture == "arm" or userland.machine == _EM_ARM:
        return True
    built = _config(compat, "CONFIG_COMPAT")
    tried = re.search(r"^linux32 (.*)$", compat, re.MULTILINE)
    if built is False or (tried and _INVALID.search(tried[1])):
        return False
    if tried and tried[1].startswith("armv8") and (built or userland.page_size == 4096):  # noqa: PLR2004 - bytes; with larger pages kernels usually lack CONFIG_COMPAT
        return True
    return None


def _ia32(platform: Platform | None, userland: _Userland, compat: str) -> bool | None:
    """Whether 32-bit x86 programs start: built in, and not switched off by default or at boot."""
    if platform is None or platform.os != "linux" or platform.architecture not in ("amd64", "386"):
        return None
    if platform.architecture == "386" or userland.machine == _EM_386:
        return True
    built = _config(compat, "CONFIG_IA32_EMULATION")
    asked = re.findall(r"^cmdline ia32_emulation=(\S*)$", compat, re.MULTILINE)
    if built is False or (asked and asked[-1].lower() in _OFF):
        return False
    if not built:
        return None
    return bool(asked) or _config(compat, "CONFIG_IA32_EMULATION_DEFAULT_DISABLED") is not True


# ---------------------------------------------------------------- binfmt_misc


def _binfmt(answer: Answer, system: str, release: str, gaps: Gaps) -> Binfmt | None:
    if system.lower() != "linux":
        return None
    text = _text(answer, "binfmt", gaps)
    word, _, rest = text.partition("\n")
    match word:
        case "absent":
            return Binfmt(enabled=False)
        case "unmounted":
            version = _RELEASE.match(release)
            cleans_up = version is not None and (int(version[1]), int(version[2])) >= BINFMT_CLEANS_UP
            return Binfmt(enabled=False) if cleans_up else None
        case "enabled" | "disabled":
            entries = _entries(rest)
            if entries is None:
                gaps.note("binfmt", Failure(Reason.PART_INCOMPLETE, "a binfmt_misc entry is not understood"))
                return None
            return Binfmt(word == "enabled", entries)
        case _:
            return None


def _entries(text: str) -> tuple[BinfmtEntry, ...] | None:
    entries = []
    for block in text.split("@entry ")[1:]:
        name, _, content = block.partition("\n")
        entry = parse_entry(printable(name, 256), content)
        if entry is None:
            return None
        entries.append(entry)
    return tuple(entries)
