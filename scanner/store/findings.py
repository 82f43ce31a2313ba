"""Compares each report with what is remembered, so that only differences are written.

What is in memory changes only after the database has committed: ``plan`` computes, in any thread, for that takes as long as a
fleet is large; ``moments``, then ``write`` write in the store's one thread, where ``adopt`` remembers.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from itertools import islice
from operator import is_, itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update

from scanner.domain.facts import HostFacts, Workload
from scanner.domain.failure import Failure
from scanner.domain.finding_groups import NO_FINDINGS, Findings, HostFindings
from scanner.domain.report import Finding, HostReading, Report
from scanner.store import codec, tables
from scanner.store.batches import write_rows
from scanner.store.finding_rows import FindingBody, Key, LabelsBody, ReadingBody, body_of, parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from sqlalchemy import ClauseElement, Connection

    from scanner.domain.verdict.verdict import Verdict


MOMENTS_AT_ONCE = 500
"""Hosts whose moment is written in one transaction, some 5 ms: the gate's decisions, which wait to be durable, go in between."""


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
class _Open:
    """A finding that has not been closed, with its moment, under the id of its row."""

    row: int
    finding: Finding
    present: bool = True


@dataclass(frozen=True, slots=True)
class _OfHost:
    """What is open of one host: the ``stored`` findings as reports show them, each with the id of its row.

    ``given`` are the same as a scan gave them: one that gives this very object again, or the stored one, changes nothing.
    ``absent`` are those of which a host that does not answer says nothing.
    """

    given: HostFindings = NO_FINDINGS
    stored: HostFindings = NO_FINDINGS
    rows: array[int] = field(default_factory=lambda: array("q"))
    absent: tuple[_Open, ...] = ()

    def is_unchanged(self, found: HostFindings, *, silent: bool) -> bool:
        """Whether nothing has to be compared."""
        same = found is self.given or found is self.stored or not (found or self.stored)
        return same and (silent or not self.absent)

    @property
    def open(self) -> dict[Key, _Open]:
        """All of them by their keys."""
        each = [*map(_Open, self.rows, self.stored), *self.absent]
        return dict(zip(_keys(one.finding for one in each), each, strict=True))


@dataclass(slots=True)
class Memory:
    """What the database holds of the present, in memory."""

    open: dict[str, _OfHost] = field(default_factory=dict)
    hosts: dict[str, HostReading] = field(default_factory=dict)
    architectures: dict[str, Architecture] = field(default_factory=dict)
    next_row: int = 1
    last_finished_at: float = 0.0


@dataclass(slots=True)
class Changes:
    """The differences of one complete report, and what it reads once they are written."""

    report: Report
    memory: Memory
    opened: list[tuple[Key, _Open]] = field(default_factory=list)
    changed: list[dict[str, Any]] = field(default_factory=list)
    closed: list[dict[str, Any]] = field(default_factory=list)
    moved: list[dict[str, Any]] = field(default_factory=list)
    read: list[HostReading] = field(default_factory=list)
    timed: list[dict[str, Any]] = field(default_factory=list)
    gone: list[dict[str, Any]] = field(default_factory=list)
    known: list[dict[str, Any]] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    touched: list[Workload] = field(default_factory=list)
    writer: codec.Writer = field(default_factory=codec.of_a_fleet)


def plan(memory: Memory, report: Report) -> Changes:
    """What a report changes: nothing, if it is not complete."""
    _ = report.counts  # which the report remembers
    if not report.complete:
        return Changes(fill_in(memory, report), memory)
    made = Changes(report, replace(memory, open={}, hosts={}, architectures=dict(memory.architectures)))
    made.memory.last_finished_at = report.finished_at
    _plan_hosts(made, memory)
    _plan_findings(made, memory)
    found = Findings.of({host: known.stored for host, known in made.memory.open.items() if known.stored})
    made.report = replace(report, hosts=tuple(made.memory.hosts.values()), findings=found)
    return made


