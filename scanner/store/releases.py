"""Records what each host has had of each workload, written only where a report changed it."""

from __future__ import annotations

from dataclasses import fields, replace
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, func, insert, select, update

from scanner.domain.facts import Source, Stage
from scanner.domain.image.reference import Digest
from scanner.domain.release import Release, owner_name, sighting
from scanner.store import tables
from scanner.store.batches import write_rows
from scanner.store.findings import ChangeKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from scanner.domain.facts import Workload
    from scanner.store.findings import Changes

AT_ONCE = 500
"""Hosts named in one query: SQLite takes 32,766 variables, PostgreSQL 65,535."""

ROWS = 1000
"""In memory at a time: hosts whose workloads have new names all the time have had many."""

Key = tuple[str, str, str]
"""Host, source, workload."""


def remember(connection: Connection, made: Changes) -> None:
    """Write what a report shows of releases: a new digest, a first start, a workload that went."""
    report = made.report
    touched = made.touched
    if connection.execute(select(tables.releases.c.host).limit(1)).first() is None:
        touched = [finding.workload for finding in report.findings]  # the first report since there is such a table
    seen, gone = _by_host(touched), _by_host(one.workload for one in made.changes if one.kind is ChangeKind.CLOSED)
    platforms = {reading.name: str(reading.platform or "") for reading in report.hosts if reading.name in seen}
    names = sorted({*seen, *gone})
    for first in range(0, len(names), AT_ONCE):
        part = names[first : first + AT_ONCE]
        here = _sightings(chain.from_iterable(seen.get(name, ()) for name in part), platforms, report.finished_at)
        left = {_key(one) for name in part for one in gone.get(name, ())} - here.keys()
        _remember(connection, here, left, report.finished_at)


def _by_host(workloads: Iterable[Workload]) -> dict[str, list[Workload]]:
    found: dict[str, list[Workload]] = {}
    for one in workloads:
        found.setdefault(one.host, []).append(one)
    return found


def _remember(connection: Connection, seen: dict[Key, Release], gone: set[Key], at: float) -> None:
    """The same for some hosts: a fleet's releases at once would be a second fleet in memory."""
    if not seen and not gone:
        return
    wanted = {*gone, *seen}
    known = {(*_key_of(one), one.digest): one for one in _of(connection, wanted)}
    now = {identity: one for identity, one in known.items() if one.current and identity[:3] in wanted}
    changed = {identity: replace(one, current=False, last_seen=at) for identity, one in now.items()}
    for key, one in seen.items():
        identity = (*key, one.digest)
        before = known.get(identity)
        changed[identity] = _again(before, one) if before else one
    _write(connection, [one for identity, one in changed.items() if known.get(identity) != one], known.keys())


def of_workload(connection: Connection, host: str, workload: str) -> list[Release]:
    """The releases of a workload, the newest first."""
    r = tables.releases
    query = (
        select(r).where(r.c.host == host, r.c.workload == workload).order_by(r.c.current.desc(), r.c.last_seen.desc())
    )
    return [_release(row) for row in connection.execute(query).mappings()]


def of_host(connection: Connection, host: str) -> list[Release]:
    """The releases of all workloads of a host, by workload, the newest first."""
    r = tables.releases
    query = select(r).where(r.c.host == host).order_by(r.c.workload, r.c.current.desc(), r.c.last_seen.desc())
    return [_release(row) for row in connection.execute(query).mappings()]


def prune(connection: Connection, oldest: float) -> None:
    """Forget what was replaced before ``oldest``; of each workload the last release that started stays as long as it is there."""
    r = tables.releases
    alive = select(r.c.host, r.c.source, r.c.workload).where(r.c.current).subquery()
    last = (
        select(r.c.host, r.c.source, r.c.workload, func.max(r.c.last_seen).label("last_seen"))
        .where(r.c.started_at.is_not(None), ~r.c.current)
        .group_by(r.c.host, r.c.source, r.c.workload)
        .subquery()
    )
    spared = (
        select(last.c.host)
        .join(alive, and_(*(last.c[name] == alive.c[name] for name in ("host", "source", "workload"))))
        .where(*(last.c[name] == r.c[name] for name in ("host", "source", "workload", "last_seen")))
        .correlate(r)
        .exists()
    )
    connection.execute(delete(r).where(~r.c.current, r.c.last_seen < oldest, ~spared))


def _sightings(workloads: Iterable[Workload], platforms: dict[str, str], at: float) -> dict[Key, Release]:
    found: dict[Key, Release] = {}
    for workload in workloads:
        one = sighting(workload, platforms.get(workload.host, ""), at)
        if one is None:
            continue
        key = _key_of(one)
        if key not in found or workload.stage is Stage.RUNNING:
            found[key] = one  # of replicas those that run tell what is current
    return found


def _again(before: Release, now: Release) -> Release:
    """A release seen once more; started on other hardware than today's counts no longer once it starts on today's."""
    fresh = now.started_at is not None and not before.started_on(now.platform)
    started, platform = (now.started_at, now.platform) if fresh else (before.started_at, before.platform)
    return replace(now, first_seen=before.first_seen, started_at=started, platform=platform)


def _of(connection: Connection, wanted: set[Key]) -> Iterator[Release]:
    """The releases of these workloads; the many that their hosts have had since are passed over, one at a time."""
    r = tables.releases
    query = select(r).where(r.c.host.in_(sorted({host for host, *_ in wanted}))).execution_options(yield_per=ROWS)
    for row in connection.execute(query).mappings():
        if (row["host"], row["source"], row["workload"]) in wanted:
            yield _release(row)


def _write(connection: Connection, wanted: list[Release], known: Iterable[tuple[str | None, ...]]) -> None:
    r, there = tables.releases, set(known)
    is_old = [(*_key_of(one), one.digest) in there for one in wanted] if there else [False] * len(wanted)
    new = (_row(one) for one, is_there in zip(wanted, is_old, strict=True) if not is_there)
    old = (
        {f"the_{name}" if name in _IDENTITY else name: value for name, value in _row(one).items()}
        for one, is_there in zip(wanted, is_old, strict=True)
        if is_there
    )
    write_rows(connection, insert(r), new)
    write_rows(connection, update(r).where(*(r.c[name] == bindparam(f"the_{name}") for name in _IDENTITY)), old)


_FIELDS = tuple(one.name for one in fields(Release) if one.init)
_said = attrgetter(*_FIELDS)
_IDENTITY = ("host", "source", "workload", "digest")


def _key(workload: Workload) -> Key:
    return (workload.host, str(workload.source), owner_name(workload))


def _key_of(one: Release) -> Key:
    return (one.host, str(one.source), one.workload)


def _row(one: Release) -> dict[str, Any]:
    return dict(zip(_FIELDS, _said(one), strict=True)) | {"source": str(one.source)}


def _release(row: Any) -> Release:
    return Release(**(dict(row) | {"source": Source(row["source"]), "digest": Digest(row["digest"])}))
