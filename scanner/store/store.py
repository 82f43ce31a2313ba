"""The store as the rest of archscan sees it: findings, hosts, history, caches, small records."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import time
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import delete, func, insert, select, update

from scanner.domain.image.offers import Program
from scanner.store import codec, findings, platform_changes, releases, surveys, tables
from scanner.store.cache_rows import CacheRows, in_key
from scanner.store.connect import announce
from scanner.store.database import Database
from scanner.store.error import StoreError
from scanner.store.notify import mark
from scanner.store.trail_rows import TrailRows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection, Delete, Update

    from scanner.domain.image.image_survey import LayerSurvey
    from scanner.domain.release import Release
    from scanner.domain.report import Report
    from scanner.store.findings import Architecture
    from scanner.store.lease import Instance, Lease
    from scanner.store.notify import Mark
    from scanner.store.trail_rows import Record

T = TypeVar("T")

_SCAN = {"id": "scan_id", "started_at": "started_at", "finished_at": "finished_at", "complete": "complete"}
"""Columns of the history, each with what of a report it holds."""

KEEP_S = 90 * 86400.0
"""A quarter of history: long enough to compare with the last release, short enough to stay small."""

PRUNE_EVERY_S = 3600.0
"""Deleting what is old once an hour keeps it out of the way of scans."""

USE_IS_FRESH_S = 86400.0
"""A cached document's last use is written once a day, not at each reading."""


