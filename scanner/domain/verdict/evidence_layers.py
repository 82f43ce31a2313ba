"""Whether one manifest starts, weighed layer of evidence by layer of evidence."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.image.image_survey import Survey
from scanner.domain.platform.binfmt import Handling, emulation, interpreters
from scanner.domain.platform.elf_machine import described, of_narrow_pointers
from scanner.domain.platform.platform import Platform, canonical
from scanner.domain.verdict.engine_rules import on_engine
from scanner.domain.verdict.execution import Execution, How, executes, names_no_world
from scanner.domain.verdict.memory_pages import mapped, suspected
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.survey import weigh
from scanner.domain.verdict.survey_ways import INTERPRETERS
from scanner.domain.verdict.verdict import NOT_READ_TO_ITS_END, Depth, Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.facts import Engine, Kernel
    from scanner.domain.image.offers import Elf, Executable, Offer, Program
    from scanner.domain.image.reference import Digest


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What one line of reasoning came to, before it is dressed as a verdict."""

    reason: Reason
    detail: str = ""
    path: str = ""
    evidence: tuple[Evidence, ...] = ()
    digest: Digest | None = None
    failure: Failure | None = None

    @property
    def status(self) -> Status:
        """The status that the reason stands for."""
        return STATUS_OF[self.reason]

    def saying(self, *more: Evidence) -> Conclusion:
        """The same outcome with earlier layers' evidence put in front."""
        return replace(self, evidence=(*more, *self.evidence))


def unknown(failure: Failure, path: str = "", evidence: tuple[Evidence, ...] = ()) -> Conclusion:
    """The outcome of what could not be had."""
    return Conclusion(failure.reason, failure.detail, path, evidence, failure=failure)


def offered(  # noqa: PLR0913 -- all that one manifest is weighed with
    kernel: Kernel, offer: Offer, *, indexed: bool, depth: Depth, engine: Engine | None = None, pulls: bool = True
) -> Conclusion:
    """Whether one manifest starts on this engine, layer of evidence by layer of evidence.

    ``pulls`` tells that the engine has still to fetch and unpack it.
    """
    if offer.program is not None:
        offer = replace(offer, program=on_engine(offer.program, engine, pulls=pulls))
    found = _by_layers(kernel, offer, indexed=indexed, depth=depth)
    evidence = []
    if offer.entry and indexed:
        evidence.append(Evidence("index", f"{offer.entry} ({offer.digest[:19]})"))
    if isinstance(offer.config, Platform):
        evidence.append(Evidence("config", str(offer.config)))
    return replace(found.saying(*evidence), digest=offer.digest)


def _by_layers(kernel: Kernel, offer: Offer, *, indexed: bool, depth: Depth) -> Conclusion:
    needs_config = depth is not Depth.INDEX or not indexed or offer.entry is None
    if needs_config and isinstance(offer.config, Failure):
        return unknown(offer.config)
    claimed = offer.config if isinstance(offer.config, Platform) else None if needs_config else offer.entry
    if claimed is None:
        return Conclusion(Reason.IMAGE_ARCH_UNKNOWN, "the image's config was not read")
    if lacks := _lacks(claimed):
        return _without_label(kernel, offer, lacks, depth)
    agrees = offer.entry is None or agree(offer.entry, claimed)
    metadata = executes(kernel, claimed)
    if depth.opens_programs:
        if offer.program is None:
            return Conclusion(Reason.BINARY_NOT_INSPECTED, "the entrypoint's binary was not read")
        found = binary(kernel, offer.program, claimed, metadata, agrees=agrees, survey=offer.survey)
        return checked(kernel, found, offer.checks)
    if not agrees and offer.entry and How.NATIVE in {metadata.how, executes(kernel, offer.entry).how}:
        return Conclusion(Reason.CONFIG_DISAGREES, f"the index says {offer.entry}, the config {claimed}")
    return executed(metadata)


def _lacks(config: Platform) -> str:
    """What a config leaves out; engines start such an image whatever its binary is for (seen with all of them)."""
    return " and no ".join(["operating system"] * (not config.os) + ["architecture"] * (not config.architecture))


def _without_label(kernel: Kernel, offer: Offer, lacks: str, depth: Depth) -> Conclusion:
    """Only the binary can tell what a config leaves out; at best the config is to be mended."""
    detail = f"the config names no {lacks}"
    if not depth.opens_programs:
        return Conclusion(Reason.IMAGE_ARCH_UNKNOWN, detail)
    if offer.program is None:
        return Conclusion(Reason.BINARY_NOT_INSPECTED, f"{detail}, and the entrypoint's binary was not read")
    found = binary(kernel, offer.program, None, _UNLABELLED, agrees=False, disagrees=detail, survey=offer.survey)
    return checked(kernel, found, offer.checks)


