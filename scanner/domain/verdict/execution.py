"""Whether a host's kernel executes a platform's programs, whatever an engine would select."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from scanner.domain.platform.binfmt import Emulation, Handling, emulation, emulator_name
from scanner.domain.platform.cpu import OLD_WORLD, OLD_WORLD_KERNEL, has_level
from scanner.domain.platform.platform import KNOWN_ARCHITECTURES, KNOWN_OS, Platform, canonical
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.domain.facts import BinfmtEntry, Kernel

USUAL_PAGE_SIZE = 4096
"""AArch32 programs need pages of 4 KiB; kernels with larger ones usually leave 32-bit support out."""


class How(StrEnum):
    """How a program starts on a host."""

    NATIVE = "native"
    EMULATED = "emulated"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Execution:
    """Whether a host executes a platform's programs, and why (not); ``reason`` is ``native`` for NATIVE."""

    how: How
    reason: Reason
    detail: str = ""


def executes(kernel: Kernel, need: Platform, *, carried: bool | None = False) -> Execution:
    """Whether programs for ``need`` start inside a container on ``kernel``.

    ``carried`` tells whether the image holds the emulator that a handler without the F flag looks for inside the
    container, ``None`` where that is not known.

    binfmt_misc is asked before the kernel's own ELF loader, so an active handler decides even for native programs.
    A need without variant demands nothing of the CPU, except that a nameless ``arm`` may be up to v7.
    """
    wanted = _as_named(need)
    if doubt := _unnamed(wanted):
        return doubt
    if kernel.platform is None:
        return Execution(How.UNKNOWN, Reason.HOST_ARCH_UNKNOWN, f"what {kernel.machine!r} executes is not known")
    host = _as_named(kernel.platform)
    if foreign := _other_os(host, wanted):
        return foreign
    return _with_emulation(kernel, wanted, _natively(kernel, host, wanted), carried=carried)


def _as_named(platform: Platform) -> Platform:
    """The canonical platform, but a nameless arm variant stays nameless: v7 would be a guess about a binary or CPU."""
    plain = canonical(platform)
    if plain.architecture == "arm" and platform.architecture.lower() == "arm" and not platform.variant:
        return replace(plain, variant="")
    return plain


def _unnamed(need: Platform) -> Execution | None:
    if "unknown" in (need.os, need.architecture):
        return Execution(How.UNKNOWN, Reason.IMAGE_NOT_AN_IMAGE, f"{need} marks an attestation or artifact, no image")
    if need.os.startswith("wasi") or need.architecture == "wasm":
        return Execution(How.NO, Reason.WRONG_PLATFORM, f"{need} needs a WebAssembly runtime, not a CPU")
    if need.os not in KNOWN_OS or need.architecture not in KNOWN_ARCHITECTURES:
        named = str(need) or "an image without platform"
        return Execution(How.UNKNOWN, Reason.IMAGE_ARCH_UNKNOWN, f"{named} names no known platform: read the binary")
    return None


def _other_os(host: Platform, need: Platform) -> Execution | None:
    """Linux containers also run on macOS, in a VM of its own architecture, besides on FreeBSD, by its Linux ABI."""
    if need.os == "darwin":
        return Execution(How.NO, Reason.WRONG_PLATFORM, f"no container runs {need}: on macOS they run in a Linux VM")
    if host.os == need.os or (need.os == "linux" and host.os in ("darwin", "freebsd")):
        return None
    return Execution(How.NO, Reason.WRONG_PLATFORM, f"{need} needs {need.os}, the host is {host.os}")


_NATIVE = Execution(How.NATIVE, Reason.NATIVE)

_NARROWER = {
    "mips64": "mips", "mips64le": "mipsle", "ppc64": "ppc", "riscv64": "riscv", "s390x": "s390", "sparc64": "sparc",
}  # fmt: skip
"""64-bit machines whose kernels may or may not start the 32-bit (s390: 31-bit) programs of their family."""

_OTHER_BYTE_ORDER = frozenset({
    frozenset({"arm", "armbe"}), frozenset({"arm64", "arm64be"}), frozenset({"mips", "mipsle"}),
    frozenset({"mips64", "mips64le"}), frozenset({"ppc64", "ppc64le"}),
})  # fmt: skip


