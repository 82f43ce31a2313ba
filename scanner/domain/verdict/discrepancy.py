"""Contradictions between a host's kernel, its userland, its engines, in words for the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.platform.binfmt import Handling, emulation, emulator_name
from scanner.domain.platform.platform import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from scanner.domain.facts import Engine, Kernel
    from scanner.domain.platform.platform import Platform

_NARROWER = {"amd64": "386", "arm64": "arm"}
"""32-bit architectures whose programs may run on a 64-bit kernel, engines among them."""

_NARROW_BITS, _WIDE_BITS = 32, 64


def discrepancies(kernel: Kernel, engines: Sequence[Engine]) -> tuple[str, ...]:
    """Every contradiction that the facts show; none where they agree or are missing."""
    return (*_userland(kernel), *_engines(kernel, engines), *_disagreeing(kernel, engines), *_shadows(kernel))


def _userland(kernel: Kernel) -> Iterator[str]:
    architecture = kernel.platform.architecture if kernel.platform else ""
    is_wide = kernel.kernel_bits == _WIDE_BITS or architecture in _NARROWER
    if is_wide and kernel.userland_bits == _NARROW_BITS:
        yield f"the kernel is 64-bit ({kernel.machine}), the userland 32-bit: what is installed there is 32-bit"


def _engines(kernel: Kernel, engines: Iterable[Engine]) -> Iterator[str]:
    for engine in engines:
        if engine.in_vm:
            yield f"{engine.key} runs its containers in a virtual machine, not on this kernel"
        elif engine.platform is not None and kernel.platform is not None:
            yield from _against(kernel, engine, canonical(kernel.platform), canonical(engine.platform))


def _against(kernel: Kernel, engine: Engine, host: Platform, own: Platform) -> Iterator[str]:
    if own.os != host.os:
        yield f"the kernel is {host.os}, but {engine.key} runs {own.os} containers"
    elif own.architecture == host.architecture:
        return
    elif _NARROWER.get(host.architecture) == own.architecture:
        yield (
            f"{engine.key} is a 32-bit program ({own.architecture}) on a 64-bit kernel ({kernel.machine}): "
            f"it asks for {own.os}/{own.architecture} and never takes {host.os}/{host.architecture}"
        )
    elif _NARROWER.get(own.architecture) == host.architecture:
        yield f"{engine.key} is 64-bit ({own.architecture}), so the kernel is too, although it says {kernel.machine}"
    else:
        yield f"the kernel is {host.architecture}, but {engine.key} says {own.architecture}"


def _disagreeing(kernel: Kernel, engines: Iterable[Engine]) -> Iterator[str]:
    """Where the kernel does not say what it is, the engines can still contradict one another."""
    if kernel.platform is not None:
        return
    told = [(engine.key, canonical(engine.platform)) for engine in engines if engine.platform and not engine.in_vm]
    if len({platform.architecture for _, platform in told}) > 1:
        yield "the engines disagree: " + ", ".join(f"{key} says {platform.architecture}" for key, platform in told)


def _shadows(kernel: Kernel) -> Iterator[str]:
    if kernel.platform is None:
        return
    found = emulation(kernel.binfmt, canonical(kernel.platform).architecture)
    if found.entry is not None and found.handling in (Handling.USABLE, Handling.HOST_ONLY, Handling.UNCLEAR):
        yield (
            f"the binfmt_misc handler {found.entry.name} ({emulator_name(found.entry)}) takes the host's own programs "
            f"({kernel.platform.architecture}) before the kernel does"
        )
