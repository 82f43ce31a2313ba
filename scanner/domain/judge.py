"""The judgement: what becomes of one workload on one host, given what is known of its image.

Evidence is layered: index entry, config, binary, what the runtime said, what the host's own store holds. A later layer
may overrule an earlier one, and a layer that was asked for but is not known leaves the verdict unknown.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, assert_never

from scanner.domain import remedy
from scanner.domain.evidence import observe
from scanner.domain.execution import Execution, How, executes
from scanner.domain.facts import (
    Engine,
    EngineKind,
    EngineState,
    Failure,
    HostFacts,
    ImageFacts,
    Kernel,
    Offer,
    Program,
    Source,
    Stage,
    Workload,
)
from scanner.domain.platform import Platform, canonical
from scanner.domain.reason import STATUS_OF, Reason, Status
from scanner.domain.selection import Outcome as Choice
from scanner.domain.selection import refuses, select
from scanner.domain.verdict import Depth, Evidence, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from scanner.domain.evidence import Observation


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What one line of reasoning came to, before it is dressed as a verdict."""

    reason: Reason
    detail: str = ""
    path: str = ""
    evidence: tuple[Evidence, ...] = ()
    digest: str = ""

    @property
    def status(self) -> Status:
        return STATUS_OF[self.reason]

    def saying(self, *more: Evidence) -> _Outcome:
        """The same outcome with earlier layers' evidence put in front."""
        return replace(self, evidence=(*more, *self.evidence))


def judge(
    host: HostFacts | Failure,
    workload: Workload,
    image: ImageFacts | Failure | None,
    depth: Depth = Depth.BINARY,
    next_pull: ImageFacts | Failure | None = None,
) -> Verdict:
    """Judge one workload; total, pure: every combination of facts and failures has exactly one verdict.

    Args:
        host: what the host said, or why nothing is known of it.
        workload: the container, or the planned one.
        image: what the registry proved about the image that it runs (by digest) or will run; ``None`` for an image that
            exists only in the host's own store.
        depth: how many layers of evidence must agree before anything is ``ok``.
        next_pull: what the tag of an existing container means today; ``None`` where the reference is a digest or the
            image has no registry.
    """
    if isinstance(host, Failure):
        return _verdict(_Outcome(host.reason, host.detail), host, workload, image, None)
    engine = engine_of(host, workload)
    if isinstance(engine, Failure):
        return _verdict(_Outcome(engine.reason, engine.detail), host, workload, image, None)
    kernel = kernel_of(host, engine)
    outcome = _contradiction(kernel, engine) or _existing_or_planned(kernel, engine, workload, image, depth)
    outcome = _hear_runtime(_mounted(outcome, kernel, workload), workload)
    outcome = _look_ahead(outcome, kernel, engine, workload, depth, next_pull)
    return _verdict(outcome.saying(*_host_evidence(host, engine)), host, workload, image, engine)


# ---------------------------------------------------------------- who runs it

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
    Source.INVENTORY: (EngineKind.DOCKER, EngineKind.PODMAN, EngineKind.CRI, EngineKind.CONTAINERD),
}
"""Which engines may run a workload of each source, the likeliest first."""


def engine_of(host: HostFacts, workload: Workload) -> Engine | Failure:
    """The engine that runs this workload, or why none is known to."""
    if workload.engine:
        named = host.engine(workload.engine)
        return _usable(host, [named] if named else [], workload.engine)
    kinds = _ENGINES_OF[workload.source]
    return _usable(host, [e for kind in kinds for e in host.engines if e.kind is kind and not e.owner], "container")


_ENGINE_FAILURES = {
    EngineState.DOWN: Reason.ENGINE_DOWN,
    EngineState.DENIED: Reason.ENGINE_DENIED,
    EngineState.UNKNOWN: Reason.ENGINE_UNKNOWN,
    EngineState.ABSENT: Reason.ENGINE_ABSENT,
}


def _usable(host: HostFacts, engines: Sequence[Engine], wanted: str) -> Engine | Failure:
    """The first that is up; else the most telling reason: one that is down outweighs one that is absent."""
    if up := next((engine for engine in engines if engine.state is EngineState.UP), None):
        return up
    for state, reason in _ENGINE_FAILURES.items():
        if found := next((engine for engine in engines if engine.state is state), None):
            return Failure(reason, found.detail or f"{found.key} on {host.host} is {found.state}")
    return Failure(Reason.ENGINE_ABSENT, f"{host.host} has no {wanted} engine that is known")


