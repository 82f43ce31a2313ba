"""One host's facts out of its probe's answer."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.domain.facts import Engine, EngineKind, EngineState, HostFacts, ProbeVersion, Workload
from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.discrepancy import discrepancies
from scanner.domain.verdict.reason import Reason
from scanner.probe import kernel as kernel_section
from scanner.probe import uptime
from scanner.probe.answer import Answer, parse
from scanner.probe.answer_json import MalformedError
from scanner.probe.engines import containerd, cri, docker, podman
from scanner.probe.engines.engine_section import MAX_WORKLOADS, EngineSection, Gaps, kind_of, owner_of
from scanner.probe.made_by_plans import asked_by_makers
from scanner.probe.planned import plan_sections
from scanner.probe.script import digest

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.facts import Kernel
    from scanner.domain.host import Host
    from scanner.domain.platform.platform import Platform

ALWAYS_ASKED = ("docker", "podman", "containerd", "cri")
"""The engines that every answer speaks of, be it only to say that there is none."""

MAX_ENGINES = 64
"""A rootless engine each for more users than share a container host."""


def read(raw: bytes, host: Host) -> HostFacts | Failure:
    """The facts in a probe's answer, byte for byte as it came; an incomplete answer gives none."""
    answer = parse(raw)
    found = answer if isinstance(answer, Failure) else facts(answer, host)
    return found if isinstance(found, Failure) else uptime.at(found, uptime.split(raw)[1])


def facts(answer: Answer, host: Host) -> HostFacts | Failure:
    """Put the sections of a complete answer together; one that is missing becomes a gap."""
    gaps = Gaps()
    kernel = kernel_section.read(answer, gaps)
    sections = [_engine_section(answer, key, host.name, kernel) for key in _engine_keys(answer, gaps)]
    for section in sections:
        for key, failure in section.gaps.items():
            gaps.note(key, failure)
    planned = plan_sections.read(answer, host, kernel.platform, gaps)
    existing = asked_by_makers([workload for section in sections for workload in section.workloads], planned)
    workloads = _bounded(_numbered([*existing, *planned]), gaps)
    default = _default_platform(answer, gaps)
    engines = tuple(_completed(section.engine, kernel, default) for section in sections if section.engine)
    probe = ProbeVersion(answer.version, _digest(answer))
    for engine in engines:
        if engine.state is EngineState.UP and engine.platform is None:
            gaps.note(engine.key, Failure(Reason.ENGINE_UNKNOWN, f"{engine.key} does not tell its platform"))
    return HostFacts(
        host=host.name,
        kernel=kernel,
        engines=engines,
        workloads=workloads,
        gaps=MappingProxyType(dict(gaps)),
        discrepancies=(*kernel_section.discrepancies(answer, kernel), *discrepancies(kernel, engines)),
        os_release=_os_release(answer),
        probe=probe,
    )


_SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)


def _digest(answer: Answer) -> str:
    """What the installed script says of itself; one that came over standard input says nothing, since it is our own."""
    section = answer.sections.get("probe")
    if section is None:
        return ""
    said = section.body.decode("ascii", "replace")
    return said if _SHA256.fullmatch(said) else "" if said else digest()


# ---------------------------------------------------------------- engines


def _engine_keys(answer: Answer, gaps: Gaps) -> list[str]:
    """The engines that were asked; the answer lists them, so that none can drop out unseen."""
    listed = answer.whole("engines")
    if isinstance(listed, Failure):
        gaps.note("engines", listed)
        listed = b""
    seen = [
        section.name.removesuffix("/state") for section in answer.sections.values() if section.name.endswith("/state")
    ]
    keys = [
        key for key in dict.fromkeys([*ALWAYS_ASKED, *listed.decode("ascii", "replace").split(), *seen]) if _is_key(key)
    ]
    if len(keys) > MAX_ENGINES:
        gaps.note("engines", Failure(Reason.HOST_TOO_MANY, f"{len(keys)} engines, of which {MAX_ENGINES} were read"))
    return keys[:MAX_ENGINES]