def _natively(kernel: Kernel, host: Platform, need: Platform) -> Execution:
    """What the kernel's own loader and the CPU do, without any emulator."""
    match host.architecture, need.architecture:
        case "loong64", "loong64":
            return _of_one_world(kernel, need)
        case here, there if here == there:
            return _at_level(there, _cpu_of(kernel, host), need)
        case "arm64", "arm":
            return _aarch32(kernel, host, need)
        case "amd64", "386":
            return _ia32(kernel)
        case ("386", "amd64") | ("arm", "arm64"):
            return _wider(kernel, need)
        case here, there if _NARROWER.get(here) == there:
            detail = f"not every {here} kernel starts {there} programs, and this one was not tried"
            return Execution(How.UNKNOWN, Reason.HOST_ARCH_UNKNOWN, detail)
        case here, there if frozenset({here, there}) in _OTHER_BYTE_ORDER:
            detail = f"{need} has the other byte order than the host's {here}"
            return Execution(How.NO, Reason.WRONG_PLATFORM, detail)
    return Execution(How.NO, Reason.WRONG_PLATFORM, f"{need} is another instruction set than the host's {host}")


def _of_one_world(kernel: Kernel, need: Platform) -> Execution:
    """LoongArch has two ABIs of one name: Loongson's kernel 4.19 starts programs of the first, Linux' own the others.

    Of a kernel whose release nobody knows either may be so. Where a layer between them (libLoL) is installed, a host
    starts both, and does not tell.
    """
    if need.variant not in {"", OLD_WORLD}:
        return _at_level("loong64", "", need)
    if kernel.release and (need.variant == OLD_WORLD) == kernel.release.startswith(OLD_WORLD_KERNEL):
        return _NATIVE
    worlds = ("the old world's ABI", "the new one's")
    its, this = worlds if need.variant else reversed(worlds)
    here = f"kernel {kernel.release} has" if kernel.release else "a kernel of a release that is not known may have"
    detail = f"it is made for {its}, {here} {this}"
    return Execution(How.UNKNOWN, Reason.CPU_LEVEL_UNKNOWN, detail)


def _cpu_of(kernel: Kernel, host: Platform) -> str:
    """The most precise level that anybody read of this CPU, empty if nobody did."""
    if host.architecture == "amd64" and kernel.cpu_level is not None:
        return f"v{kernel.cpu_level}"
    if host.architecture == "arm":
        return kernel.arm_version or host.variant
    if host.architecture == "arm64" and kernel.arm_version not in (None, "v8"):
        return kernel.arm_version or ""
    return kernel.cpu_variant or host.variant


def _at_level(architecture: str, cpu: str, need: Platform) -> Execution:
    match has_level(architecture, cpu, need.variant):
        case True:
            return _NATIVE
        case False:
            detail = (
                f"{need} needs a CPU of level {need.variant}, this one has {cpu}: it dies on its first instructions"
            )
            return Execution(How.NO, Reason.CPU_LEVEL_TOO_LOW, detail)
    known = f"{cpu} is known" if cpu else "nothing is known"
    detail = f"{need} may need more than this CPU has; of its level {known}"
    return Execution(How.UNKNOWN, Reason.CPU_LEVEL_UNKNOWN, detail)


def _aarch32(kernel: Kernel, host: Platform, need: Platform) -> Execution:
    able = kernel.aarch32
    if able is None and kernel.userland_bits == 32:  # noqa: PLR2004 - bits; the shell that answered is such a program
        able = True
    if able is None and host.os == "darwin":
        able = False  # no Apple silicon has AArch32
    if able:
        return _at_level("arm", "v8", need)
    if able is False:
        detail = f"{need} needs AArch32, which this CPU or kernel lacks"
        return Execution(How.NO, Reason.AARCH32_MISSING, detail)
    pages = f" (its pages of {kernel.page_size} bytes speak against it)" if _has_large_pages(kernel) else ""
    return Execution(
        How.UNKNOWN, Reason.AARCH32_UNKNOWN, f"{need} needs AArch32: it is not known whether the host has it{pages}"
    )


def _has_large_pages(kernel: Kernel) -> bool:
    return kernel.page_size is not None and kernel.page_size > USUAL_PAGE_SIZE


def _ia32(kernel: Kernel) -> Execution:
    able = kernel.ia32
    if able is None and kernel.userland_bits == 32:  # noqa: PLR2004 - bits; the shell that answered is such a program
        able = True
    if able:
        return _NATIVE
    if able is False:
        return Execution(How.NO, Reason.IA32_MISSING, "the kernel's IA32 emulation is off, so no 386 program starts")
    return Execution(How.UNKNOWN, Reason.IA32_UNKNOWN, "it is not known whether the kernel's IA32 emulation is on")