def fill_in(memory: Memory, report: Report) -> Report:
    """An incomplete report with the moments that are remembered; nothing else comes of it."""
    hosts = tuple(_with_success(reading, memory.hosts.get(reading.name)) for reading in report.hosts)
    found = []
    for host, findings in report.by_host.items():
        known = memory.open.get(host, _NOTHING).open
        for key, finding in zip(_keys(findings), findings, strict=True):
            before = known.get(key)
            same = before is not None and before.finding.verdict.reason is finding.verdict.reason
            first_seen = before.finding.first_seen if before and same else report.finished_at
            found.append(replace(finding, first_seen=first_seen))
    return replace(report, hosts=hosts, findings=tuple(found))


def moments(made: Changes, is_first: Callable[[], bool]) -> Iterator[Callable[[Connection], None]]:
    """What writes when hosts were read that said the same as before, a few in a transaction of their own.

    That is true whatever becomes of the rest, for as long as nothing else was stored since (``is_first``, asked in that transaction).
    """
    remaining = iter(made.timed)
    while rows := list(islice(remaining, MOMENTS_AT_ONCE)):
        yield partial(_write_first, is_first, rows)
    made.timed = []


def _write_first(is_first: Callable[[], bool], rows: Iterable[dict[str, Any]], connection: Connection) -> None:
    if is_first():
        _write_moments(connection, rows)