_UNLABELLED = Execution(How.UNKNOWN, Reason.IMAGE_ARCH_UNKNOWN)


def agree(one: Platform | None, other: Platform) -> bool:
    """Whether two labels name the same CPU; a variant that one of them leaves out is no contradiction."""
    if one is None:
        return False
    a, b = canonical(one), canonical(other)
    variants_clash = bool(one.variant and other.variant) and a.variant != b.variant
    return (a.os, a.architecture) == (b.os, b.architecture) and not variants_clash


def executed(execution: Execution) -> Conclusion:
    """What kernel and CPU make of it, and nothing more."""
    return Conclusion(execution.reason, execution.detail)


# ---------------------------------------------------------------- what its bytes say

MAX_LIBRARIES_NAMED = 20
"""In one line of evidence; `archscan image` lists all."""

_ORDER = (How.NO, How.UNKNOWN, How.EMULATED, How.NATIVE)

_STARTS_NOT = frozenset({Status.MISMATCH, Status.BROKEN})

MAX_DETAIL = 300
"""Characters of the sentence about ways that fare differently; a longer one fills the page of who is on call."""

_BY_ROLE = {"interpreter": Reason.WRONG_INTERPRETER, "loader": Reason.WRONG_LOADER, "library": Reason.WRONG_LIBRARY}


@dataclass(frozen=True, slots=True)
class _Label:
    """What an image says it is for; ``disagrees`` is what is wrong with one that is none, so that ``claimed`` is ``None``."""

    claimed: Platform | None
    metadata: Execution
    agrees: bool
    disagrees: str = ""


def binary(  # noqa: PLR0913 -- all that a manifest's files are weighed with
    kernel: Kernel,
    program: Program,
    claimed: Platform | None,
    metadata: Execution,
    *,
    agrees: bool,
    disagrees: str = "",
    survey: Survey | Failure | None = None,
) -> Conclusion:
    """The files that argv leads to overrule every label, as far as they speak; the survey says what they leave open.

    Ways that agree decide. ``disagrees`` is what is wrong with a label that is none, so that ``claimed`` is ``None``.
    """
    label = _Label(claimed, metadata, agrees, disagrees)
    found = [_one_way(kernel, way, label, survey) for way in program.ways]
    first = found[0]
    if len({outcome.status for outcome in found}) == 1 or all(outcome.status in _STARTS_NOT for outcome in found):
        return first
    ends = "; ".join(dict.fromkeys(outcome.detail or f"{outcome.path} starts" for outcome in found))
    why = f"it goes one of {len(found)} ways, which fare differently: {ends}"
    evidence = tuple(dict.fromkeys(each for outcome in found for each in outcome.evidence))
    reason = Reason.SURVEY_PENDING
    if isinstance(survey, Survey) and survey.whole:  # it cannot settle which way is gone
        foreign = any(outcome.status is Status.MISMATCH for outcome in found)
        reason = Reason.FOREIGN_BINARIES if foreign else Reason.BINARY_UNKNOWN
    return Conclusion(reason, why[:MAX_DETAIL], first.path, evidence)


def _one_way(kernel: Kernel, program: Program, label: _Label, survey: Survey | Failure | None) -> Conclusion:
    evidence = tuple(_chain_evidence(program))
    worst = _worst(kernel, program)
    if worst is not None and worst.status is Status.MISMATCH:
        return _honest(worst, label.metadata).saying(*evidence)
    starts = worst is not None and worst.status in {Status.OK, Status.EMULATED}
    if starts and (unserved := _of_services(kernel, program, _LACKING)) is not None:
        return unserved.saying(*evidence)
    if program.problem is not None:
        path = program.chain[-1].path if program.chain else next(iter(program.argv), "")
        return unknown(program.problem, program.problem.path or path, evidence)
    if program.at_run_time and not (isinstance(survey, Survey) and survey.whole):
        path = program.chain[-1].path if program.chain else next(iter(program.argv), "")
        return _not_surveyed(program, survey, path, evidence)
    if worst is None:
        return Conclusion(Reason.BINARY_UNKNOWN, "argv leads to no binary", evidence=evidence)
    if label.claimed is None:
        if worst.status in {Status.OK, Status.EMULATED}:
            worst = replace(worst, reason=Reason.CONFIG_DISAGREES, detail=f"{label.disagrees}; {worst.detail}")
        return worst.saying(*evidence)
    labelled = _labels_too(worst, program, label.claimed, label.metadata, agrees=label.agrees)
    found = _surveyed(labelled, kernel, program, survey)
    judged = _pages_too(kernel, program, found) if found.status is Status.OK else found
    if judged.status is Status.OK:
        judged = _of_services(kernel, program, _EMULATED) or judged
    return judged.saying(*evidence, *_unsurveyed(program, survey))


