"""The judgement: what becomes of one workload on one host, given what is known of its image.

Evidence is layered: index entry, config, binary, what the runtime said, what the host's own store holds. A later layer
may overrule an earlier one, and a layer that was asked for but is not known leaves the verdict unknown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from scanner.domain.facts import Engine, EngineState, HostFacts, Kernel, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts, Offer, Program
from scanner.domain.image.selection import Outcome as Choice
from scanner.domain.image.selection import select
from scanner.domain.platform.platform import canonical
from scanner.domain.verdict import remedy
from scanner.domain.verdict.engine import contradiction, engine_of, kernel_of, plan_refused
from scanner.domain.verdict.engine_rules import on_engine
from scanner.domain.verdict.error_phrases import acquits, observe
from scanner.domain.verdict.evidence_layers import Conclusion, binary, executed, offered, unknown
from scanner.domain.verdict.execution import How, executes
from scanner.domain.verdict.made_from import is_told_by_index, running_offer
from scanner.domain.verdict.overheard import is_of_a_child
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.verdict.refusal import refusal
from scanner.domain.verdict.remedy.circumstances import told
from scanner.domain.verdict.started import (
    NEVER_STARTED_CODES,
    has_started,
    has_stood,
    is_up,
    kernel_shows,
    last_exit_code,
)
from scanner.domain.verdict.verdict import Depth, Evidence, NextPull, Verdict


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
        return _verdict(unknown(host), image, told(unknown(host), workload, image))
    engine = engine_of(host, workload)
    if isinstance(engine, Failure):
        found = unknown(engine)
        return _verdict(found, image, told(found, workload, image, kernel=host.kernel))
    kernel = kernel_of(host, engine)
    if clash := contradiction(kernel, engine) or plan_refused(engine, workload):
        clash = clash.saying(*_host_evidence(host, engine))
        return _verdict(clash, image, told(clash, workload, image, kernel=kernel, engine=engine))
    outcome = _existing_or_planned(kernel, engine, workload, image, depth)
    outcome = _by_kernel(outcome, kernel_shows(kernel, workload), workload)
    ran = _ran(workload, image, engine, kernel)
    outcome = _mounted(_although_it_runs(outcome, workload), kernel, workload)
    outcome = _hear_runtime(outcome, workload, _program_of(workload, ran))
    today = _today(outcome, kernel, engine, workload, depth, next_pull)
    outcome, ahead = _look_ahead(outcome, today, workload, next_pull)
    trouble = told(
        outcome,
        workload,
        image,
        next_pull,
        kernel,
        engine,
        ran,
        today.status if today else None,
    )
    return _verdict(outcome.saying(*_host_evidence(host, engine)), image, trouble, ahead)


# ---------------------------------------------------------------- what it runs


def _existing_or_planned(
    kernel: Kernel, engine: Engine, workload: Workload, image: ImageFacts | Failure | None, depth: Depth
) -> Conclusion:
    if isinstance(image, Failure):
        offers_none = image.reason is Reason.IMAGE_NO_PLATFORMS and workload.stage is Stage.PLANNED
        return _NONE_OFFERED if offers_none else unknown(image)
    if workload.stage is Stage.PLANNED or (workload.local is None and image is not None):
        if image is None:
            return Conclusion(Reason.IMAGE_LOCAL_ONLY, "nothing is known of the image")
        return _if_pulled(kernel, engine, workload, image, depth)
    offer = running_offer(workload, image, engine, kernel) if image else None
    if image is not None and offer is None and is_told_by_index(workload, image):
        detail = "its engine tells the index that it was made from, not which image of it"
        return Conclusion(Reason.IMAGE_LOCAL_ONLY, detail)
    if offer is None or image is None:
        return _local(kernel, engine, workload, depth)
    return offered(kernel, offer, indexed=image.is_index, depth=depth, engine=engine, pulls=False)


_NONE_OFFERED = Conclusion(Reason.IMAGE_REFUSED, "the index offers no image, so that no engine finds one to pull")
"""Seen of every engine, from Docker 20.10 and Podman 4.3 to Docker 28.5, Podman 5.8 and containerd 2.1."""


def _if_pulled(kernel: Kernel, engine: Engine, workload: Workload, image: ImageFacts, depth: Depth) -> Conclusion:
    """Which offer the engine would take, then whether that one starts."""
    if not image.offers:
        return _NONE_OFFERED
    choice = select(engine, image.offers, workload.pinned, kernel, is_index=image.is_index)
    says = Evidence("index", ", ".join(map(str, image.platforms)) or "no platform")
    match choice.outcome:
        case Choice.TAKEN:
            offer = image.offers[choice.order[0]]
            refused = refusal(engine, offer, image)
            if refused is not None and refused.reason is Reason.IMAGE_REFUSED:
                return replace(unknown(refused, evidence=(says,)), digest=offer.digest)
            found = offered(kernel, offer, indexed=image.is_index, depth=depth, engine=engine)
            if refused is not None and found.status in {Status.OK, Status.EMULATED, Status.DEGRADED}:
                found = replace(found, reason=refused.reason, detail=refused.detail)
            return found.saying(says) if image.is_index else found
        case Choice.NONE:
            return Conclusion(Reason.PLATFORM_MISSING, choice.detail, evidence=(says,), digest=image.digest)
        case Choice.UNKNOWN:
            return Conclusion(choice.reason or Reason.ENGINE_UNKNOWN, choice.detail, evidence=(says,))
        case _:
            assert_never(choice.outcome)


def _local(kernel: Kernel, engine: Engine, workload: Workload, depth: Depth) -> Conclusion:
    """Judge by the host's own store: no registry knows this image."""
    local = workload.local
    if local is None or local.platform is None:
        return Conclusion(Reason.IMAGE_LOCAL_ONLY, "the image is in no registry and its platform is not known")
    says = Evidence("local", f"{local.platform} ({local.image_id[:19]})")
    metadata = executes(kernel, local.platform)
    if local.program is not None:
        program = on_engine(local.program, engine, pulls=False)
        return binary(kernel, program, local.platform, metadata, agrees=True).saying(says)
    if metadata.how is How.NATIVE and depth.opens_programs and not has_started(workload):
        detail = f"its label {local.platform} fits, but its binary was not read and it has not been seen to start"
        return Conclusion(Reason.IMAGE_LOCAL_ONLY, detail, evidence=(says,))
    return executed(metadata).saying(says)