def _is_key(key: str) -> bool:
    return key.partition(":")[0] in tuple(EngineKind)


def _engine_section(answer: Answer, key: str, host: str, kernel: Kernel) -> EngineSection:
    readers: dict[EngineKind, Callable[[], EngineSection]] = {
        EngineKind.DOCKER: lambda: docker.read(answer, key, host, kernel.release),
        EngineKind.PODMAN: lambda: podman.read(answer, key, host, kernel.release),
        EngineKind.CONTAINERD: lambda: containerd.read(answer, host, without_kubernetes=_is_up(answer, cri.KEY)),
        EngineKind.CRI: lambda: cri.read(answer, host, _node_platform(answer, kernel)),
    }
    try:
        return readers[kind_of(key)]()
    except MalformedError as error:
        failure = Failure(Reason.PART_INCOMPLETE, str(error))
        return EngineSection(Engine(kind_of(key), EngineState.UNKNOWN, owner=owner_of(key)), gaps={key: failure})


def _is_up(answer: Answer, key: str) -> bool:
    section = answer.sections.get(f"{key}/state")
    return section is not None and section.body.split() == [b"up"]


def _node_platform(answer: Answer, kernel: Kernel) -> Platform | None:
    """What a CRI runtime is built for: its containerd says so; where none can be asked, the kernel and userland agree."""
    engine = containerd.read(answer, "").engine
    if engine and engine.platform:
        return engine.platform
    return kernel.platform if kernel.kernel_bits == kernel.userland_bits else None


def _completed(engine: Engine, kernel: Kernel, default: Platform | None) -> Engine:
    """The engine with what only the whole host knows: the ARM version of its CPU, the host's default platform."""
    platform = engine.platform or _of_idle(engine, kernel)
    if platform and platform.architecture == "arm" and not platform.variant and not engine.in_vm and kernel.arm_version:
        platform = replace(platform, variant=kernel.arm_version)
    honours_default = engine.kind is EngineKind.DOCKER and (engine.state is EngineState.UP or bool(engine.version))
    return replace(engine, platform=platform, default_platform=default if honours_default else None)


def _of_idle(engine: Engine, kernel: Kernel) -> Platform | None:
    """What an engine that is installed and does not run is built for: what kernel and userland agree on."""
    if not engine.version or engine.state not in {EngineState.DOWN, EngineState.UNUSED} or kernel.system != "Linux":
        return None
    return kernel.platform if kernel.kernel_bits == kernel.userland_bits else None


def _default_platform(answer: Answer, gaps: Gaps) -> Platform | None:
    said = docker.default_platform(answer)
    if isinstance(said, Failure):
        gaps.note(EngineKind.DOCKER, said)
        return None
    return said


# ---------------------------------------------------------------- workloads


def _bounded(workloads: list[Workload], gaps: Gaps) -> tuple[Workload, ...]:
    if len(workloads) > MAX_WORKLOADS:
        detail = f"{len(workloads)} workloads, of which {MAX_WORKLOADS} were read"
        gaps.note("workloads", Failure(Reason.HOST_TOO_MANY, detail))
    return tuple(workloads[:MAX_WORKLOADS])


def _numbered(workloads: list[Workload]) -> list[Workload]:
    """The same workloads, of which no two share source, name, stage and image: a report counts each of them."""
    seen: Counter[tuple[str, ...]] = Counter()
    numbered = []
    for workload in workloads:
        key = (workload.source, workload.name, workload.stage, workload.image)
        seen[key] += 1
        numbered.append(workload if seen[key] == 1 else replace(workload, name=f"{workload.name}#{seen[key]}"))
    return numbered


def _os_release(answer: Answer) -> str:
    section = answer.sections.get("os")
    text = section.body.decode("utf-8", "replace") if section else ""
    return printable(text.removeprefix("PRETTY_NAME=").strip().strip("\"'"), 128)
