"""Rows of findings with those of their hosts, in parts: the text of a workload, which both hold, is made once."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.domain.facts import HostFacts, Workload
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Finding, HostReading
    from scanner.domain.verdict.verdict import Verdict
    from scanner.store.codec import Writer

FINDINGS_A_PART = 4000
"""Of which the texts of their workloads, some hundred bytes each, are kept until their hosts are written too."""

Key = tuple[str, str, str, str, str, int]
"""Host, source, workload, stage, image, then an ordinal where a host lists all of that twice."""

_COLUMNS = ("host", "source", "workload", "stage", "image", "ordinal")


@dataclass(frozen=True, slots=True)
class FindingBody:
    """What is written of a finding beside its key and its moments; older rows hold ``waived_until`` too."""

    workload: Workload
    verdict: Verdict
    host_platform: Platform | None = None
    waived_until: float | None = None


@dataclass(frozen=True, slots=True)
class ReadingBody:
    """What a host said, or why it said nothing."""

    reading: HostFacts | Failure


@dataclass(frozen=True, slots=True)
class LabelsBody:
    """A host's labels."""

    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of findings, then rows of hosts, made in this order as they are asked for."""

    findings: Iterable[dict[str, Any]]
    hosts: Iterable[dict[str, Any]]


def parts(
    writer: Writer, findings: Iterable[tuple[Key, int, Finding]], readings: Iterable[HostReading]
) -> Iterator[Part]:
    """All of them, a host's own row in the part that has the first of its findings; each is to be used up before the next."""
    left, remaining = {reading.name: reading for reading in readings}, iter(findings)
    while chunk := list(islice(remaining, FINDINGS_A_PART)):
        named = dict.fromkeys(key[0] for key, _, _ in chunk)
        theirs = [left.pop(host) for host in named if host in left]
        yield Part((_finding_row(writer, *one) for one in chunk), (_host_row(writer, one) for one in theirs))
        writer.forget_workloads()
    yield Part((), (_host_row(writer, one) for one in left.values()))


def body_of(finding: Finding) -> FindingBody:
    """Without what waivers say of it, which are not stored here."""
    return FindingBody(finding.workload, finding.verdict, finding.host_platform)


def _finding_row(writer: Writer, key: Key, row: int, finding: Finding) -> dict[str, Any]:
    return dict(zip(_COLUMNS, key, strict=True)) | {
        "id": row,
        "status": str(finding.verdict.status),
        "reason": str(finding.verdict.reason),
        "body": writer.dumps(body_of(finding)),
        "present": True,
        "first_seen": finding.first_seen,
    }


def _host_row(writer: Writer, reading: HostReading) -> dict[str, Any]:
    failure = reading.reading if isinstance(reading.reading, Failure) else None
    return {
        "name": reading.name,
        "status": "failed" if failure else "ok",
        "reason": str(failure.reason) if failure else None,
        "platform": str(reading.platform) if reading.platform else None,
        "labels": writer.dumps(LabelsBody(reading.labels)),
        "reading": writer.dumps(ReadingBody(reading.reading)),
        "taken_at": reading.taken_at,
        "last_success_at": reading.last_success_at,
    }