def _write_moments(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Write when these hosts were read."""
    write_rows(connection, update(tables.hosts).where(tables.hosts.c.name == bindparam("row")), rows)


def write(connection: Connection, made: Changes) -> None:
    """Write the differences."""
    _write_moments(connection, made.timed)
    t = tables
    differences: tuple[tuple[ClauseElement, Iterable[dict[str, Any]]], ...] = (
        (update(t.findings).where(t.findings.c.id == bindparam("row")), made.changed),
        (update(t.findings).where(t.findings.c.id == bindparam("row")), made.moved),
        (update(t.findings).where(t.findings.c.id == bindparam("row")), made.closed),
        (delete(t.hosts).where(t.hosts.c.name == bindparam("row")), made.gone),
        (delete(t.architectures).where(t.architectures.c.host == bindparam("host")), made.known),
        (insert(t.architectures), made.known),
    )
    for statement, rows in differences:
        write_rows(connection, statement, rows)
    opened = ((key, one.row, one.finding) for key, one in made.opened)
    for part in parts(made.writer, opened, made.read):
        write_rows(connection, insert(t.findings), part.findings)
        write_rows(connection, insert(t.hosts), part.hosts)


def load(connection: Connection) -> Memory:
    """Everything that is remembered of the present.

    Raises:
        ValueError: a row is of another version of our types.
    """
    t, memory = tables, Memory()
    for row in connection.execute(select(t.hosts).order_by(t.hosts.c.name)):
        reading = codec.loads(ReadingBody, row.reading).reading
        labels = codec.loads(LabelsBody, row.labels).labels
        memory.hosts[row.name] = HostReading(row.name, reading, labels, row.taken_at, row.last_success_at)
    for row in connection.execute(select(t.architectures)):
        memory.architectures[row.host] = Architecture(row.platform, row.before, row.changed_at)
    f = t.findings
    opened: dict[str, list[tuple[int, _Open]]] = {}
    for row in connection.execute(select(f).where(f.c.closed_at.is_(None)).order_by(f.c.id)):
        body = codec.loads(FindingBody, row.body)
        finding = Finding(body.workload, body.verdict, body.host_platform, row.first_seen)
        opened.setdefault(row.host, []).append((row.ordinal, _Open(row.id, finding, row.present)))
    for host, found in opened.items():
        found.sort(key=itemgetter(0))
        memory.open[host] = _of_host([one for _, one in found])
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
    found = Findings.of({host: known.stored for host, known in memory.open.items() if known.stored})
    return Report(row.id, row.started_at, row.finished_at, tuple(memory.hosts.values()), found)


# ---------------------------------------------------------------- hosts


def _plan_hosts(made: Changes, memory: Memory) -> None:
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
        made.read.append(reading)
    made.gone.extend({"row": name} for name in memory.hosts if name not in made.memory.hosts)


def _with_success(reading: HostReading, known: HostReading | None) -> HostReading:
    if reading.last_success_at is not None:
        return reading
    if isinstance(reading.reading, HostFacts):
        return replace(reading, last_success_at=reading.taken_at)
    return replace(reading, last_success_at=known.last_success_at) if known else reading


def _plan_architecture(made: Changes, reading: HostReading) -> None:
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


# ---------------------------------------------------------------- findings


def _keys(findings: Iterable[Finding]) -> list[Key]:
    """The key of each finding; a host that lists one name twice gets ordinals."""
    seen: Counter[tuple[str, ...]] = Counter()
    keys = []
    for finding in findings:
        key = finding.key
        keys.append((*key, seen[key]))
        seen[key] += 1
    return keys


_NOTHING = _OfHost()


def _plan_findings(made: Changes, memory: Memory) -> None:
    silent = {r.name for r in made.report.hosts if isinstance(r.reading, Failure)}
    for host, found in made.report.by_host.items():
        known = memory.open.get(host, _NOTHING)
        if known.is_unchanged(found, silent=host in silent):
            made.memory.open[host] = known
        else:
            made.memory.open[host] = _planned(made, known, found, memory.last_finished_at, silent=host in silent)
    for host, known in memory.open.items():
        if host not in made.memory.open:
            left = _planned(made, known, NO_FINDINGS, memory.last_finished_at, silent=host in silent)
            if left.absent:
                made.memory.open[host] = left


def _planned(made: Changes, known: _OfHost, found: HostFindings, last_seen: float, *, silent: bool) -> _OfHost:
    """One host's findings compared with what is open of it."""
    before = known.open
    opened = [
        _plan_finding(made, key, finding, before.pop(key, None))
        for key, finding in zip(_keys(found), found, strict=True)
    ]
    if not silent:
        for one in before.values():
            _close(made, one, last_seen)
        before = {}
    absent = [_kept_absent(made, one) for one in before.values()]
    now = _of_host([*opened, *absent])
    same = len(now.stored) == len(known.stored) and all(map(is_, now.stored, known.stored))
    return replace(now, given=found, stored=known.stored if same else now.stored)


def _of_host(opened: Sequence[_Open]) -> _OfHost:
    present = [one for one in opened if one.present]
    stored = HostFindings(one.finding for one in present)
    return _OfHost(
        stored, stored, array("q", [one.row for one in present]), tuple(one for one in opened if not one.present)
    )


def _plan_finding(made: Changes, key: Key, finding: Finding, known: _Open | None) -> _Open:
    if known is not None and known.present and _says_the_same(known.finding, finding):
        return known
    made.touched.append(finding.workload)
    if known is not None and known.finding.verdict.reason is finding.verdict.reason:
        now = replace(finding, first_seen=known.finding.first_seen, waived_until=None)
        if now != known.finding:
            made.changed.append({"row": known.row, "body": made.writer.dumps(body_of(now))})
            before = known.finding.verdict
            if (before.digest, before.detail) != (now.verdict.digest, now.verdict.detail):  # not for a newer log line
                made.changes.append(Change(ChangeKind.CHANGED, now.workload, now.verdict))
        if not known.present:
            made.moved.append({"row": known.row, "present": True})
        return _Open(known.row, now)
    if known is not None:
        _close(made, known, made.memory.last_finished_at)
    opened = _Open(made.memory.next_row, replace(finding, first_seen=made.report.finished_at, waived_until=None))
    made.memory.next_row += 1
    made.opened.append((key, opened))
    made.changes.append(Change(ChangeKind.OPENED, opened.finding.workload, opened.finding.verdict))
    return opened


def _says_the_same(known: Finding, finding: Finding) -> bool:
    """Identity first: most of a fleet does not change, and what does not change is often the same object."""
    return (
        (known.verdict is finding.verdict or known.verdict == finding.verdict)
        and (known.workload is finding.workload or known.workload == finding.workload)
        and known.host_platform == finding.host_platform
    )


def _kept_absent(made: Changes, known: _Open) -> _Open:
    """A host that does not answer has not got well: when it answers again, its findings are as old as they are."""
    if known.present:
        made.moved.append({"row": known.row, "present": False})
    return replace(known, present=False)


def _close(made: Changes, known: _Open, last_seen: float) -> None:
    made.closed.append({"row": known.row, "closed_at": made.report.finished_at, "last_seen": last_seen})
    made.changes.append(Change(ChangeKind.CLOSED, known.finding.workload, known.finding.verdict))
