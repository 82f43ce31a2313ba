"""One connection in one thread: whoever reads or writes waits for its turn there.

SQLite from 3.7.0 to 3.51.2 has a data race between checkpoint and commit when two connections share a WAL
(sqlite.org/wal.html, "the WAL-reset bug"); with a single one it cannot happen.
"""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from scanner.store.error import StoreError
from scanner.store.foreign_errors import translated
from scanner.store.recognition import Recognised, recognise
from scanner.store.schema import migrate
from scanner.store.sqlite_lock import PRIVATE, SqliteLock

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import URL, Connection, Engine

T = TypeVar("T")

log = structlog.get_logger(__name__)

POSTGRESQL_LOCK = 0x61726368
"""The key of PostgreSQL's advisory lock ("arch" in ASCII), so that two instances share no database."""

BUSY_S = 2.0
"""A backup may hold the file for a moment; whoever holds it longer is another writer."""

_ARGUMENTS = {
    "timeout": BUSY_S,
    "check_same_thread": False,  # one thread at a time: while a store is copied its own waits for the other store's
}

_PRAGMAS = (
    "PRAGMA locking_mode=EXCLUSIVE",  # nobody else connects, so there is no second connection to race with
    "PRAGMA synchronous=FULL",  # NORMAL may lose acknowledged commits on power loss
    "PRAGMA trusted_schema=OFF",
)


class Database:
    """A migrated, locked database; made by ``await Database.open(url)``."""

    def __init__(self, url: str) -> None:
        try:
            self._url: URL = make_url(url)
        except ArgumentError:
            raise StoreError("store.url is not a database address: write sqlite:////path/to/archscan.db") from None
        if self._url.get_backend_name() not in ("sqlite", "postgresql"):
            raise StoreError(f"store.url: {self._url.get_backend_name()} is not supported: use sqlite or postgresql")
        self.where = self._url.render_as_string(hide_password=True)
        self._thread = ThreadPoolExecutor(1, "archscan-store")
        self._connection: Connection | None = None
        self._engine: Engine | None = None
        self._lock: SqliteLock | None = None
        self._stopped: StoreError | None = None
        self._sound = False

    @classmethod
    async def open(cls, url: str) -> Database:
        """Lock, connect, check and migrate.

        Raises:
            StoreError: any of it failed; nothing is left open.
        """
        database = cls(url)
        try:
            await asyncio.get_running_loop().run_in_executor(database._thread, database._connect)
        except BaseException:
            await database.close()
            raise
        return database

    async def run(self, work: Callable[[Connection], T], adopt: Callable[[T], None] | None = None) -> T:
        """``work`` in one transaction: durable when this returns, rolled back when it raises.

        ``adopt`` gets the result in the same thread, once it is durable: even if the caller no longer waits.

        Raises:
            StoreError: it failed now, or did so fatally before.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work, adopt)
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
            self._engine = engine_of(self._url)
            self._connection = self._engine.connect()
            if self._url.get_backend_name() == "sqlite":
                self._check()
            else:
                self._lock_postgresql()
            with self._connection.begin():
                migrate(self._connection, self.where)
            if path is not None:
                self._set_journal("WAL")
            self._sound = True

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
        taken = self._connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": POSTGRESQL_LOCK})
        free = taken.scalar_one()
        self._connection.commit()
        if not free:
            raise StoreError(
                f"store {self.where} is in use by another archscan: stop that one first, or give this one a database"
            )

    def _transact(self, work: Callable[[Connection], T], adopt: Callable[[T], None] | None) -> T:
        if self._stopped is not None:
            raise self._stopped
        assert self._connection is not None  # noqa: S101 - open() has connected
        try:
            with translated(self.where), self._connection.begin():
                result = work(self._connection)
        except StoreError as error:
            if error.fatal:
                self._stopped = error
            raise
        if adopt is not None:
            adopt(result)
        return result

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
                    if self._file is not None and self._sound and self._stopped is None:
                        self._set_journal("DELETE")
                    self._connection.close()
                if self._engine is not None:
                    self._engine.dispose()
        finally:
            self._connection = None
            if self._lock is not None:
                self._lock.release()
                self._lock = None


def sqlite_file(url: str) -> Path | None:
    """The file of a SQLite address; ``None`` for one in memory, or another database's.

    Raises:
        StoreError: it is no database address.
    """
    try:
        return _sqlite_file(make_url(url))
    except ArgumentError:
        raise StoreError("store.url is not a database address: write sqlite:////path/to/archscan.db") from None


def _sqlite_file(url: URL) -> Path | None:
    name = url.database
    if url.get_backend_name() != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name)


def engine_of(url: URL) -> Engine:
    """What connects to this address.

    Raises:
        StoreError: its driver is not installed.
    """
    if url.get_backend_name() != "sqlite":
        try:
            return create_engine(url, poolclass=NullPool)
        except ModuleNotFoundError as error:
            raise StoreError(
                f"store.url: postgresql needs {error.name}, which is not installed: pip install 'archscan[postgresql]'"
            ) from None
    engine = create_engine(url, poolclass=NullPool, connect_args=_ARGUMENTS)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: object) -> None:
    # sqlite3 would otherwise commit on its own before DDL, so that a half-done migration could remain.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