# ---------------------------------------------------------------- what the kernel shows


def _by_kernel(outcome: Conclusion, shown: Conclusion | None, workload: Workload) -> Conclusion:
    """What runs before the kernel's eyes needs no registry, nor can a file that a mount covers speak against it."""
    if shown is None:
        return outcome
    seen = replace(outcome, evidence=(*outcome.evidence, *shown.evidence))
    covered = bool(outcome.path) and is_mounted(workload, outcome.path)
    match outcome.status:
        case Status.UNKNOWN | Status.BROKEN:
            told = f"its processes run ({outcome.detail})" if outcome.detail else "its processes run"
            return replace(seen, reason=shown.reason, detail=shown.detail or told)
        case Status.MISMATCH if covered or shown.status is Status.EMULATED:
            return replace(seen, reason=shown.reason, detail=shown.detail or f"a mount stands over {outcome.path}")
        case Status.OK if shown.status is Status.EMULATED:
            return replace(seen, reason=shown.reason, detail=shown.detail)
    return seen


# ---------------------------------------------------------------- what the runtime said


_STARTED = Evidence("runtime", "it is up, or ended with 0")


def _although_it_runs(outcome: Conclusion, workload: Workload) -> Conclusion:
    """What has started is no mismatch here and now: a volume stands in, an emulator is gone since, a label errs.

    Where the engine told nothing of its image, only today's tag is known to be wrong.
    """
    if outcome.status is not Status.MISMATCH or not has_started(workload):
        return outcome
    reason = Reason.PLATFORM_LOST if workload.local is None else Reason.MISLABELLED
    detail = f"it runs here although {outcome.detail}"
    return replace(outcome, reason=reason, detail=detail, evidence=(*outcome.evidence, _STARTED))


_OF_A_FILE = {
    Reason.BINARY_UNKNOWN, Reason.ENTRYPOINT_MISSING, Reason.INTERPRETER_MISSING, Reason.LOADER_MISSING,
}  # fmt: skip
"""What a chain ends with at a file that stands on a mount, or is not there without one."""

_MAY_BE_MOUNTED = {Reason.ENTRYPOINT_MISSING, Reason.INTERPRETER_MISSING, Reason.LOADER_MISSING}