class Store:
    """Findings, hosts, history, caches and small records behind one writer; made by ``await Store.open(url)``."""

    def __init__(self, database: Database, keep_s: float, clock: Callable[[], float]) -> None:
        self._database = database
        self._keep_s = keep_s
        self._clock = clock
        self._caches = CacheRows(database)
        self._memory = findings.Memory()
        self._last: Report | None = None
        self._pruned_at: float | None = None

    @classmethod
    async def open(
        cls, url: str, *, keep_s: float = KEEP_S, clock: Callable[[], float] = time.time, member: Instance | None = None
    ) -> Store:
        """Open ``sqlite:////path`` or ``postgresql+psycopg://user:password@host/name``, at this version's schema.

        A ``member`` shares a PostgreSQL with others: one of them writes, the others read.

        Raises:
            StoreError: in use, newer, damaged, not writable or not reachable, in one line with what to do.
        """
        store = cls(await Database.open(url, member), keep_s, clock)
        try:
            await store.recall()
            if member is not None and store.leads:
                await store.renew()  # recalling a large fleet takes its time
        except BaseException:
            await store.close()
            raise
        return store

    def keep(self, keep_s: float) -> None:
        """From now on what ended is kept for so many seconds."""
        self._keep_s = keep_s

    async def close(self) -> None:
        """Close the database; another instance may open it then."""
        await self._caches.close()
        await self._database.close()

    # ---------------------------------------------------------------- who writes

    @property
    def leads(self) -> bool:
        """Whether this process may write; always, where nobody shares the store."""
        return self._database.leads

    async def lease(self) -> Lease | None:
        """Who leads; ``None`` where nobody shares the store.

        Raises:
            StoreError: it could not be read.
        """
        return await self._database.lease()

    async def lead(self) -> bool:
        """Take the lease if it is free; whether this process leads. What is remembered is to be recalled then.

        Raises:
            StoreError: nobody knows.
        """
        return await self._database.lead()

    async def renew(self) -> None:
        """Hold the lease for its whole length from now on.

        Raises:
            StoreError: another took it, or nobody knows.
        """
        await self._database.renew()

    async def recall(self) -> None:
        """Remember what the database holds of the present, which another instance may have written.

        Raises:
            StoreError: it could not be read.
        """
        await self._database.read(self._recall)

    async def mark(self) -> Mark:
        """What is another value once something was written that others show.

        Raises:
            StoreError: it could not be read.
        """
        return await self._database.read(mark)

    # ---------------------------------------------------------------- reports

    async def save(self, report: Report, record: Callable[[findings.Changes], Record] | None = None) -> Report:
        """Remember a report of the whole fleet, durable when this returns; give it back with its moments filled in.

        Hosts and findings that are not in a complete report are gone. An incomplete report only enters the history.
        ``record`` writes to the trail what is changed, in the same transaction; what it raises undoes all of it.

        Raises:
            StoreError: nothing of it was written, but when hosts were read that said the same again.
        """
        await self._caches.flush()
        memory, planned = self._memory, await asyncio.to_thread(findings.plan, self._memory, report)

        def is_first() -> bool:  # else another report was, which may have read a host otherwise
            return memory is self._memory

        for write in findings.moments(planned, is_first):
            await self._database.run(write)

        def save(connection: Connection) -> tuple[findings.Changes, Callable[[], None]]:
            made = self._save(connection, report, planned if is_first() else findings.plan(self._memory, report))
            announce(connection)
            return made, record(made)(TrailRows(connection)) if record else _nothing

        def adopt(done: tuple[findings.Changes, Callable[[], None]]) -> None:
            self._adopt(done[0])
            done[1]()

        return (await self._database.run(save, adopt))[0].report

    async def load(self) -> Report | None:
        """The last complete report, ``None`` before the first."""
        return self._last

    async def scans(self, limit: int = 100) -> list[dict[str, Any]]:
        """The last scans, newest first: id, started_at, finished_at, complete, hosts, counts."""
        s = tables.scans
        query = select(s).order_by(s.c.sequence.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [dict(row) | {"counts": json.loads(row["counts"])} for row in rows]

    async def architectures(self) -> Mapping[str, Architecture]:
        """What each host was when it last said so, with what it was before."""
        return dict(self._memory.architectures)

    async def platform_changes(self, host: str) -> list[Architecture]:
        """What a host has been, the newest change first; raises ``StoreError`` where that cannot be read."""
        return await self._database.read(lambda connection: platform_changes.of_host(connection, host))

    async def releases(self, host: str, workload: str = "") -> list[Release]:
        """What a host has had of a workload (of all of them, without one), the newest first.

        Raises:
            StoreError: it could not be read.
        """
        if workload:
            return await self._database.read(lambda connection: releases.of_workload(connection, host, workload))
        return await self._database.read(lambda connection: releases.of_host(connection, host))

    # ---------------------------------------------------------------- caches

    async def get(self, digest: str) -> bytes | None:
        """The bytes that have this digest; a cache that cannot be read is an empty one."""
        try:
            found = await self._caches.find(tables.documents, (digest,))
            if found is not None and (statement := self._upkeep(digest, found)) is not None and self.leads:
                await self._database.run(lambda connection: connection.execute(statement))
        except StoreError:
            return None
        return bytes(found["body"]) if found is not None and _is(digest, found["body"]) else None

    async def put(self, digest: str, data: bytes, media_type: str) -> None:
        """Keep a document; what cannot be kept will be asked for again."""
        row = {"digest": digest, "media_type": media_type, "body": data, "used_at": self._clock()}
        await self._caches.put(tables.documents, row)

    async def media_type(self, digest: str) -> str | None:
        """The media type that a document was put with."""
        try:
            found = await self._caches.find(tables.documents, (digest,))
        except StoreError:
            return None
        return None if found is None else str(found["media_type"])

    async def get_program(self, manifest: str, argv: tuple[str, ...], tool: str) -> Program | None:
        """What ``argv`` resolves to in ``manifest`` as the inspection of version ``tool`` saw it."""
        try:
            found = await self._caches.find(tables.programs, (manifest, in_key(json.dumps(argv)), tool))
            return codec.loads(Program, found["body"]) if found else None
        except (StoreError, ValueError):
            return None

    async def put_program(self, manifest: str, argv: tuple[str, ...], tool: str, program: Program) -> None:
        """Keep an inspection, so that each digest is inspected once."""
        row = {"manifest": manifest, "argv": in_key(json.dumps(argv)), "tool": tool}
        await self._caches.put(tables.programs, row | {"body": codec.dumps(program), "used_at": self._clock()})

    async def get_survey(self, layer: str, tool: str) -> LayerSurvey | None:
        """What the layer with this digest has shown to the survey of version ``tool``."""
        s = tables.surveys
        query = select(s.c.body).where(s.c.layer == layer, s.c.tool == tool)
        try:
            body = await self._database.read(lambda connection: connection.execute(query).scalar())
            return await asyncio.to_thread(surveys.unpack, body) if body else None
        except (StoreError, ValueError):
            return None

    async def put_survey(self, layer: str, tool: str, survey: LayerSurvey) -> None:
        """Keep the survey of a layer, so that its blob is read once, ever."""
        body = await asyncio.to_thread(surveys.pack, survey)
        row = {"layer": layer, "tool": tool, "body": body, "stored_at": self._clock()}
        with contextlib.suppress(StoreError):
            await self._database.run(lambda connection: _upsert(connection, tables.surveys, ("layer", "tool"), row))

    # ---------------------------------------------------------------- records

    async def records(self, kind: str) -> dict[str, Any]:
        """All records of a kind, by key.

        Raises:
            StoreError: they could not be read.
        """
        r = tables.records
        query = select(r.c.key, r.c.body).where(r.c.kind == kind).order_by(r.c.key)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return {row.key: json.loads(row.body) for row in rows}

    async def put_record(self, kind: str, key: str, body: Any, record: Record | None = None) -> None:
        """Write one record, durable when this returns, in one transaction with what ``record`` writes to the trail.

        Raises:
            StoreError: it was not written.
        """
        row = {"kind": kind, "key": key, "body": json.dumps(body), "stored_at": self._clock()}

        def put(connection: Connection) -> Callable[[], None]:
            _upsert(connection, tables.records, ("kind", "key"), row)
            announce(connection)
            return record(TrailRows(connection)) if record else _nothing

        await self._database.run(put, lambda adopt: adopt())

    async def delete_record(self, kind: str, key: str, record: Record | None = None) -> bool:
        """Whether there was such a record to delete; then ``record`` writes to the trail in the same transaction.

        Raises:
            StoreError: it could not be deleted.
        """
        r = tables.records
        statement = delete(r).where(r.c.kind == kind, r.c.key == key)

        def remove(connection: Connection) -> tuple[bool, Callable[[], None]]:
            if not connection.execute(statement).rowcount:
                return False, _nothing
            announce(connection)
            return True, record(TrailRows(connection)) if record else _nothing

        deleted, _ = await self._database.run(remove, lambda done: done[1]())
        return deleted

    # ---------------------------------------------------------------- the trail

    async def record(self, record: Record) -> None:
        """Let ``record`` write to the trail in one transaction, durable when this returns.

        What it gives back is called, in the store's thread, once that is so.

        Raises:
            StoreError: nothing was written.
        """

        def write(connection: Connection) -> Callable[[], None]:
            announce(connection)
            return record(TrailRows(connection))

        await self._database.run(write, lambda adopt: adopt())

    async def trail(self, read: Callable[[TrailRows], T]) -> T:
        """What ``read`` makes of the trail's rows.

        Raises:
            StoreError: they cannot be read.
        """
        return await self._database.read(lambda connection: read(TrailRows(connection)))

    # ---------------------------------------------------------------- in the store's thread

    def _recall(self, connection: Connection) -> None:
        try:
            self._memory = findings.load(connection)
        except ValueError as error:
            raise StoreError(
                f"store {self._database.where}: {error}: another version wrote it; run that version, or point "
                "store.url at a new database"
            ) from error
        self._caches.recall(connection)
        self._last = findings.last_report(connection, self._memory)

    def _save(self, connection: Connection, report: Report, made: findings.Changes) -> findings.Changes:
        counts = {str(status): count for status, count in report.counts.items()}
        row = {name: getattr(report, at) for name, at in _SCAN.items()}
        row |= {"hosts": len(report.hosts), "counts": json.dumps(counts)}
        connection.execute(insert(tables.scans), row)
        self._prune(connection)
        if not report.complete:
            return made
        findings.write(connection, made)
        platform_changes.write(connection, made.known)
        releases.remember(connection, made)
        return made

    def _adopt(self, made: findings.Changes) -> None:
        self._memory = made.memory
        if made.report.complete:
            self._last = made.report

    def _upkeep(self, digest: str, found: Mapping[str, Any]) -> Delete | Update | None:
        """What a document that was read leaves to be written: damaged bytes go, a use is noted once a day."""
        d = tables.documents
        if not _is(digest, found["body"]):
            return delete(d).where(d.c.digest == digest)
        if self._clock() - found["used_at"] > USE_IS_FRESH_S:
            return update(d).where(d.c.digest == digest).values(used_at=self._clock())
        return None

    def _prune(self, connection: Connection) -> None:
        now = self._clock()
        if self._pruned_at is not None and 0 <= now - self._pruned_at < PRUNE_EVERY_S:
            return
        self._pruned_at = now
        oldest = now - self._keep_s
        s = tables.scans
        last = select(func.max(s.c.sequence)).where(s.c.complete).scalar_subquery()
        connection.execute(
            delete(s).where(s.c.finished_at < oldest, s.c.sequence < last)
        )  # the last one is the present
        for moment in (
            tables.findings.c.closed_at,
            tables.documents.c.used_at,
            tables.programs.c.used_at,
        ):
            connection.execute(delete(moment.table).where(moment < oldest))
        releases.prune(connection, oldest)


def _nothing() -> None:
    """Adopt nothing."""


def _upsert(connection: Connection, table: Any, keys: tuple[str, ...], row: dict[str, Any]) -> None:
    """Replace a row; safe because there is one writer."""
    connection.execute(delete(table).where(*(table.c[key] == row[key] for key in keys)))
    connection.execute(insert(table), row)


def _is(digest: str, data: bytes) -> bool:
    algorithm, _, expected = digest.partition(":")
    if algorithm not in ("sha256", "sha512"):
        return False
    return hashlib.new(algorithm, data).hexdigest() == expected
