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

ANSWERS_WITHIN_S = 5
"""Whoever keeps no lease, a check or a copy, waits so long for a PostgreSQL that may never say anything."""

GONE_AFTER_S = 30
"""Without a lease, a network may be away for so long in the middle of a copy."""

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
    return address


def engine_of(url: URL, member: Instance | None = None) -> Engine:
    """What connects to this address, or is refused in time; a ``member`` learns within its lease that the other end is gone.

    Raises:
        StoreError: its driver is not installed.
    """
    if url.get_backend_name() != "sqlite":
        limits = _limits(ANSWERS_WITHIN_S, GONE_AFTER_S) if member is None else _limits_of(member)
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


def _limits_of(member: Instance) -> dict[str, int]:
    """So that who follows looks again before a lease is over."""
    within_s = max(2, round(member.lease_s * lease.RENEW_AT))  # libpq takes less than 2 s for 2 s
    return _limits(within_s, within_s)


def _limits(answers_s: int, gone_s: int) -> dict[str, int]:
    """libpq's: how long it waits for a server that says nothing, at first or later."""
    return {
        "connect_timeout": answers_s,
        "keepalives_idle": gone_s,
        "keepalives_interval": gone_s,
        "keepalives_count": 2,
        "tcp_user_timeout": gone_s * 1000,
    }


def _prepare(connection: Any, _record: object) -> None:
    # sqlite3 would otherwise commit on its own before DDL, so that a half-done migration could remain.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def announce(connection: Connection) -> None:
    """Tell whoever listens, once this transaction has committed; SQLite has nobody who does."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"NOTIFY {CHANNEL}"))
