"""Settles a start by what the kernel of another host of the same kind showed of the same start."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.domain.facts import HostFacts, Source
from scanner.domain.finding_groups import HostFindings
from scanner.domain.verdict.reason import PENDING, Reason, Status
from scanner.domain.verdict.verdict import Evidence, Fix

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scanner.domain.facts import Mount, Process, Workload
    from scanner.domain.image.reference import Digest
    from scanner.domain.report import Finding, HostReading

UNDECIDED = PENDING | {Reason.FOREIGN_BINARIES}
"""What a script decides at run time: an equal start shows how it decided."""

Judged = tuple["HostReading", "HostFindings"]
"""One host's reading with its findings."""

Start = tuple[int, str, "Process | None", "tuple[Mount, ...] | None"]
"""All that decides a start: the kind of host, the image's digest, what is said beside it, what stands over its files."""


def with_witnesses(workloads: Sequence[Workload], asked: Callable[[Workload], bool]) -> list[Workload]:
    """Those that are asked about, with those of the same image, since a start of theirs may settle one that is asked about."""
    found = [workload for workload in workloads if asked(workload)]
    names, copies = {each.image for each in found}, {each.local for each in found if each.local is not None}
    return [each for each in workloads if each.image in names or each.local in copies]


def settled(judged: Sequence[Judged], kind: Callable[[HostFacts], int]) -> list[Judged]:
    """The same, in which what a script decides at run time is settled by an equal start that a kernel showed.

    Equal means equal: of a container's own variables only some values leave its host, so that one that sets any is
    no witness for others.
    """
    asked = {finding.verdict.digest for _, findings in judged for finding in _undecided(findings)}
    if not asked:
        return list(judged)
    shown = {
        start: finding for reading, findings in judged for start, finding in _shown(reading, findings, asked, kind)
    }
    return [(reading, _settled(reading, findings, shown, kind)) for reading, findings in judged]


def _undecided(findings: HostFindings) -> Iterable[Finding]:
    if findings.tally.reasons.isdisjoint(UNDECIDED):
        return ()
    return (finding for finding in findings if finding.verdict.reason in UNDECIDED)


def _settled(
    reading: HostReading,
    findings: HostFindings,
    shown: dict[Start, Finding],
    kind: Callable[[HostFacts], int],
) -> HostFindings:
    if not shown or findings.tally.reasons.isdisjoint(UNDECIDED):
        return findings
    return HostFindings(_with_witness(reading, one, shown, kind) for one in findings)


def _shown(
    reading: HostReading, findings: HostFindings, asked: set[Digest | None], kind: Callable[[HostFacts], int]
) -> Iterable[tuple[Start, Finding]]:
    """What kernels showed of the images that are asked about."""
    for finding in findings:
        verdict = finding.verdict
        if verdict.digest not in asked:
            continue
        if verdict.status is Status.OK and any(piece.layer == "kernel" for piece in verdict.evidence):
            start = _start(reading, finding, kind)
            if start is not None:
                yield start, finding


def _start(reading: HostReading, finding: Finding, kind: Callable[[HostFacts], int]) -> Start | None:
    """``None`` where something of it is not known."""
    workload, digest = finding.workload, finding.verdict.digest
    if not digest or not isinstance(reading.reading, HostFacts) or _hides_a_value(workload.process):
        return None
    mounts = workload.mounts
    if mounts is None and workload.source is Source.INVENTORY:
        mounts = ()  # who plans an image alone mounts nothing over it
    return kind(reading.reading), digest, workload.process, mounts


def _hides_a_value(process: Process | None) -> bool:
    return process is not None and any(value is None for _, value in process.env or ())


def _with_witness(
    reading: HostReading, finding: Finding, shown: dict[Start, Finding], kind: Callable[[HostFacts], int]
) -> Finding:
    verdict = finding.verdict
    start = _start(reading, finding, kind) if verdict.reason in UNDECIDED else None
    witness = shown.get(start) if start is not None else None
    if witness is None:
        return finding
    seen = Evidence("kernel", f"the same start was seen on {witness.workload.host} ({witness.workload.name})")
    evidence = (*verdict.evidence, seen)
    return replace(
        finding, verdict=replace(verdict, reason=witness.verdict.reason, detail="", evidence=evidence, fix=Fix())
    )