_LACKING = (
    (Status.MISMATCH, "its supervisor goes on, but the service {} does not start: {}"),
    (Status.UNKNOWN, "its supervisor goes on, but the service {} may not start: {}"),
)
_EMULATED = ((Status.EMULATED, "the service {} starts only through an emulator: {}"),)


def _of_services(kernel: Kernel, program: Program, fates: tuple[tuple[Status, str], ...]) -> Conclusion | None:
    """How a service fares without which a supervisor goes on, the first of these fates that one of them has."""
    for status, says in fates:
        for service in program.services:
            found = (_worst(kernel, way) for way in service.ways)
            fate = next((each for each in found if each is not None and each.status is status), None)
            if fate is not None:
                reason = Reason.FOREIGN_USERLAND if status is Status.MISMATCH else fate.reason
                detail = says.format(repr(" ".join(service.argv)), fate.detail)
                return replace(fate, reason=reason, detail=detail[:MAX_DETAIL])
    return None


def _pages_too(kernel: Kernel, program: Program, found: Conclusion) -> Conclusion:
    """A suspicion about the kernel's pages, where nothing else is wrong."""
    for file in program.chain:
        why = suspected(kernel, file.elf) if file.elf else ""
        if why:
            return Conclusion(Reason.PAGE_SIZE_SUSPECT, f"{file.path}: {why}", file.path)
    return found


def _not_surveyed(
    program: Program, survey: Survey | Failure | None, path: str, evidence: tuple[Evidence, ...]
) -> Conclusion:
    """What a script decides at run time nobody knows before all files of the image were read."""
    if isinstance(survey, Failure):
        failure = replace(survey, detail=f"{program.at_run_time}; the image's files cannot be read: {survey.detail}")
        return unknown(failure, path, evidence)
    return Conclusion(Reason.SURVEY_PENDING, program.at_run_time, path, evidence)


def _surveyed(found: Conclusion, kernel: Kernel, program: Program, survey: Survey | Failure | None) -> Conclusion:
    """What starts may still be, or call, something for another CPU."""
    if isinstance(survey, Failure) or survey is None:
        return found
    shown = weigh(kernel, program, survey)
    says = Evidence("survey", shown.says)
    if shown.reason is None or found.status not in {Status.OK, Status.EMULATED}:
        return replace(found, evidence=(*found.evidence, says))
    return Conclusion(shown.reason, shown.detail, shown.path, (*found.evidence, says))


def checked(kernel: Kernel, found: Conclusion, checks: tuple[Program, ...]) -> Conclusion:
    """What health checks, probes and hooks run must be for this CPU too; what else may be wrong with them is theirs."""
    if found.status not in {Status.OK, Status.EMULATED}:
        return found
    for check in checks:
        worst = _worst(kernel, check)
        if worst is not None and worst.status is Status.MISMATCH:
            detail = f"its health check or hook {' '.join(check.argv)!r} does not start: {worst.detail}"
            return replace(found, reason=Reason.HEALTHCHECK_WRONG_BINARY, detail=detail, path=worst.path)
    return found


def _honest(worst: Conclusion, metadata: Execution) -> Conclusion:
    """A binary that will not start is no surprise where the label says so as well."""
    if worst.reason is Reason.WRONG_BINARY and metadata.reason is Reason.WRONG_PLATFORM:
        return replace(worst, reason=Reason.WRONG_PLATFORM)
    return worst


def _labels_too(
    worst: Conclusion, program: Program, claimed: Platform, metadata: Execution, *, agrees: bool
) -> Conclusion:
    """A binary that starts settles the architecture; a level that only the label names leaves the level open.

    Every engine starts such an image, and few programs carry a note of the level that they were compiled for.
    """
    if worst.status is not Status.OK:
        return worst
    actual = {e.elf.needs.architecture for e in program.chain if e.elf and e.elf.needs}
    if not agrees:
        return Conclusion(Reason.CONFIG_DISAGREES, f"index and config disagree: the config says {claimed}")
    if canonical(claimed).architecture not in actual or metadata.reason is Reason.WRONG_PLATFORM:
        return Conclusion(Reason.MISLABELLED, f"labelled {claimed}, its binary is for {', '.join(sorted(actual))}")
    if metadata.reason is Reason.CPU_LEVEL_TOO_LOW:
        detail = f"labelled {claimed}, which this CPU is not; its program's bytes name no level"
        return Conclusion(Reason.CPU_LEVEL_UNKNOWN, detail)
    if metadata.reason is Reason.CPU_LEVEL_UNKNOWN and names_no_world(claimed):
        return worst
    return executed(metadata)