def kernel_of(host: HostFacts, engine: Engine) -> Kernel:
    """The kernel that will exec the program: the engine's virtual machine has one of its own."""
    if not engine.in_vm:
        return host.kernel
    machine = engine.platform.architecture if engine.platform else ""
    return Kernel(system="Linux", machine=machine, platform=engine.platform and canonical(engine.platform))


_COMPATIBLE = {("arm64", "arm"), ("amd64", "386")}


def _contradiction(kernel: Kernel, engine: Engine) -> _Outcome | None:
    """An engine built for a CPU that its kernel is not: somebody errs or lies, so nothing is proved."""
    if kernel.platform is None:
        return _Outcome(Reason.HOST_ARCH_UNKNOWN, f"the machine {kernel.machine!r} has no known platform")
    if engine.platform is None:
        return _Outcome(Reason.ENGINE_UNKNOWN, f"{engine.key} does not tell its platform")
    pair = (kernel.platform.architecture, canonical(engine.platform).architecture)
    if pair[0] == pair[1] or pair in _COMPATIBLE:
        return None
    return _Outcome(Reason.HOST_CONTRADICTORY, f"the kernel is {pair[0]} but {engine.key} says {pair[1]}")


# ---------------------------------------------------------------- what it runs


def _existing_or_planned(
    kernel: Kernel, engine: Engine, workload: Workload, image: ImageFacts | Failure | None, depth: Depth
) -> _Outcome:
    if isinstance(image, Failure):
        return _Outcome(image.reason, image.detail)
    if workload.stage is Stage.PLANNED or (workload.local is None and image is not None):
        if image is None:
            return _Outcome(Reason.IMAGE_LOCAL_ONLY, "nothing is known of the image")
        return _planned(kernel, engine, workload, image, depth)
    offer = running_offer(workload, image) if image else None
    if offer is None or image is None:
        return _local(kernel, workload, depth)
    return _offered(kernel, offer, indexed=image.is_index, depth=depth, runs=_has_started(workload))


def _planned(kernel: Kernel, engine: Engine, workload: Workload, image: ImageFacts, depth: Depth) -> _Outcome:
    """Which offer the engine would take, then whether that one starts."""
    if not image.offers:
        return _Outcome(Reason.IMAGE_NO_PLATFORMS, "the index offers no image")
    choice = select(engine, image.offers, workload.pinned, kernel, is_index=image.is_index)
    says = Evidence("index", ", ".join(map(str, image.platforms)) or "no platform")
    match choice.outcome:
        case Choice.TAKEN:
            offer = image.offers[choice.order[0]]
            if refusal := refuses(engine, offer):
                return _Outcome(Reason.IMAGE_UNSUPPORTED, refusal, evidence=(says,), digest=offer.digest)
            found = _offered(kernel, offer, indexed=image.is_index, depth=depth, runs=False)
            return found.saying(says) if image.is_index else found
        case Choice.NONE:
            return _Outcome(Reason.PLATFORM_MISSING, choice.detail, evidence=(says,), digest=image.digest)
        case Choice.UNKNOWN:
            return _Outcome(choice.reason or Reason.ENGINE_UNKNOWN, choice.detail, evidence=(says,))
        case _:
            assert_never(choice.outcome)


def running_offer(workload: Workload, image: ImageFacts) -> Offer | None:
    """The very manifest a container was made from, by digest; by platform only where that is unambiguous."""
    local = workload.local
    if local is None:
        return None
    for offer in image.offers:
        if local.manifest_digest == offer.digest or local.image_id in {offer.digest, offer.config_digest}:
            return offer
    alike = [offer for offer in image.offers if local.platform and _agree(offer.platform, local.platform)]
    return alike[0] if len(alike) == 1 else None


def _is_up(workload: Workload) -> bool:
    """Whether the container is proof of itself: up, and never restarted."""
    return workload.stage is Stage.RUNNING and workload.state == "running" and workload.restart_count == 0


def _has_started(workload: Workload) -> bool:
    """Whether it is up, or did what it had to do: a program that never started cannot end with 0."""
    return _is_up(workload) or (workload.state == "exited" and workload.exit_code == 0)


