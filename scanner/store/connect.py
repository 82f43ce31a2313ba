"""Connects to a database of either kind, with what each of them needs to be told first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from scanner.store import lease
from scanner.store.error import StoreError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

    from scanner.store.lease import Instance

BUSY_S = 2.0
"""A backup may hold the file for a moment; whoever holds it longer is another writer."""

SILENT_S = 10.0
"""A PostgreSQL that says nothing for so long is told of, where no lease says how long it may."""

_PRAGMAS = (
    "PRAGMA locking_mode=EXCLUSIVE",  # nobody else connects, so there is no second connection to race with
    "PRAGMA synchronous=FULL",  # NORMAL may lose acknowledged commits on power loss
    "PRAGMA trusted_schema=OFF",
)

CHANNEL = "archscan"
"""Where the instances of one PostgreSQL tell each other of changes; another archscan has another database."""


def address_of(url: str, said_by: str = "store.url") -> URL:
    """The address of a database that archscan can use; ``said_by`` is the setting or option that names it.

    Raises:
        StoreError: it is none.
    """
    try:
        address = make_url(url)
    except ArgumentError:
        raise StoreError(f"{said_by} is not a database address: write sqlite:////path/to/archscan.db") from None
    if address.get_backend_name() not in ("sqlite", "postgresql"):
        raise StoreError(f"{said_by}: {address.get_backend_name()} is not supported: use sqlite or postgresql")
    if address.get_backend_name() == "sqlite" and address.host:
        raise StoreError(f"{said_by}: sqlite:// names no file with two strokes: write sqlite:////path/to/archscan.db")
    return address


def engine_of(url: URL, member: Instance | None = None) -> Engine:
    """What connects to this address, and waits for no silent server for ever; a ``member`` looks again within its lease.

    Raises:
        StoreError: its driver is not installed.
    """
    if url.get_backend_name() != "sqlite":
        limits = _limits(SILENT_S if member is None else member.lease_s * lease.RENEW_AT)
        wanted = {name: value for name, value in limits.items() if name not in url.query}
        try:
            return create_engine(url, poolclass=NullPool, connect_args=wanted)
        except ModuleNotFoundError as error:
            raise StoreError(
                f"store.url: postgresql needs {error.name}, which is not installed: pip install 'archscan[postgresql]'"
            ) from None
    # One thread at a time: while a store is copied its own waits for the other store's, which reads through it.
    engine = create_engine(url, poolclass=NullPool, connect_args={"timeout": BUSY_S, "check_same_thread": False})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _limits(silent_s: float) -> dict[str, int]:
    """libpq's: how long it waits for a server that says nothing."""
    within_s = max(2, round(silent_s))  # libpq takes less than 2 s for 2 s
    return {
        "connect_timeout": within_s,
        "keepalives_idle": within_s,
        "keepalives_interval": within_s,
        "keepalives_count": 2,
        "tcp_user_timeout": within_s * 1000,
    }


def _prepare(connection: Any, _record: object) -> None:
    # sqlite3 would otherwise commit on its own before DDL, so that a half-done migration could remain.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def only_look(connection: Connection) -> None:
    """What follows in this transaction of a PostgreSQL writes nothing, and waits for no lock of others for long."""
    connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(SILENT_S * 1000)}")


def announce(connection: Connection) -> None:
    """Tell whoever listens, once this transaction has committed; SQLite has nobody who does."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"NOTIFY {CHANNEL}"))
