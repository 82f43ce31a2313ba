"""Compares each report with what is remembered, so that only differences are written.

Everything here runs in the store's one thread. What is in memory changes only after the database has committed:
``plan`` computes, ``write`` writes, ``adopt`` remembers.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update

from scanner.domain.facts import Failure, HostFacts, Workload
from scanner.domain.report import Finding, HostReading, Report
from scanner.store import codec, tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection

    from scanner.domain.platform.platform import Platform
    from scanner.domain.verdict.verdict import Verdict

Key = tuple[str, str, str, str, str, int]


@dataclass(frozen=True, slots=True)
class Architecture:
    """What a host was when it last said so, and what it was before; ``changed_at`` is ``None`` if it never changed."""

    platform: str
    before: str | None = None
    changed_at: float | None = None


class ChangeKind(StrEnum):
    """What became of a verdict."""

    OPENED = "opened"
    CHANGED = "changed"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Change:
    """A verdict that came, went, or says something else than before under the same reason."""

    kind: ChangeKind
    workload: Workload
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _Body:
    """What is written of a finding beside its key."""

    workload: Workload
    verdict: Verdict
    host_platform: Platform | None = None
    waived_until: float | None = None


@dataclass(frozen=True, slots=True)
class _Open:
    """A finding that has not been closed, under the id of its row."""

    row: int
    first_seen: float
    body: _Body
    present: bool = True


@dataclass(slots=True)
class Memory:
    """What the database holds of the present, in memory."""

    open: dict[Key, _Open] = field(default_factory=dict)
    hosts: dict[str, HostReading] = field(default_factory=dict)
    architectures: dict[str, Architecture] = field(default_factory=dict)
    next_row: int = 1
    last_finished_at: float = 0.0


@dataclass(slots=True)
class Plan:
    """The differences of one complete report, and what it reads once they are written."""

    report: Report
    memory: Memory
    opened: list[dict[str, Any]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    closed: list[dict[str, Any]] = field(default_factory=list)
    moved: list[dict[str, Any]] = field(default_factory=list)
    read: list[dict[str, Any]] = field(default_factory=list)
    timed: list[dict[str, Any]] = field(default_factory=list)
    gone: list[dict[str, Any]] = field(default_factory=list)
    known: list[dict[str, Any]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    touched: list[Workload] = field(default_factory=list)


def plan(memory: Memory, report: Report) -> Plan:
    """What a complete report changes."""
    made = Plan(report, replace(memory, open={}, hosts={}, architectures=dict(memory.architectures)))
    made.memory.last_finished_at = report.finished_at
    _plan_hosts(made, memory)
    found = _plan_findings(made, memory)
    made.report = replace(report, hosts=tuple(made.memory.hosts.values()), findings=tuple(found))
    return made


def fill_in(memory: Memory, report: Report) -> Report:
    """An incomplete report with the moments that are remembered; nothing else comes of it."""
    hosts = tuple(_with_success(reading, memory.hosts.get(reading.name)) for reading in report.hosts)
    found = []
    for key, finding in _keyed(report):
        known = memory.open.get(key)
        same = known is not None and known.body.verdict.reason is finding.verdict.reason
        first_seen = known.first_seen if known and same else report.finished_at
        found.append(replace(finding, first_seen=first_seen, last_seen=report.finished_at))
    return replace(report, hosts=hosts, findings=tuple(found))


def write(connection: Connection, made: Plan) -> None:
    """Write the differences; an empty list costs nothing."""
    t = tables
    for statement, rows in (
        (update(t.findings).where(t.findings.c.id == bindparam("row")), made.changed),
        (update(t.findings).where(t.findings.c.id == bindparam("row")), made.moved),
        (update(t.findings).where(t.findings.c.id == bindparam("row")), made.closed),
        (insert(t.findings), made.opened),
        (delete(t.hosts).where(t.hosts.c.name == bindparam("row")), made.gone),
        (insert(t.hosts), made.read),
        (update(t.hosts).where(t.hosts.c.name == bindparam("row")), made.timed),
        (delete(t.architectures).where(t.architectures.c.host == bindparam("host")), made.known),
        (insert(t.architectures), made.known),
    ):
        if rows:
            connection.execute(statement, rows)


def load(connection: Connection) -> Memory:
    """Everything that is remembered of the present.

    Raises:
        ValueError: a row is of another version of our types.
    """
    t = tables
    memory = Memory()
    for row in connection.execute(select(t.hosts).order_by(t.hosts.c.name)):
        reading = codec.loads(_Reading, row.reading).reading
        labels = codec.loads(_Labels, row.labels).labels
        memory.hosts[row.name] = HostReading(row.name, reading, labels, row.taken_at, row.last_success_at)
    for row in connection.execute(select(t.architectures)):
        memory.architectures[row.host] = Architecture(row.platform, row.before, row.changed_at)
    f = t.findings
    for row in connection.execute(select(f).where(f.c.closed_at.is_(None)).order_by(f.c.id)):
        key = (row.host, row.source, row.workload, row.stage, row.image, row.ordinal)
        memory.open[key] = _Open(row.id, row.first_seen, codec.loads(_Body, row.body), row.present)
    last = connection.execute(select(f.c.id).order_by(f.c.id.desc()).limit(1)).scalar()
    memory.next_row = (last or 0) + 1
    return memory


def last_report(connection: Connection, memory: Memory) -> Report | None:
    """The last complete report, from the scan history and the present."""
    s = tables.scans
    row = connection.execute(select(s).where(s.c.complete).order_by(s.c.sequence.desc()).limit(1)).first()
    if row is None:
        return None
    memory.last_finished_at = row.finished_at
    found = tuple(
        Finding(
            o.body.workload, o.body.verdict, o.body.host_platform, o.first_seen, row.finished_at, o.body.waived_until
        )
        for o in memory.open.values()
        if o.present
    )
    return Report(row.id, row.started_at, row.finished_at, tuple(memory.hosts.values()), found)


# ---------------------------------------------------------------- hosts


@dataclass(frozen=True, slots=True)
class _Reading:
    reading: HostFacts | Failure


@dataclass(frozen=True, slots=True)
class _Labels:
    labels: Mapping[str, str]


def _plan_hosts(made: Plan, memory: Memory) -> None:
    for given in made.report.hosts:
        known = memory.hosts.get(given.name)
        reading = _with_success(given, known)
        made.memory.hosts[reading.name] = reading
        _plan_architecture(made, reading)
        if known is not None and known.reading == reading.reading and known.labels == reading.labels:
            times = {"taken_at": reading.taken_at, "last_success_at": reading.last_success_at}
            made.timed.append({"row": reading.name} | times)
            continue
        if known is not None:
            made.gone.append({"row": reading.name})
        made.read.append(_host_row(reading))
    made.gone.extend({"row": name} for name in memory.hosts if name not in made.memory.hosts)


def _with_success(reading: HostReading, known: HostReading | None) -> HostReading:
    if reading.last_success_at is not None:
        return reading
    if isinstance(reading.reading, HostFacts):
        return replace(reading, last_success_at=reading.taken_at)
    return replace(reading, last_success_at=known.last_success_at) if known else reading


def _plan_architecture(made: Plan, reading: HostReading) -> None:
    if reading.platform is None:
        return
    said, known = str(reading.platform), made.memory.architectures.get(reading.name)
    if known is not None and known.platform == said:
        return
    now = Architecture(said, known.platform, made.report.finished_at) if known else Architecture(said)
    made.memory.architectures[reading.name] = now
    made.known.append(
        {"host": reading.name, "platform": now.platform, "before": now.before, "changed_at": now.changed_at}
    )


def _host_row(reading: HostReading) -> dict[str, Any]:
    failure = reading.reading if isinstance(reading.reading, Failure) else None
    return {
        "name": reading.name,
        "status": "failed" if failure else "ok",
        "reason": str(failure.reason) if failure else None,
        "platform": str(reading.platform) if reading.platform else None,
        "labels": codec.dumps(_Labels(reading.labels)),
        "reading": codec.dumps(_Reading(reading.reading)),
        "taken_at": reading.taken_at,
        "last_success_at": reading.last_success_at,
    }


# ---------------------------------------------------------------- findings


def _keyed(report: Report) -> list[tuple[Key, Finding]]:
    """Each finding under its key; a host that lists one name twice gets ordinals."""
    seen: dict[Key, int] = {}
    keyed = []
    for finding in report.findings:
        key = first = (*finding.key, 0)
        if first in seen:
            seen[first] += 1
            key = (*first[:-1], seen[first])
        else:
            seen[first] = 0
        keyed.append((key, finding))
    return keyed


def _plan_findings(made: Plan, memory: Memory) -> list[Finding]:
    now = made.report.finished_at
    found: list[Finding] = []
    for key, finding in _keyed(made.report):
        opened = _plan_finding(made, key, finding, memory.open.get(key))
        made.memory.open[key] = opened
        body = opened.body
        found.append(
            Finding(body.workload, body.verdict, body.host_platform, opened.first_seen, now, body.waived_until)
        )
    silent = {r.name for r in made.report.hosts if isinstance(r.reading, Failure)}
    for key, known in memory.open.items():
        if key in made.memory.open:
            continue
        if key[0] in silent:
            _keep_absent(made, key, known)
        else:
            _close(made, known, memory.last_finished_at)
    return found


def _plan_finding(made: Plan, key: Key, finding: Finding, known: _Open | None) -> _Open:
    if known is not None and known.present and _says_the_same(known.body, finding):
        return known
    made.touched.append(finding.workload)
    body = _Body(finding.workload, finding.verdict, finding.host_platform, finding.waived_until)
    if known is not None and known.body.verdict.reason is finding.verdict.reason:
        if known.body != body:
            made.changed.append({"row": known.row, "body": codec.dumps(body)})
            if _told(known.body.verdict) != _told(body.verdict):
                made.changes.append(Change(ChangeKind.CHANGED, body.workload, body.verdict))
        if not known.present:
            made.moved.append({"row": known.row, "present": True})
        return _Open(known.row, known.first_seen, body)
    if known is not None:
        _close(made, known, made.memory.last_finished_at)
    opened = _Open(made.memory.next_row, made.report.finished_at, body)
    made.memory.next_row += 1
    made.opened.append(_finding_row(key, opened))
    made.changes.append(Change(ChangeKind.OPENED, body.workload, body.verdict))
    return opened


def _says_the_same(body: _Body, finding: Finding) -> bool:
    """Identity first: most of a fleet does not change, and what does not change is often the same object."""
    return (
        (body.verdict is finding.verdict or body.verdict == finding.verdict)
        and (body.workload is finding.workload or body.workload == finding.workload)
        and body.host_platform == finding.host_platform
        and body.waived_until == finding.waived_until
    )


def _told(verdict: Verdict) -> tuple[str, str]:
    """What a reader would call a change: another image, another explanation, not a newer log line."""
    return verdict.digest, verdict.detail


def _keep_absent(made: Plan, key: Key, known: _Open) -> None:
    """A host that does not answer has not got well: when it answers again, its findings are as old as they are."""
    made.memory.open[key] = replace(known, present=False)
    if known.present:
        made.moved.append({"row": known.row, "present": False})


def _close(made: Plan, known: _Open, last_seen: float) -> None:
    made.closed.append({"row": known.row, "closed_at": made.report.finished_at, "last_seen": last_seen})
    made.changes.append(Change(ChangeKind.CLOSED, known.body.workload, known.body.verdict))


def _finding_row(key: Key, opened: _Open) -> dict[str, Any]:
    names = ("host", "source", "workload", "stage", "image", "ordinal")
    return dict(zip(names, key, strict=True)) | {
        "id": opened.row,
        "status": str(opened.body.verdict.status),
        "reason": str(opened.body.verdict.reason),
        "body": codec.dumps(opened.body),
        "present": True,
        "first_seen": opened.first_seen,
    }
