"""A plain host: what every machine of a platform has."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.facts import Binfmt, Engine, EngineKind, EngineState, ImageStore, Kernel, Source, Workload
from scanner.domain.platform.cpu import LOONGARCH_SINCE, OLD_WORLD, OLD_WORLD_KERNEL, is_known
from scanner.domain.platform.platform import KNOWN_ARCHITECTURES, KNOWN_OS, Platform, canonical, parse

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAIN_DOCKER = "29.6"
"""The version whose selection rules count: since then Docker's two stores ask alike."""

PLAIN_PODMAN, PLAIN_CONTAINERD = "5.8", "2.1"
"""The newest of each whose selection and refusals were seen."""

_MACHINES = {
    "amd64": "x86_64", "386": "i586", "arm64": "aarch64", "loong64": "loongarch64", "mipsle": "mips",
    "mips64le": "mips64",
}  # fmt: skip
_SYSTEMS = {"linux": "Linux", "darwin": "Darwin", "freebsd": "FreeBSD", "windows": "Windows"}


def plain_host(platform: Platform) -> Kernel:
    """The kernel and CPU of any machine of this platform, nothing above it and no emulator.

    An amd64 machine has x86-64-v1 and the kernel's default IA32 emulation, an arm64 one ARMv8.0; whether that runs
    32-bit programs is not known, since half of them do; a loong64 one Linux' own kernel, not Loongson's. A variant
    raises the level, or names the other kernel.

    Raises:
        ValueError: there are no machines of this operating system, architecture or variant.
    """
    named = canonical(platform)
    refuse_unknown(platform)
    is_amd64, is_arm = named.architecture == "amd64", named.architecture == "arm"
    return Kernel(
        system=_SYSTEMS.get(named.os, named.os),
        machine=_machine(named),
        release=_release(named),
        platform=named,
        cpu_level=_level(named) if is_amd64 else None,
        arm_version=_arm_version(named),
        aarch32=True if is_arm else None,
        ia32=True if is_amd64 else None,
        binfmt=Binfmt(enabled=True),
    )


def refuse_unknown(platform: Platform) -> None:
    """Refuse a platform that is none, as a typing error makes one.

    Raises:
        ValueError: there are no machines of this operating system, architecture or variant.
    """
    named = canonical(platform)
    if named.os not in KNOWN_OS or named.architecture not in KNOWN_ARCHITECTURES:
        raise ValueError(f"there are no hosts of platform {platform}{_meant(named)}")
    if not is_known(named.architecture, named.variant):
        raise ValueError(f"there are no hosts of platform {platform}: no CPU is {named.architecture} {named.variant}")


def plain_platform(text: str) -> Platform:
    """The platform that is written, of Linux where it names no system.

    Raises:
        ValueError: there are no hosts of it.
    """
    found = parse(text, Platform("linux", ""))
    plain_host(found)
    return found


def _meant(named: Platform) -> str:
    """The platform that was mistyped, where one is near."""
    system = difflib.get_close_matches(named.os, KNOWN_OS, 1)
    architecture = difflib.get_close_matches(named.architecture, KNOWN_ARCHITECTURES, 1)
    return f"; did you mean {system[0]}/{architecture[0]}?" if system and architecture else ""


def _machine(named: Platform) -> str:
    if named.architecture == "arm":
        return f"arm{named.variant}l"
    return _MACHINES.get(named.architecture, named.architecture)


def _release(named: Platform) -> str:
    """Empty but where programs depend on it."""
    if named.architecture != "loong64":
        return ""
    return OLD_WORLD_KERNEL if named.variant == OLD_WORLD else LOONGARCH_SINCE


def _arm_version(named: Platform) -> str | None:
    match named.architecture:
        case "arm":
            return named.variant
        case "arm64":
            return named.variant or "v8.0"
    return None


def _level(named: Platform) -> int:
    return {"": 1, "v2": 2, "v3": 3, "v4": 4}[named.variant]


def plain_engine(platform: Platform) -> Engine:
    """Docker as it selects on such a machine."""
    named = canonical(platform)
    return Engine(EngineKind.DOCKER, EngineState.UP, PLAIN_DOCKER, named, ImageStore.CONTAINERD)


_NEWEST = {
    "docker": (EngineKind.DOCKER, PLAIN_DOCKER, ImageStore.CONTAINERD),
    "podman": (EngineKind.PODMAN, PLAIN_PODMAN, ImageStore.PODMAN),
    "containerd": (EngineKind.CONTAINERD, PLAIN_CONTAINERD, ImageStore.CONTAINERD),
}


def plain_engines(platform: Platform, planned: Iterable[Workload]) -> tuple[Engine, ...]:
    """Docker, then each other engine that one of the plans asks for: a plain host has what it is to start them with."""
    found = {(engine := plain_engine(platform)).key: engine}
    for workload in planned:
        asked = workload.engine or (EngineKind.PODMAN if workload.source is Source.QUADLET else "")
        kind, _, owner = asked.partition(":")
        if (known := _NEWEST.get(kind)) is not None:
            found.setdefault(asked, replace(engine, kind=known[0], version=known[1], store=known[2], owner=owner))
    return tuple(found.values())