def _local(kernel: Kernel, workload: Workload, depth: Depth) -> _Outcome:
    """Judge by the host's own store: no registry knows this image."""
    local = workload.local
    if local is None or local.platform is None:
        return _Outcome(Reason.IMAGE_LOCAL_ONLY, "the image is in no registry and its platform is not known")
    says = Evidence("local", f"{local.platform} ({local.image_id[:19]})")
    metadata = executes(kernel, local.platform)
    if local.program is not None:
        return _binary(kernel, local.program, local.platform, metadata, agrees=True).saying(says)
    if metadata.how is How.NO and _has_started(workload):
        return _runs_mislabelled(local.platform).saying(says)
    if metadata.how is How.NATIVE and depth is Depth.BINARY and not _has_started(workload):
        detail = f"its label {local.platform} fits, but its binary was not read and it has not been seen to start"
        return _Outcome(Reason.IMAGE_LOCAL_ONLY, detail, evidence=(says,))
    return _executed(metadata).saying(says)


def _runs_mislabelled(platform: Platform) -> _Outcome:
    return _Outcome(
        Reason.MISLABELLED,
        f"it runs here although its label says {platform}",
        evidence=(Evidence("runtime", "it is up and never restarted, or ended with 0"),),
    )


def _offered(kernel: Kernel, offer: Offer, *, indexed: bool, depth: Depth, runs: bool) -> _Outcome:
    """Whether one manifest starts, layer of evidence by layer of evidence."""
    found = _by_layers(kernel, offer, indexed=indexed, depth=depth, runs=runs)
    evidence = []
    if offer.entry and indexed:
        evidence.append(Evidence("index", f"{offer.entry} ({offer.digest[:19]})"))
    if isinstance(offer.config, Platform):
        evidence.append(Evidence("config", str(offer.config)))
    return replace(found.saying(*evidence), digest=offer.digest)


def _by_layers(kernel: Kernel, offer: Offer, *, indexed: bool, depth: Depth, runs: bool) -> _Outcome:
    needs_config = depth is not Depth.INDEX or not indexed or offer.entry is None
    if needs_config and isinstance(offer.config, Failure):
        return _Outcome(offer.config.reason, offer.config.detail)
    if needs_config and offer.config is None:
        return _Outcome(Reason.IMAGE_ARCH_UNKNOWN, "the image's config was not read")
    claimed = offer.config if isinstance(offer.config, Platform) else offer.entry
    if claimed is None or not claimed.architecture:
        return _Outcome(Reason.IMAGE_ARCH_UNKNOWN, "neither index nor config names an architecture")
    agrees = offer.entry is None or _agree(offer.entry, claimed)
    metadata = executes(kernel, claimed)
    if depth is Depth.BINARY:
        if offer.program is None:
            return _Outcome(Reason.BINARY_NOT_INSPECTED, "the entrypoint's binary was not read")
        return _binary(kernel, offer.program, claimed, metadata, agrees=agrees)
    if not agrees and offer.entry and executes(kernel, offer.entry).how is How.NATIVE:
        return _Outcome(Reason.CONFIG_DISAGREES, f"the index says {offer.entry}, the config {claimed}")
    if metadata.how is How.NO and runs:
        return _runs_mislabelled(claimed)
    return _executed(metadata)


def _agree(one: Platform | None, other: Platform) -> bool:
    """Whether two labels name the same CPU; a variant that one of them leaves out is no contradiction."""
    if one is None:
        return False
    a, b = canonical(one), canonical(other)
    variants_clash = bool(one.variant and other.variant) and a.variant != b.variant
    return (a.os, a.architecture) == (b.os, b.architecture) and not variants_clash


def _executed(execution: Execution) -> _Outcome:
    return _Outcome(execution.reason, execution.detail)


# ---------------------------------------------------------------- what its bytes say

_ORDER = (How.NO, How.UNKNOWN, How.EMULATED, How.NATIVE)

_BY_ROLE = {"interpreter": Reason.WRONG_INTERPRETER, "loader": Reason.WRONG_LOADER}