_AMBIGUOUS_MACHINES = frozenset({"i686", "armv8l"})
"""What a 64-bit kernel shows to a 32-bit process (COMPAT_UTS_MACHINE), and a 32-bit kernel of its own."""


def _wider(kernel: Kernel, need: Platform) -> Execution:
    """64-bit programs on a host whose shell or engine is 32-bit, while its kernel may be either."""
    if kernel.kernel_bits == 64:  # noqa: PLR2004 - bits
        cpu = f"v{kernel.cpu_level}" if need.architecture == "amd64" and kernel.cpu_level else ""
        return _at_level(need.architecture, cpu, need)
    if kernel.kernel_bits is None and kernel.machine.strip().lower() in _AMBIGUOUS_MACHINES:
        detail = f"{kernel.machine} is also what a 64-bit kernel shows to 32-bit programs: {need} may start"
        return Execution(How.UNKNOWN, Reason.HOST_ARCH_UNKNOWN, detail)
    return Execution(How.NO, Reason.WRONG_PLATFORM, f"{need} is 64-bit, the host's kernel is 32-bit")


def _with_emulation(kernel: Kernel, need: Platform, native: Execution, *, carried: bool | None) -> Execution:
    """What becomes of it once binfmt_misc has had its say."""
    found = emulation(kernel.binfmt, need.architecture)
    match found.handling, found.entry:
        case Handling.USABLE, entry if entry:
            return _emulated(need, entry, native)
        case Handling.HOST_ONLY, entry if entry and carried:
            return _emulated(need, entry, native)
        case Handling.HOST_ONLY, entry if entry and carried is None:
            detail = f"{_without_f(need, entry)} unless the image holds it, which is not known"
            return Execution(How.UNKNOWN, Reason.EMULATOR_UNKNOWN, detail)
        case Handling.HOST_ONLY, entry if entry:
            return Execution(How.NO, Reason.EMULATOR_UNUSABLE, _without_f(need, entry))
        case Handling.UNCLEAR, entry if entry:
            detail = (
                f"several binfmt_misc handlers, or only a part of one ({entry.name}), take {need}: which is not known"
            )
            return Execution(How.UNKNOWN, Reason.EMULATOR_UNKNOWN, detail)
    return native if native.how is not How.NO else _without_handler(need, found, native)


def _without_handler(need: Platform, found: Emulation, native: Execution) -> Execution:
    """An architecture that does not start natively, when no handler is active for it."""
    if native.reason is Reason.CPU_LEVEL_TOO_LOW:
        return native
    if found.handling is Handling.UNKNOWN:
        detail = f"{native.detail}; whether an emulator is registered for it is not known"
        return Execution(How.UNKNOWN, Reason.EMULATOR_UNKNOWN, detail)
    if found.handling is Handling.DISABLED and found.entry:
        detail = f"{need} has an emulator ({emulator_name(found.entry)}), but its binfmt_misc handler is disabled"
        return Execution(How.NO, Reason.EMULATOR_UNUSABLE, detail)
    return native


def _without_f(need: Platform, entry: BinfmtEntry) -> str:
    return (
        f"the binfmt_misc handler {entry.name} for {need} was registered without the F flag: "
        f"{entry.interpreter} is not found inside a container"
    )


_EMULATED_LEVELS = frozenset({"arm", "386"})
"""Architectures of which emulators offer every level by themselves; elsewhere it depends on their CPU model."""


def _emulated(need: Platform, entry: BinfmtEntry, native: Execution) -> Execution:
    name = emulator_name(entry)
    if need.architecture not in _EMULATED_LEVELS and not has_level(need.architecture, "", need.variant):
        detail = f"{need} starts through {name}, whose CPU model may not reach {need.variant}"
        return Execution(How.UNKNOWN, Reason.CPU_LEVEL_UNKNOWN, detail)
    if native.how is How.NATIVE:
        detail = f"the host executes {need} itself, but the binfmt_misc handler {entry.name} ({name}) takes it first"
        return Execution(How.EMULATED, Reason.NATIVE_SHADOWED, detail)
    detail = f"{need} starts through {name} ({entry.interpreter}): slowly, without ptrace or some system calls"
    return Execution(How.EMULATED, Reason.EMULATED, detail)
