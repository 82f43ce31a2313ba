"""Which engine runs a workload, on which kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.facts import Engine, EngineKind, EngineState, HostFacts, Kernel, Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.platform.platform import canonical
from scanner.domain.verdict.engine_rules import version_of
from scanner.domain.verdict.evidence_layers import Conclusion
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Sequence


_ENGINES_OF: dict[Source, tuple[EngineKind, ...]] = {
    Source.DOCKER: (EngineKind.DOCKER,),
    Source.SWARM: (EngineKind.DOCKER,),
    Source.NOMAD: (EngineKind.DOCKER, EngineKind.PODMAN),
    Source.PODMAN: (EngineKind.PODMAN,),
    Source.QUADLET: (EngineKind.PODMAN,),
    Source.CONTAINERD: (EngineKind.CONTAINERD,),
    Source.KUBERNETES: (EngineKind.CRI, EngineKind.CONTAINERD, EngineKind.DOCKER),
    Source.COMPOSE: (EngineKind.DOCKER, EngineKind.PODMAN),
    Source.SYSTEMD: (EngineKind.DOCKER, EngineKind.PODMAN),
    Source.COMMAND: (EngineKind.DOCKER, EngineKind.PODMAN),
    Source.INVENTORY: (EngineKind.DOCKER, EngineKind.PODMAN, EngineKind.CRI, EngineKind.CONTAINERD),
    Source.ARCHIVE: (EngineKind.DOCKER, EngineKind.PODMAN, EngineKind.CRI, EngineKind.CONTAINERD),
}
"""Which engines may run a workload of each source, the likeliest first."""


def engine_of(host: HostFacts, workload: Workload) -> Engine | Failure:
    """The engine that runs this workload, or why none is known to."""
    if workload.engine:
        named = host.engine(workload.engine)
        kind, _, owner = workload.engine.partition(":")
        same = [e for e in host.engines if e.kind == kind] if owner and not named else []  # the same program of others
        return _usable(host, workload, [named] if named else same, workload.engine)
    kinds = _ENGINES_OF[workload.source]
    likely = [e for kind in kinds for e in host.engines if e.kind is kind and not e.owner]
    return _usable(host, workload, likely, "container")


def answers_for(engine: Engine, workload: Workload) -> bool:
    """Whether enough is known of an engine that does not run to say how it would start what is planned.

    Its rules follow from kind and version, what it asks for from the machine; only what it holds is not known.
    """
    is_known = bool(engine.version) and engine.platform is not None
    return is_known and workload.stage is Stage.PLANNED and engine.state in {EngineState.DOWN, EngineState.UNUSED}


_ENGINE_FAILURES = {
    EngineState.DOWN: Reason.ENGINE_DOWN,
    EngineState.DENIED: Reason.ENGINE_DENIED,
    EngineState.UNKNOWN: Reason.ENGINE_UNKNOWN,
    EngineState.ABSENT: Reason.ENGINE_ABSENT,
    EngineState.UNUSED: Reason.ENGINE_UNKNOWN,
}


def _usable(host: HostFacts, workload: Workload, engines: Sequence[Engine], wanted: str) -> Engine | Failure:
    """The likeliest that is there. Another one that is up proves nothing where that one does not answer.

    One that was never used comes behind those that are.
    """
    used = [engine for engine in engines if engine.state not in {EngineState.ABSENT, EngineState.UNUSED}]
    there = used or [engine for engine in engines if engine.state is EngineState.UNUSED] or engines
    if not there:
        return Failure(Reason.ENGINE_ABSENT, f"{host.host} has no {wanted} engine that is known")
    found = there[0]
    if found.state is EngineState.UP or answers_for(found, workload):
        return found
    gap = host.gaps.get(found.key)
    if gap is not None and gap.reason is _ENGINE_FAILURES[found.state]:
        return gap
    return Failure(_ENGINE_FAILURES[found.state], found.detail or f"{found.key} on {host.host} is {found.state}")


def kernel_of(host: HostFacts, engine: Engine) -> Kernel:
    """The kernel that will exec the program: the engine's virtual machine has one of its own."""
    if not engine.in_vm:
        return host.kernel
    machine = engine.platform.architecture if engine.platform else ""
    return Kernel(system="Linux", machine=machine, platform=engine.platform and canonical(engine.platform))


def plan_refused(engine: Engine, workload: Workload) -> Conclusion | None:
    """What is planned in words that its engine is too old for starts nothing there."""
    version = version_of(engine)
    if workload.since is None or version is None or version >= workload.since.version:
        return None
    first = ".".join(map(str, workload.since.version))
    detail = f"{engine.kind} {engine.version} makes no service of it: {workload.since.what} came with version {first}"
    return Conclusion(Reason.PART_INCOMPLETE, detail)


_COMPATIBLE = {("arm64", "arm"), ("amd64", "386")}


def contradiction(kernel: Kernel, engine: Engine) -> Conclusion | None:
    """An engine built for a CPU that its kernel is not: somebody errs or lies, so nothing is proved."""
    if kernel.platform is None:
        return Conclusion(Reason.HOST_ARCH_UNKNOWN, f"the machine {kernel.machine!r} has no known platform")
    if engine.platform is None:
        return Conclusion(Reason.ENGINE_UNKNOWN, f"{engine.key} does not tell its platform")
    pair = (kernel.platform.architecture, canonical(engine.platform).architecture)
    if pair[0] == pair[1] or pair in _COMPATIBLE:
        return None
    return Conclusion(Reason.HOST_CONTRADICTORY, f"the kernel is {pair[0]} but {engine.key} says {pair[1]}")