def _binary(kernel: Kernel, program: Program, claimed: Platform, metadata: Execution, *, agrees: bool) -> _Outcome:
    """The files that argv leads to overrule every label, as far as they speak."""
    evidence = tuple(_chain_evidence(program))
    worst = _worst(kernel, program)
    if worst is not None and worst.status is Status.MISMATCH:
        return _honest(worst, metadata).saying(*evidence)
    if program.problem is not None:
        path = program.chain[-1].path if program.chain else next(iter(program.argv), "")
        return _Outcome(program.problem.reason, program.problem.detail, path, evidence)
    if worst is None:
        return _Outcome(Reason.BINARY_UNKNOWN, "argv leads to no binary", evidence=evidence)
    return _labels_too(worst, program, claimed, metadata, agrees=agrees).saying(*evidence)


def _honest(worst: _Outcome, metadata: Execution) -> _Outcome:
    """A binary that will not start is no surprise where the label says so as well."""
    if worst.reason is Reason.WRONG_BINARY and metadata.reason is Reason.WRONG_PLATFORM:
        return replace(worst, reason=Reason.WRONG_PLATFORM)
    return worst


def _labels_too(worst: _Outcome, program: Program, claimed: Platform, metadata: Execution, *, agrees: bool) -> _Outcome:
    """A binary that starts settles the architecture; a level that only the label names still counts."""
    if worst.status is not Status.OK:
        return worst
    actual = {e.elf.needs.architecture for e in program.chain if e.elf and e.elf.needs}
    if not agrees:
        return _Outcome(Reason.CONFIG_DISAGREES, f"index and config disagree: the config says {claimed}")
    if canonical(claimed).architecture not in actual:
        return _Outcome(Reason.MISLABELLED, f"labelled {claimed}, its binary is for {', '.join(sorted(actual))}")
    return _executed(metadata)


def _worst(kernel: Kernel, program: Program) -> _Outcome | None:
    """The file of the chain that fares worst; ``None`` when the chain holds no binary."""
    fates = []
    for file in program.chain:
        if file.elf is None:
            continue
        if file.elf.needs is None:
            fates.append((How.NO, _no_platform(kernel, file.path, file.elf.machine)))
            continue
        execution = executes(kernel, file.elf.needs)
        reason = execution.reason
        if reason is Reason.WRONG_PLATFORM:
            reason = _BY_ROLE.get(file.role, Reason.WRONG_BINARY)
        detail = f"{file.path} is for {file.elf.needs}"
        fates.append((execution.how, _Outcome(reason, f"{detail}: {execution.detail}".removesuffix(": "), file.path)))
    return min(fates, key=lambda fate: _ORDER.index(fate[0]))[1] if fates else None


def _no_platform(kernel: Kernel, path: str, machine: int) -> _Outcome:
    """An ELF machine that no platform names: certain to fail only where no handler could take it."""
    detail = f"{path} is for ELF machine {machine}, which no platform of this fleet executes"
    binfmt = kernel.binfmt
    if binfmt is not None and not (binfmt.enabled and any(entry.enabled for entry in binfmt.entries)):
        return _Outcome(Reason.WRONG_BINARY, detail, path)
    return _Outcome(Reason.BINARY_UNKNOWN, detail, path)


def _chain_evidence(program: Program) -> Iterable[Evidence]:
    for file in program.chain:
        if file.elf:
            yield Evidence("binary", f"{file.role} {file.path}: ELF {file.elf.needs or file.elf.machine}")
        elif file.shebang:
            yield Evidence("binary", f"{file.role} {file.path}: script {file.shebang}")
        else:
            yield Evidence("binary", f"{file.role} {file.path}: {file.kind}")


# ---------------------------------------------------------------- what the runtime said


_MAY_BE_MOUNTED = {Reason.ENTRYPOINT_MISSING, Reason.INTERPRETER_MISSING, Reason.LOADER_MISSING}


def _mounted(outcome: _Outcome, kernel: Kernel, workload: Workload) -> _Outcome:
    """What an image lacks may come from a volume, which no registry knows of: then only the runtime can tell."""
    platform = workload.local.platform if workload.local else None
    if outcome.status is Status.BROKEN and _has_started(workload) and platform is not None:
        metadata = executes(kernel, platform)
        if metadata.how in {How.NATIVE, How.EMULATED}:
            says = Evidence("runtime", "it is up and never restarted, or ended with 0")
            detail = f"it starts here: a volume must stand in for the image ({outcome.detail})"
            return replace(outcome, reason=metadata.reason, detail=detail, evidence=(*outcome.evidence, says))
    if outcome.reason in _MAY_BE_MOUNTED and workload.process is not None:
        detail = f"{outcome.detail}; its command is not the image's own, so a volume may hold it"
        return replace(outcome, reason=Reason.BINARY_UNKNOWN, detail=detail)
    return outcome


