"""The JSON document ``archscan/v1`` that a report becomes for commands, the API or other programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import HostFacts
from scanner.domain.failure import Failure
from scanner.domain.platform.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.domain.decision import Decision
    from scanner.domain.report import Finding, HostReading, Report
    from scanner.domain.verdict.verdict import Fix

SCHEMA = "archscan/v1"
"""What a consumer checks first; it changes when a field changes its meaning, never when one is added."""


MAX_MOMENTS = 4096
"""Moments that are kept as they were written: every finding of a report has the one at which it ended."""


def document(report: Report, decision: Decision | None = None) -> dict[str, Any]:
    """The whole report; ``decision`` is present only where something was to be decided."""
    return head_document(report, decision) | {name: list(rows) for name, rows in rows_of(report).items()}


def head_document(report: Report, decision: Decision | None = None) -> dict[str, Any]:
    """What stands in front of the two long lists."""
    head: dict[str, Any] = {"schema": SCHEMA, "scan": scan_document(report)}
    if decision is not None:
        head["decision"] = str(decision)
    return head | {"summary": summary_document(report)}


def rows_of(report: Report) -> dict[str, Iterator[dict[str, Any]]]:
    """The two long lists by name, each row made when it is asked for."""
    return {
        "hosts": (host_document(reading) for reading in report.hosts),
        "findings": (finding_document(finding, report.finished_at) for finding in report.findings),
    }


def scan_document(report: Report) -> dict[str, Any]:
    """Which scan this was; ``complete`` is false when it was ended before every host had its reading."""
    return {
        "id": report.scan_id,
        "started_at": moment(report.started_at),
        "finished_at": moment(report.finished_at),
        "complete": report.complete,
    }


def summary_document(report: Report) -> dict[str, int]:
    """Counts; the six statuses add up to ``workloads``."""
    counts = {str(status): count for status, count in report.counts.items()}
    return {"hosts": len(report.hosts), "workloads": len(report.findings)} | counts


def host_document(host: HostReading) -> dict[str, Any]:
    """One host: its facts, or why there are none."""
    facts = facts_document(host.reading) if isinstance(host.reading, HostFacts) else {}
    return brief_document(host) | {"facts": facts}


def brief_document(host: HostReading) -> dict[str, Any]:
    """The same without its facts."""
    failure = host.reading if isinstance(host.reading, Failure) else None
    return {
        "name": host.name,
        "status": "failed" if failure else "ok",
        "reason": str(failure.reason) if failure else None,
        "detail": failure.detail if failure else "",
        "fix": fix_document(host.fix),
        "platform": str(host.platform) if host.platform else None,
        "labels": dict(host.labels),
        "taken_at": moment(host.taken_at),
        "last_success_at": moment(host.last_success_at),
    }


def facts_document(facts: HostFacts) -> dict[str, Any]:
    """What a host said; its workloads stand in ``findings``, each with its verdict, hence not here once more."""
    names = _told(HostFacts)
    return {name: plain(getattr(facts, name)) for name in names if name not in {"host", "workloads"}}


def finding_document(finding: Finding, last_seen: float | None) -> dict[str, Any]:
    """One judged workload, in a report that ended at ``last_seen`` (Unix seconds)."""
    workload, verdict = finding.workload, finding.verdict
    return {
        "host": workload.host,
        "workload": workload.name,
        "source": str(workload.source),
        "stage": str(workload.stage),
        "image": workload.image,
        "digest": verdict.digest or None,
        "status": str(verdict.status),
        "reason": str(verdict.reason),
        "detail": verdict.detail,
        "next_pull": str(verdict.next_pull) or None,
        "pinned": str(workload.pinned) if workload.pinned else None,
        "pinned_at": workload.pinned_at or None,
        "host_platform": str(finding.host_platform) if finding.host_platform else None,
        "offered": [str(platform) for platform in verdict.offered],
        "evidence": [{"layer": piece.layer, "says": piece.says} for piece in verdict.evidence],
        "fix": fix_document(verdict.fix),
        "first_seen": moment(finding.first_seen or None),
        "last_seen": moment(last_seen),
        "waived_until": moment(finding.waived_until),
        "team": finding.team or None,
        "built_from": plain(verdict.built_from),
    }


def fix_document(fix: Fix) -> dict[str, Any]:
    """What is to be done: a sentence, then the commands in order."""
    return {"summary": fix.summary, "commands": list(fix.commands)}


@lru_cache(MAX_MOMENTS)
def moment(seconds: float | None) -> str | None:
    """Unix seconds as RFC 3339 in UTC, to the millisecond; ``None`` stays ``None``."""
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment_for_people(seconds: float) -> str:
    """Unix seconds as people read them in a terminal, to the second: ``2026-05-28 20:26:40 UTC``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


_AS_IT_IS = frozenset({str, int, float, bool, type(None)})


@cache
def _told(kind: type) -> tuple[str, ...]:
    """What of one of our values is told."""
    return tuple(field.name for field in fields(kind) if field.init)


def plain(value: Any) -> Any:
    """Any of the domain's values in JSON's own types: platforms as written after ``--platform``, bytes in hex."""
    kind = type(value)
    if kind in _AS_IT_IS:
        return value
    match value:
        case Platform():
            return str(value)
        case bytes():
            return value.hex()
        case str():
            return str(value)
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case tuple() | list():
            return [plain(item) for item in value]
        case _ if is_dataclass(value):
            return {name: plain(getattr(value, name)) for name in _told(kind)}  # type: ignore[arg-type] # a class can be hashed
        case _:
            return value
