"""The circumstances of a workload, for its remedy: what it holds, what its tag offers, what chose its platform."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.facts import Stage
from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts
from scanner.domain.image.selection import Outcome as Choice
from scanner.domain.image.selection import select
from scanner.domain.platform.binfmt import FIX_BINARY, emulation, emulator_name
from scanner.domain.platform.platform import canonical
from scanner.domain.verdict.execution import How, executes
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.verdict.remedy.trouble import Handler, Pin, Trouble

if TYPE_CHECKING:
    from scanner.domain.facts import BinfmtEntry, Engine, Kernel, Workload
    from scanner.domain.image.offers import Offer
    from scanner.domain.platform.platform import Platform
    from scanner.domain.verdict.evidence_layers import Conclusion


def told(  # noqa: PLR0913, PLR0917 -- everything that a judgement rests on
    outcome: Conclusion,
    workload: Workload,
    image: ImageFacts | Failure | None,
    next_pull: ImageFacts | Failure | None = None,
    kernel: Kernel | None = None,
    engine: Engine | None = None,
    ran: Offer | None = None,
    starts_today: Status | None = None,
) -> Trouble:
    """What is known of a workload's trouble.

    Args:
        outcome: what the judgement came to.
        workload: what was judged.
        image: what it was made from, or will be.
        next_pull: what its tag means today, ``None`` where that is the same, or no tag is.
        kernel: what executes it, ``None`` where the host or its engine is not known.
        engine: what runs it.
        ran: the very manifest that a container was made from.
        starts_today: how what the tag means today would fare, where that was judged.
    """
    is_asked = next_pull is not None or _is_of_its_name(workload, image)
    today = image if next_pull is None and is_asked else next_pull
    offered = today.platforms if isinstance(today, ImageFacts) else ()
    own = engine.platform if engine and engine.platform else None
    if own is None and kernel is not None:
        own = kernel.platform
    made = Trouble(
        host=workload.host,
        image=workload.image,
        reference=workload.reference,
        needed=canonical(own) if own else None,
        offered=tuple(map(canonical, offered)),
        path=outcome.path or (outcome.failure.path if outcome.failure else ""),
        running=next(iter(workload.local.repo_digests), "") if workload.local else "",
        engine=engine.kind if engine else None,
        workload=workload,
        failure=outcome.failure,
        become=(kernel and kernel.becomes_root_by) or "sudo",
        is_asked=is_asked,
    )
    if kernel is None or engine is None:
        return made
    pin = _pin(workload, engine)
    if pin is not None and executes(kernel, pin.platform).how is How.NATIVE:
        return _with_emulator(replace(made, needed=canonical(pin.platform)), kernel, outcome, None, today)
    held = _held(workload, ran)
    found = replace(
        made,
        held=held,
        pin=pin,
        since=_since(workload, kernel),
        native=_native(kernel, engine, today, held, starts_today),
    )
    return _with_emulator(found, kernel, outcome, held or (pin.platform if pin else None), today)


def _is_of_its_name(workload: Workload, image: ImageFacts | Failure | None) -> bool:
    """Whether what is known of an image tells what its name offers; a digest under another name tells nothing of that."""
    own = workload.reference
    if not isinstance(image, ImageFacts) or isinstance(own, Failure) or own.digest:
        return True
    return image.reference.startswith((f"{own.name}:", f"{own.name}@"))


def _pin(workload: Workload, engine: Engine) -> Pin | None:
    """What asked for another platform than the host's own."""
    if workload.pinned is not None:
        return Pin(canonical(workload.pinned), workload.pinned_at)
    return Pin(canonical(engine.default_platform), is_default=True) if engine.default_platform is not None else None


def _held(workload: Workload, ran: Offer | None) -> Platform | None:
    """What the host's own copy is for."""
    if workload.stage is Stage.PLANNED:
        return None
    known = workload.local.platform if workload.local else None
    known = known or (ran.platform if ran else None)
    return canonical(known) if known else None


def _since(workload: Workload, kernel: Kernel) -> Platform | None:
    """What the name of an image that no registry has means on its host since, where that starts there."""
    since = workload.local.since if workload.local else None
    return canonical(since) if since and executes(kernel, since).how is How.NATIVE else None


def _native(
    kernel: Kernel,
    engine: Engine,
    today: ImageFacts | Failure | None,
    held: Platform | None,
    starts_today: Status | None,
) -> Platform | None:
    """What the engine would take of today's tag if nobody chose for it, where that starts here."""
    if not isinstance(today, ImageFacts) or starts_today in {Status.MISMATCH, Status.BROKEN}:
        return None
    choice = select(replace(engine, default_platform=None), today.offers, None, kernel, is_index=today.is_index)
    platform = today.offers[choice.order[0]].platform if choice.outcome is Choice.TAKEN else None
    if platform is None or executes(kernel, platform).how is not How.NATIVE:
        return None
    is_same = canonical(platform) == held
    return canonical(platform) if not is_same or starts_today is Status.OK else None


def _with_emulator(
    trouble: Trouble, kernel: Kernel, outcome: Conclusion, foreign: Platform | None, today: ImageFacts | Failure | None
) -> Trouble:
    """The handler that the kernel has for the CPU that the image is for."""
    offered = today.platforms if isinstance(today, ImageFacts) else ()
    if outcome.reason is Reason.NATIVE_SHADOWED:
        maybe = (*(() if foreign is None else (foreign,)), kernel.platform, *offered)
        foreign = next((p for p in maybe if executes(kernel, p).reason is Reason.NATIVE_SHADOWED), None)
    if foreign is None:
        foreign = next((p for p in offered if executes(kernel, p).how is not How.NATIVE), None)
    if foreign is None:
        return trouble
    architecture = canonical(foreign).architecture
    found = emulation(kernel.binfmt, architecture)
    is_off = kernel.binfmt is not None and not kernel.binfmt.enabled
    return replace(trouble, emulator=_handler(found.entry), emulates=architecture, binfmt_off=is_off)


def _handler(entry: BinfmtEntry | None) -> Handler | None:
    if entry is None:
        return None
    return Handler(entry.name, entry.interpreter, emulator_name(entry), entry.enabled, FIX_BINARY in entry.flags)