def _worst(kernel: Kernel, program: Program) -> Conclusion | None:
    """The file of the chain that fares worst; ``None`` when the chain holds no binary."""
    fates = []
    for file in program.chain:
        if file.elf is None:
            continue
        if file.elf.needs is None:
            fates.append((How.NO, _no_platform(kernel, file.path, file.elf)))
            continue
        carried = _carries_emulator(kernel, program, file.elf.needs)
        execution = mapped(kernel, file.elf, executes(kernel, file.elf.needs, carried=carried))
        reason = execution.reason
        if reason is Reason.WRONG_PLATFORM:
            reason = _BY_ROLE.get(file.role, Reason.WRONG_BINARY)
        detail = execution.detail or f"it is for {file.elf.needs}"
        fates.append((execution.how, Conclusion(reason, f"{file.path}: {detail}", file.path)))
    return min(fates, key=lambda fate: _ORDER.index(fate[0]))[1] if fates else None


def _carries_emulator(kernel: Kernel, program: Program, need: Platform) -> bool | None:
    """Whether the image holds the emulator of the host's handler, in a form that this host starts."""
    found = emulation(kernel.binfmt, need.architecture)
    if found.handling is not Handling.HOST_ONLY or found.entry is None:
        return False
    path = found.entry.interpreter
    inside = next((file for file in program.emulators or () if file.path == path), None)
    if inside is None:
        return False if program.emulators is not None and path in interpreters(need.architecture) else None
    is_static = inside.elf is not None and not inside.elf.interpreter and inside.elf.needs is not None
    own = inside.elf.needs if inside.elf and is_static else None
    return True if own and executes(kernel, own).how is How.NATIVE else None


def _no_platform(kernel: Kernel, path: str, elf: Elf) -> Conclusion:
    """An ELF file that no platform names: certain to fail only where no handler, nor the kernel itself, could take it."""
    detail = f"{path} is {described(elf.machine, elf.bits, elf.byte_order)}"
    own = kernel.platform and canonical(kernel.platform).architecture
    if (narrow := of_narrow_pointers(elf.machine, elf.bits, elf.byte_order)) and own in narrow:
        return Conclusion(Reason.BINARY_UNKNOWN, f"{detail}; whether this kernel starts it was not asked", path)
    binfmt = kernel.binfmt
    if binfmt is not None and not (binfmt.enabled and any(entry.enabled for entry in binfmt.entries)):
        return Conclusion(Reason.WRONG_BINARY, detail, path)
    return Conclusion(Reason.BINARY_UNKNOWN, detail, path)


def _chain_evidence(program: Program) -> Iterable[Evidence]:
    for role, files in groupby(program.chain, key=lambda file: file.role):
        told = _libraries_evidence if role == "library" else _files_evidence
        yield from told(tuple(files))
    if program.partly_read:
        more = f" with {len(program.partly_read) - 1} more" if len(program.partly_read) > 1 else ""
        yield Evidence("layer", f"{program.partly_read[0][:19]}{more}: {NOT_READ_TO_ITS_END}")


def _unsurveyed(program: Program, survey: Survey | Failure | None) -> Iterable[Evidence]:
    """What nobody read: an interpreter ends the way, whatever it loads then."""
    if not isinstance(survey, Survey) or not survey.whole:
        ends = next((file.path for file in reversed(program.chain) if file.role not in {"library", "loader"}), "")
        if INTERPRETERS.match(posixpath.basename(ends)):
            yield Evidence("survey", f"what {ends} loads at run time was not surveyed")


def _libraries_evidence(files: tuple[Executable, ...]) -> Iterable[Evidence]:
    """One line for the libraries of one program, by CPU."""
    for needs, same in groupby(files, key=lambda file: file.elf and (file.elf.needs or file.elf.machine)):
        paths = [file.path for file in same]
        told = ", ".join(paths[:MAX_LIBRARIES_NAMED]) + (", …" if len(paths) > MAX_LIBRARIES_NAMED else "")
        yield Evidence("binary", f"the {len(paths)} libraries it needs were read: ELF {needs}: {told}")


def _files_evidence(files: Iterable[Executable]) -> Iterable[Evidence]:
    for file in files:
        if file.elf:
            yield Evidence("binary", f"{file.role} {file.path}: ELF {file.elf.needs or file.elf.machine}")
        elif file.shebang:
            yield Evidence("binary", f"{file.role} {file.path}: script {file.shebang}")
        else:
            yield Evidence("binary", f"{file.role} {file.path}: {file.kind}")
