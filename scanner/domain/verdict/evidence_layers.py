"""Whether one manifest starts, weighed layer of evidence by layer of evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.domain.facts import Failure
from scanner.domain.platform.platform import Platform, canonical
from scanner.domain.verdict.execution import Execution, How, executes
from scanner.domain.verdict.pages import mapped, suspected
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.verdict import Depth, Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.facts import Kernel, Offer, Program


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one line of reasoning came to, before it is dressed as a verdict."""

    reason: Reason
    detail: str = ""
    path: str = ""
    evidence: tuple[Evidence, ...] = ()
    digest: str = ""
    failure: Failure | None = None

    @property
    def status(self) -> Status:
        """The status that the reason stands for."""
        return STATUS_OF[self.reason]

    def saying(self, *more: Evidence) -> Outcome:
        """The same outcome with earlier layers' evidence put in front."""
        return replace(self, evidence=(*more, *self.evidence))


def unknown(failure: Failure, path: str = "", evidence: tuple[Evidence, ...] = ()) -> Outcome:
    """The outcome of what could not be had."""
    return Outcome(failure.reason, failure.detail, path, evidence, failure=failure)


def offered(kernel: Kernel, offer: Offer, *, indexed: bool, depth: Depth) -> Outcome:
    """Whether one manifest starts, layer of evidence by layer of evidence."""
    found = _by_layers(kernel, offer, indexed=indexed, depth=depth)
    evidence = []
    if offer.entry and indexed:
        evidence.append(Evidence("index", f"{offer.entry} ({offer.digest[:19]})"))
    if isinstance(offer.config, Platform):
        evidence.append(Evidence("config", str(offer.config)))
    return replace(found.saying(*evidence), digest=offer.digest)


def _by_layers(kernel: Kernel, offer: Offer, *, indexed: bool, depth: Depth) -> Outcome:
    needs_config = depth is not Depth.INDEX or not indexed or offer.entry is None
    if needs_config and isinstance(offer.config, Failure):
        return unknown(offer.config)
    if needs_config and offer.config is None:
        return Outcome(Reason.IMAGE_ARCH_UNKNOWN, "the image's config was not read")
    claimed = offer.config if isinstance(offer.config, Platform) else offer.entry
    if claimed is None or not claimed.architecture:
        return Outcome(Reason.IMAGE_ARCH_UNKNOWN, "neither index nor config names an architecture")
    agrees = offer.entry is None or agree(offer.entry, claimed)
    metadata = executes(kernel, claimed)
    if depth is Depth.BINARY:
        if offer.program is None:
            return Outcome(Reason.BINARY_NOT_INSPECTED, "the entrypoint's binary was not read")
        return binary(kernel, offer.program, claimed, metadata, agrees=agrees)
    if not agrees and offer.entry and How.NATIVE in {metadata.how, executes(kernel, offer.entry).how}:
        return Outcome(Reason.CONFIG_DISAGREES, f"the index says {offer.entry}, the config {claimed}")
    return executed(metadata)


def agree(one: Platform | None, other: Platform) -> bool:
    """Whether two labels name the same CPU; a variant that one of them leaves out is no contradiction."""
    if one is None:
        return False
    a, b = canonical(one), canonical(other)
    variants_clash = bool(one.variant and other.variant) and a.variant != b.variant
    return (a.os, a.architecture) == (b.os, b.architecture) and not variants_clash


def executed(execution: Execution) -> Outcome:
    """What kernel and CPU make of it, and nothing more."""
    return Outcome(execution.reason, execution.detail)


# ---------------------------------------------------------------- what its bytes say

_ORDER = (How.NO, How.UNKNOWN, How.EMULATED, How.NATIVE)

_STARTS_NOT = frozenset({Status.MISMATCH, Status.BROKEN})

MAX_DETAIL = 300
"""Characters of the sentence about ways that fare differently; a longer one fills the page of who is on call."""

_BY_ROLE = {"interpreter": Reason.WRONG_INTERPRETER, "loader": Reason.WRONG_LOADER}


def binary(kernel: Kernel, program: Program, claimed: Platform, metadata: Execution, *, agrees: bool) -> Outcome:
    """The files that argv leads to overrule every label, as far as they speak; ways that agree decide."""
    found = [_one_way(kernel, way, claimed, metadata, agrees=agrees) for way in program.ways]
    first = found[0]
    if len({outcome.status for outcome in found}) == 1 or all(outcome.status in _STARTS_NOT for outcome in found):
        return first
    ends = "; ".join(dict.fromkeys(outcome.detail or f"{outcome.path} starts" for outcome in found))
    why = f"it goes one of {len(found)} ways, which fare differently: {ends}"
    evidence = tuple(dict.fromkeys(each for outcome in found for each in outcome.evidence))
    return Outcome(Reason.SURVEY_PENDING, why[:MAX_DETAIL], first.path, evidence)