def _mounted(outcome: Conclusion, kernel: Kernel, workload: Workload) -> Conclusion:
    """What an image lacks may come from a volume, which no registry knows of: then only the runtime can tell."""
    platform = workload.local.platform if workload.local else None
    not_the_images = outcome.reason is Reason.BINARY_UNKNOWN and is_mounted(workload, outcome.path)
    if (outcome.status is Status.BROKEN or not_the_images) and has_started(workload) and platform is not None:
        metadata = executes(kernel, platform)
        if metadata.how in {How.NATIVE, How.EMULATED}:
            detail = f"it starts here: a volume must stand in for the image ({outcome.detail})"
            return replace(outcome, reason=metadata.reason, detail=detail, evidence=(*outcome.evidence, _STARTED))
    if _forbids_exec(outcome, workload) and not has_started(workload):
        detail = f"{outcome.path} is on a mount with noexec: the kernel executes nothing there"
        return replace(outcome, reason=Reason.PERMISSION_DENIED, detail=detail)
    if outcome.path and is_mounted(workload, outcome.path) and outcome.status in {Status.BROKEN, Status.MISMATCH}:
        detail = f"{outcome.path} is below a mount, so that it is not the image's ({outcome.detail})"
        return replace(outcome, reason=Reason.BINARY_UNKNOWN, detail=detail)
    if outcome.reason in _MAY_BE_MOUNTED and workload.process is not None and workload.mounts is None:
        detail = f"{outcome.detail}; its command is not the image's own, so a volume may hold it"
        return replace(outcome, reason=Reason.BINARY_UNKNOWN, detail=detail)
    return outcome


def is_mounted(workload: Workload, path: str) -> bool:
    """Whether something stands over this path of the image."""
    return any(_is_below(path, mount.destination) for mount in workload.mounts or ())


def _forbids_exec(outcome: Conclusion, workload: Workload) -> bool:
    """Whether a file of the chain stands on a mount from which nothing is executed; the innermost mount decides."""
    if outcome.failure is None or not outcome.failure.path or outcome.reason not in _OF_A_FILE:
        return False
    over = [mount for mount in workload.mounts or () if _is_below(outcome.failure.path, mount.destination)]
    return bool(over) and max(over, key=lambda mount: len(mount.destination.rstrip("/"))).noexec


def _is_below(path: str, directory: str) -> bool:
    root = directory.rstrip("/")
    return path == root or path.startswith(f"{root}/")


def _program_of(workload: Workload, ran: Offer | None) -> Program | None:
    """What was followed of a container's way; an init of its engine's stands before what the image says."""
    if workload.process is not None and workload.process.init:
        return None
    if ran is not None:
        return ran.program
    return workload.local.program if workload.local is not None else None


def _hear_runtime(outcome: Conclusion, workload: Workload, program: Program | None) -> Conclusion:
    """The runtime's own error overrules every label; where we know more precisely why, it confirms us.

    An end that nothing explains is never a start: nobody is accused, nobody acquitted. What a program that was followed
    and starts repeats of its children is no word of the runtime's.
    """
    if workload.stage is Stage.PLANNED or has_stood(workload):
        return outcome
    heard = observe(workload.error, workload.log, workload.exit_code, workload.ran_s)
    starts = outcome.status in {Status.OK, Status.DEGRADED}
    if heard is not None and not (starts and is_of_a_child(heard, program)):
        return _confirmed(outcome, heard.reason, heard.cause, heard.phrase)
    refused = workload.error.strip() if not is_up(workload) else ""
    if refused:
        return _confirmed(outcome, Reason.ENGINE_REFUSED, _refusal(refused), refused)
    code = last_exit_code(workload)
    if code in NEVER_STARTED_CODES:
        return _confirmed(outcome, Reason.CRASH_UNEXPLAINED, f"it ended with {code}", f"exit code {code}")
    if code:
        return replace(outcome, evidence=(*outcome.evidence, Evidence("runtime", f"it keeps ending with {code}")))
    return outcome


def _refusal(said: str) -> str:
    instead = acquits(said)
    return f"the engine refused it, {f'not for the CPU: {instead}' if instead else 'and nobody knows why'} ({said})"


def _confirmed(outcome: Conclusion, reason: Reason, detail: str, said: str) -> Conclusion:
    """What the image's own bytes prove stays the reason; anything less gives way to what was seen."""
    evidence = (*outcome.evidence, Evidence("runtime", said))
    if outcome.status in {Status.MISMATCH, Status.BROKEN}:
        return replace(outcome, evidence=evidence)
    return replace(outcome, reason=reason, detail=detail, evidence=evidence)


