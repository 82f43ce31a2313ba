"""One connection in one thread: whoever reads or writes waits for its turn there.

SQLite from 3.7.0 to 3.51.2 has a data race between checkpoint and commit when two connections share a WAL
(sqlite.org/wal.html, "the WAL-reset bug"); with a single one it cannot happen.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy import text

from scanner.store import lease
from scanner.store.connect import address_of, announce, engine_of
from scanner.store.error import StoreError
from scanner.store.foreign_errors import translated
from scanner.store.recognition import Recognised, recognise
from scanner.store.schema import migrate
from scanner.store.sqlite_lock import PRIVATE, SqliteLock

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Connection, Engine

    from scanner.store.lease import Instance, Lease

T = TypeVar("T")

log = structlog.get_logger(__name__)

POSTGRESQL_LOCK = 0x61726368
"""The key of PostgreSQL's advisory lock ("arch" in ASCII): whoever shares a store holds it together with the others, whoever
wants one for itself holds it alone. It keeps apart what may not run at the same time; who writes is the lease's to say."""

MIGRATING = POSTGRESQL_LOCK + 1
"""The key under which instances that start together change the schema one after the other."""


class Database:
    """A migrated, locked database; made by ``await Database.open(url)``."""

    def __init__(self, url: str, member: Instance | None = None) -> None:
        self._url = address_of(url)
        self.where = self._url.render_as_string(hide_password=True)
        self._is_shared = self._url.get_backend_name() == "postgresql"
        self._member = member if self._is_shared else None
        self._epoch: int | None = None
        self._renewed_at = 0.0
        self._thread = ThreadPoolExecutor(1, "archscan-store")
        self._connection: Connection | None = None
        self._engine: Engine | None = None
        self._lock: SqliteLock | None = None
        self._stopped: StoreError | None = None
        self._sound = False

    @classmethod
    async def open(cls, url: str, member: Instance | None = None) -> Database:
        """Lock, connect, check and migrate.

        A ``member`` shares a PostgreSQL with others: it leads from the start where nobody else does, else it only reads.

        Raises:
            StoreError: any of it failed; nothing is left open.
        """
        database = cls(url, member)
        try:
            await database._in_thread(database._connect)
        except BaseException:
            await database.close()
            raise
        return database

    @property
    def leads(self) -> bool:
        """Whether this process may write."""
        return self._epoch is not None or not self._is_shared

    async def run(self, work: Callable[[Connection], T], adopt: Callable[[T], None] | None = None) -> T:
        """``work`` in one transaction: durable when this returns, rolled back when it raises.

        ``adopt`` gets the result in the same thread, once it is durable: even if the caller no longer waits.

        Raises:
            StoreError: it failed now, or did so fatally before.
        """
        return await self._in_thread(self._transact, work, adopt)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """What ``work`` reads in one transaction, which PostgreSQL itself lets write nothing; for whoever follows, too.

        Raises:
            StoreError: it could not be read.
        """
        return await self._in_thread(self._look, work)

    async def lease(self) -> Lease | None:
        """How the lease stands, ``None`` where there is none.

        Raises:
            StoreError: it could not be read.
        """
        return await self.read(lease.read) if self._is_shared else None

    async def lead(self) -> bool:
        """Take the lease if it is free; whether this process leads.

        Raises:
            StoreError: nobody knows.
        """
        return await self._in_thread(self._take)

    async def renew(self) -> None:
        """Hold the lease for its whole length from now on.

        Raises:
            StoreError: another took it, or nobody knows.
        """
        await self.run(_nothing_more)

    async def _in_thread(self, call: Callable[..., T], *arguments: Any) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, call, *arguments)
        except RuntimeError as error:
            if self._thread._shutdown:  # noqa: SLF001 - the executor tells it in no other way
                raise StoreError(f"store {self.where} is closed") from error
            raise

    async def close(self) -> None:
        """Write back the WAL, leave a single file, disconnect, unlock."""
        if not self._thread._shutdown:  # noqa: SLF001 - the executor tells it in no other way
            await asyncio.get_running_loop().run_in_executor(self._thread, self._disconnect)
            self._thread.shutdown()

    # ---------------------------------------------------------------- in the thread

    def _connect(self) -> None:
        with translated(self.where):
            path = self._file
            if path is not None:
                self._recognise(path)
                self._lock = SqliteLock(path)
                os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE))
            self._engine = engine_of(self._url, self._member)
            self._connection = self._engine.connect()
            if self._is_shared:
                self._join()
            else:
                self._check()
                with self._connection.begin():
                    migrate(self._connection, self.where)
            if path is not None:
                self._set_journal("WAL")
            self._sound = True
        if self._is_shared and self._member is not None:
            self._take()

    def _join(self) -> None:
        """PostgreSQL: keep apart from whoever wants it alone, bring the schema up, be the only one without a member."""
        assert self._connection is not None  # noqa: S101 - called right after connecting
        self._lock_postgresql()
        with self._connection.begin():
            self._connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATING})
            migrate(self._connection, self.where)
            if self._member is None:
                self._epoch = lease.seize(self._connection, socket.gethostname())
            else:
                limit_ms = round(
                    self._member.lease_s * 1000
                )  # a leader that sleeps in a transaction keeps nobody waiting
                self._connection.execute(text(f"SET idle_in_transaction_session_timeout = {limit_ms}"))

    def _recognise(self, path: Path) -> None:
        """Before the file is locked, or a lock is made beside it."""
        found = recognise(path)
        if found is Recognised.FOREIGN:
            raise StoreError(
                f"store {self.where} is another program's database: it is left as it is: point store.url at a file of its own"
            )
        if found is Recognised.EMPTY:
            log.warning(
                "store_was_empty", store=self.where, why="its file has no bytes: nothing is remembered from before"
            )

    @property
    def _file(self) -> Path | None:
        return _sqlite_file(self._url)

    def _check(self) -> None:
        assert self._connection is not None  # noqa: S101 - called right after connecting
        result = self._connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
        self._connection.rollback()
        if result != "ok":
            raise StoreError(
                f"store {self.where}: its file is malformed ({' '.join(str(result).split())}): it is left as it is: "
                "restore a backup, or point store.url at a new file"
            )

    def _lock_postgresql(self) -> None:
        assert self._connection is not None  # noqa: S101 - called right after connecting
        kind = "" if self._member is None else "_shared"
        taken = self._connection.execute(text(f"SELECT pg_try_advisory_lock{kind}(:key)"), {"key": POSTGRESQL_LOCK})
        free = taken.scalar_one()
        self._connection.commit()
        if not free:
            raise StoreError(
                f"store {self.where} is in use by another archscan: stop that one first, or give this one a database"
            )

    def _take(self) -> bool:
        member = self._member
        if member is None or self._epoch is not None:
            return self.leads
        began = time.monotonic()

        def take(connection: Connection) -> int | None:
            seen = lease.read(connection)
            return lease.take(connection, seen, member) if seen.left_s <= 0 else None

        self._epoch, self._renewed_at = self._followed(take), began
        return self.leads

    def _transact(self, work: Callable[[Connection], T], adopt: Callable[[T], None] | None) -> T:
        if self._stopped is not None:
            raise self._stopped
        if not self.leads:
            raise lease.NotLeaderError(f"store {self.where}: another archscan leads: this one only reads", fatal=False)
        assert self._connection is not None  # noqa: S101 - open() has connected
        try:
            with translated(self.where), self._connection.begin():
                if self._epoch is not None:
                    lease.fence(self._connection, self._epoch, self.where)
                result = work(self._connection)
                renewed_at = self._prolong(self._connection, is_asked=work is _nothing_more)
        except StoreError as error:
            if error.fatal:
                self._stopped = error
            raise
        self._renewed_at = renewed_at
        if adopt is not None:
            adopt(result)
        return result

    def _prolong(self, connection: Connection, *, is_asked: bool) -> float:
        """Since when the lease is held; one that is due is renewed with whatever is written, so that long work loses it not."""
        member, began = self._member, time.monotonic()
        if member is None or self._epoch is None:
            return self._renewed_at
        if not is_asked and began - self._renewed_at < member.lease_s * lease.RENEW_AT:
            return self._renewed_at
        lease.renew(connection, self._epoch, member, self.where)
        return began

    def _look(self, work: Callable[[Connection], T]) -> T:
        if not self._is_shared:
            return self._transact(work, None)
        if self._stopped is not None:
            raise self._stopped

        def look(connection: Connection) -> T:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            return work(connection)

        if not self.leads:
            return self._followed(look)
        assert self._connection is not None  # noqa: S101 - open() has connected
        try:
            with translated(self.where), self._connection.begin():
                return look(self._connection)
        except StoreError as error:
            if error.fatal:
                self._stopped = error
            raise

    def _followed(self, work: Callable[[Connection], T]) -> T:
        """``work`` of one who follows: as nothing can be lost, a connection that breaks is made anew the next time."""
        try:
            with translated(self.where):
                if self._connection is None:
                    self._engine = engine_of(self._url, self._member)
                    self._connection = self._engine.connect()
                    self._join()
                with self._connection.begin():
                    return work(self._connection)
        except StoreError as error:
            if error.fatal and self._sound:
                self._part()
                raise StoreError(str(error), fatal=False) from error
            raise

    def _part(self) -> None:
        """Drop a connection of which nothing more is to be had."""
        connection, self._connection = self._connection, None
        engine, self._engine = self._engine, None
        try:
            with translated(self.where):
                if connection is not None:
                    connection.invalidate()
                    connection.close()
                if engine is not None:
                    engine.dispose()
        except StoreError as error:
            log.debug("store_parted", error=str(error))

    def _set_journal(self, mode: str) -> None:
        """``WAL`` while it is written, ``DELETE`` at rest: one plain file, which whoever copies it can copy alone.

        What could not be opened, or refused to be written, is left as it is.
        """
        assert self._connection is not None  # noqa: S101 - called while connected
        driver = self._connection.connection.driver_connection
        driver.execute(f"PRAGMA journal_mode={mode}")  # type: ignore[union-attr] # it is connected

    def _disconnect(self) -> None:
        try:
            with translated(self.where):
                if self._connection is not None:
                    if self._sound and self._stopped is None:
                        self._leave(self._connection)
                    self._connection.close()
                if self._engine is not None:
                    self._engine.dispose()
        finally:
            self._connection = None
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def _leave(self, connection: Connection) -> None:
        """A single file, or a lease that another may take at once."""
        if self._file is not None:
            self._set_journal("DELETE")
        elif self._epoch is not None:
            with connection.begin():
                lease.release(connection, self._epoch)
                announce(connection)


def _nothing_more(_connection: Connection) -> None:
    """What a renewal writes beside the lease."""


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite address; ``None`` for one in memory, or another database's.

    Raises:
        StoreError: it is no database address.
    """
    return _sqlite_file(address_of(url))


def _sqlite_file(url: URL) -> Path | None:
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name)