def _hear_runtime(outcome: _Outcome, workload: Workload) -> _Outcome:
    """The runtime's own error overrules every label; where we know more precisely why, it confirms us."""
    heard = _observed(workload)
    if heard is None:
        return outcome
    says = Evidence("runtime", heard.phrase)
    if outcome.status in {Status.MISMATCH, Status.BROKEN}:
        return replace(outcome, evidence=(*outcome.evidence, says))
    return replace(outcome, reason=heard.reason, detail=heard.cause, evidence=(*outcome.evidence, says))


def _observed(workload: Workload) -> Observation | None:
    if workload.stage is Stage.PLANNED or _is_up(workload):
        return None
    return observe(workload.error, workload.log, workload.exit_code)


# ---------------------------------------------------------------- what comes next


def _look_ahead(  # noqa: PLR0913, PLR0917 -- the line of reasoning needs all of its premises
    outcome: _Outcome,
    kernel: Kernel,
    engine: Engine,
    workload: Workload,
    depth: Depth,
    next_pull: ImageFacts | Failure | None,
) -> _Outcome:
    """What runs now may be lost at the next pull: the tag has moved on."""
    if next_pull is None or outcome.status in {Status.MISMATCH, Status.BROKEN, Status.UNKNOWN}:
        return outcome
    if isinstance(next_pull, Failure):
        return replace(
            outcome, reason=next_pull.reason, detail=f"what the tag means today is not known: {next_pull.detail}"
        )
    ahead = _planned(kernel, engine, workload, next_pull, depth)
    match ahead.status:
        case Status.MISMATCH:
            reason, detail = Reason.PLATFORM_LOST, f"the next pull of {workload.image} will not start: {ahead.detail}"
        case Status.BROKEN:
            reason, detail = (
                Reason.NEXT_PULL_BROKEN,
                f"the next pull of {workload.image} will not start: {ahead.detail}",
            )
        case Status.UNKNOWN:
            reason, detail = ahead.reason, f"what the tag means today is not known: {ahead.detail}"
        case _:
            return outcome
    return replace(outcome, reason=reason, detail=detail, evidence=(*outcome.evidence, *ahead.evidence))


# ---------------------------------------------------------------- the verdict


def _host_evidence(host: HostFacts, engine: Engine) -> tuple[Evidence, ...]:
    kernel = host.kernel
    level = f" x86-64-v{kernel.cpu_level}" if kernel.cpu_level else ""
    return (
        Evidence("host", f"{kernel.system} {kernel.machine}{level}"),
        Evidence("engine", f"{engine.key} {engine.version} for {engine.platform}"),
    )


def _wanted(outcome: _Outcome, workload: Workload, own: Platform | None) -> Platform | None:
    """What to build for: what is pinned, but to leave an emulator behind the host's own platform."""
    if workload.pinned and outcome.reason is not Reason.EMULATED:
        return workload.pinned
    return canonical(own) if own else None


def _verdict(
    outcome: _Outcome,
    host: HostFacts | Failure,
    workload: Workload,
    image: ImageFacts | Failure | None,
    engine: Engine | None,
) -> Verdict:
    offered = image.platforms if isinstance(image, ImageFacts) else ()
    needed = engine.platform if engine and engine.platform else None
    if needed is None and isinstance(host, HostFacts):
        needed = host.kernel.platform
    trouble = remedy.Trouble(
        host=workload.host,
        image=workload.image,
        needed=_wanted(outcome, workload, needed),
        offered=tuple(map(canonical, offered)),
        path=outcome.path,
        running=next(iter(workload.local.repo_digests), "") if workload.local else "",
    )
    return Verdict(
        reason=outcome.reason,
        detail=outcome.detail,
        evidence=outcome.evidence,
        fix=remedy.fix(outcome.reason, trouble),
        offered=trouble.offered,
        digest=outcome.digest or (image.digest if isinstance(image, ImageFacts) else ""),
    )