# ---------------------------------------------------------------- what comes next


def _today(  # noqa: PLR0913, PLR0917 -- the line of reasoning needs all of its premises
    outcome: Conclusion,
    kernel: Kernel,
    engine: Engine,
    workload: Workload,
    depth: Depth,
    next_pull: ImageFacts | Failure | None,
) -> Conclusion | None:
    """How what the tag means today would fare; ``None`` where nobody asked, or nothing would follow."""
    if not isinstance(next_pull, ImageFacts) or outcome.status is Status.UNKNOWN:
        return None
    return _if_pulled(kernel, engine, workload, next_pull, depth)


def _look_ahead(
    outcome: Conclusion, today: Conclusion | None, workload: Workload, next_pull: ImageFacts | Failure | None
) -> tuple[Conclusion, NextPull]:
    """What the tag means today is an answer of its own: not knowing it never changes what is known of what runs.

    What runs now may be lost at the next pull: the tag has moved on, or is gone.
    """
    if next_pull is None or outcome.status in {Status.MISMATCH, Status.BROKEN, Status.UNKNOWN}:
        return outcome, NextPull.NOT_ASKED
    if isinstance(next_pull, Failure):
        if next_pull.reason is Reason.IMAGE_TAG_MISSING:
            detail = f"the registry no longer has {workload.image}: the next pull fails"
            return replace(outcome, reason=Reason.TAG_GONE, detail=detail), NextPull.GONE
        if next_pull.reason is Reason.IMAGE_NO_PLATFORMS:
            detail = f"the next pull of {workload.image} will not start: {_NONE_OFFERED.detail}"
            return replace(outcome, reason=Reason.NEXT_PULL_BROKEN, detail=detail), NextPull.BREAKS
        return _not_known(outcome, next_pull.reason, next_pull.detail)
    if today is None:  # pragma: no cover - it was judged, since what runs is known
        return outcome, NextPull.UNKNOWN
    match today.status:
        case Status.MISMATCH:
            reason = Reason.PLATFORM_LOST
        case Status.BROKEN:
            reason = Reason.NEXT_PULL_BROKEN
        case Status.UNKNOWN:
            return _not_known(outcome, today.reason, today.detail)
        case _:
            return outcome, NextPull.STARTS
    detail = f"the next pull of {workload.image} will not start: {today.detail}"
    return replace(
        outcome, reason=reason, detail=detail, evidence=(*outcome.evidence, *today.evidence)
    ), NextPull.BREAKS


def _not_known(outcome: Conclusion, reason: Reason, detail: str) -> tuple[Conclusion, NextPull]:
    says = Evidence("next_pull", f"what the tag means today is not known: {reason}: {detail}".rstrip(": "))
    return replace(outcome, evidence=(*outcome.evidence, says)), NextPull.UNKNOWN


# ---------------------------------------------------------------- the verdict


_IDLE = {EngineState.DOWN: ", which is down now", EngineState.UNUSED: ", never used yet"}


def _host_evidence(host: HostFacts, engine: Engine) -> tuple[Evidence, ...]:
    kernel = host.kernel
    level = f" x86-64-v{kernel.cpu_level}" if kernel.cpu_level else ""
    return (
        Evidence("host", f"{kernel.system} {kernel.machine}{level}"),
        Evidence("engine", f"{engine.key} {engine.version} for {engine.platform}{_IDLE.get(engine.state, '')}"),
    )


def _ran(workload: Workload, image: ImageFacts | Failure | None, engine: Engine, kernel: Kernel) -> Offer | None:
    return running_offer(workload, image, engine, kernel) if isinstance(image, ImageFacts) else None


def _verdict(
    outcome: Conclusion,
    image: ImageFacts | Failure | None,
    trouble: remedy.Trouble,
    ahead: NextPull = NextPull.NOT_ASKED,
) -> Verdict:
    offered = image.platforms if isinstance(image, ImageFacts) else ()
    return Verdict(
        reason=outcome.reason,
        detail=outcome.detail,
        evidence=outcome.evidence,
        fix=remedy.fix(outcome.reason, trouble),
        offered=tuple(map(canonical, offered)),
        digest=outcome.digest or (image.digest if isinstance(image, ImageFacts) else None),
        next_pull=ahead,
        failure=outcome.failure if outcome.failure and outcome.failure.concerns else None,
    )