def _one_way(kernel: Kernel, program: Program, claimed: Platform, metadata: Execution, *, agrees: bool) -> Outcome:
    evidence = tuple(_chain_evidence(program))
    worst = _worst(kernel, program)
    if worst is not None and worst.status is Status.MISMATCH:
        return _honest(worst, metadata).saying(*evidence)
    if program.problem is not None:
        path = program.chain[-1].path if program.chain else next(iter(program.argv), "")
        return unknown(program.problem, path, evidence)
    if program.at_run_time:
        path = program.chain[-1].path if program.chain else next(iter(program.argv), "")
        return Outcome(Reason.SURVEY_PENDING, program.at_run_time, path, evidence)
    if worst is None:
        return Outcome(Reason.BINARY_UNKNOWN, "argv leads to no binary", evidence=evidence)
    found = _labels_too(worst, program, claimed, metadata, agrees=agrees)
    return (_pages_too(kernel, program, found) if found.status is Status.OK else found).saying(*evidence)


def _pages_too(kernel: Kernel, program: Program, found: Outcome) -> Outcome:
    """A suspicion about the kernel's pages, where nothing else is wrong."""
    for file in program.chain:
        why = suspected(kernel, file.elf) if file.elf else ""
        if why:
            return Outcome(Reason.PAGE_SIZE_SUSPECT, f"{file.path}: {why}", file.path)
    return found


def _honest(worst: Outcome, metadata: Execution) -> Outcome:
    """A binary that will not start is no surprise where the label says so as well."""
    if worst.reason is Reason.WRONG_BINARY and metadata.reason is Reason.WRONG_PLATFORM:
        return replace(worst, reason=Reason.WRONG_PLATFORM)
    return worst


def _labels_too(worst: Outcome, program: Program, claimed: Platform, metadata: Execution, *, agrees: bool) -> Outcome:
    """A binary that starts settles the architecture; a level that only the label names still counts."""
    if worst.status is not Status.OK:
        return worst
    actual = {e.elf.needs.architecture for e in program.chain if e.elf and e.elf.needs}
    if not agrees:
        return Outcome(Reason.CONFIG_DISAGREES, f"index and config disagree: the config says {claimed}")
    if canonical(claimed).architecture not in actual:
        return Outcome(Reason.MISLABELLED, f"labelled {claimed}, its binary is for {', '.join(sorted(actual))}")
    return executed(metadata)


def _worst(kernel: Kernel, program: Program) -> Outcome | None:
    """The file of the chain that fares worst; ``None`` when the chain holds no binary."""
    fates = []
    for file in program.chain:
        if file.elf is None:
            continue
        if file.elf.needs is None:
            fates.append((How.NO, _no_platform(kernel, file.path, file.elf.machine)))
            continue
        execution = mapped(kernel, file.elf, executes(kernel, file.elf.needs))
        reason = execution.reason
        if reason is Reason.WRONG_PLATFORM:
            reason = _BY_ROLE.get(file.role, Reason.WRONG_BINARY)
        detail = execution.detail or f"it is for {file.elf.needs}"
        fates.append((execution.how, Outcome(reason, f"{file.path}: {detail}", file.path)))
    return min(fates, key=lambda fate: _ORDER.index(fate[0]))[1] if fates else None


def _no_platform(kernel: Kernel, path: str, machine: int) -> Outcome:
    """An ELF machine that no platform names: certain to fail only where no handler could take it."""
    detail = f"{path} is for ELF machine {machine}, which no platform of this fleet executes"
    binfmt = kernel.binfmt
    if binfmt is not None and not (binfmt.enabled and any(entry.enabled for entry in binfmt.entries)):
        return Outcome(Reason.WRONG_BINARY, detail, path)
    return Outcome(Reason.BINARY_UNKNOWN, detail, path)


def _chain_evidence(program: Program) -> Iterable[Evidence]:
    for file in program.chain:
        if file.elf:
            yield Evidence("binary", f"{file.role} {file.path}: ELF {file.elf.needs or file.elf.machine}")
        elif file.shebang:
            yield Evidence("binary", f"{file.role} {file.path}: script {file.shebang}")
        else:
            yield Evidence("binary", f"{file.role} {file.path}: {file.kind}")
