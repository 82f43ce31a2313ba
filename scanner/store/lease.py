"""Who may write to a PostgreSQL store: one row, whose epoch every transaction that writes compares.

Whoever finds the lease free, or run out by the database's own clock, takes it with the next epoch, in one UPDATE that
compares the one it has seen. A transaction that writes first reads the row FOR SHARE: as long as it lasts nobody takes the
lease, and one that begins after somebody did finds another epoch and writes nothing, however long its process slept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from scanner.store.error import StoreError

if TYPE_CHECKING:
    from sqlalchemy import Connection

RENEW_AT = 1 / 3
"""Of its length a lease is renewed after so much, so that two renewals may fail before it runs out."""

MAX_NAME_CHARS = 256
"""Of an instance's name: a host name has up to 253."""

_CLOCK = "CAST(extract(epoch FROM clock_timestamp()) AS double precision)"
"""The database's clock, in Unix seconds, now: not when the transaction began."""

_LOCKED = "55P03"
"""lock_not_available: a transaction of the holder still runs."""


@dataclass(frozen=True, slots=True)
class Instance:
    """One of the instances that share a store: what it is called, where the others reach it, how long it holds a lease."""

    name: str
    address: str
    lease_s: float


@dataclass(frozen=True, slots=True)
class Lease:
    """The row as it stands; ``left_s`` by the database's clock, not above 0 where anybody may take it."""

    epoch: int
    holder: str
    address: str
    left_s: float


class NotLeaderError(StoreError):
    """This process does not lead, or does no longer: another one writes."""


class TakenOverError(NotLeaderError):
    """Another archscan leads: this process writes nothing any more."""

    def __init__(self, where: str, holder: str) -> None:
        named = f" ({holder[:MAX_NAME_CHARS]})" if holder else ""
        super().__init__(f"store {where}: another archscan{named} took over: this one writes nothing any more")


class OversleptError(NotLeaderError):
    """The database ended the session of a process that said nothing for a whole lease in the midst of a write."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"store {where}: this archscan slept for longer than its lease in the midst of a write, of which nothing is "
            "written: another may lead now"
        )


def read(connection: Connection) -> Lease:
    """How the lease stands."""
    row = connection.execute(text(f"SELECT epoch, holder, address, until - {_CLOCK} AS left_s FROM lease")).one()  # noqa: S608 -- a constant
    return Lease(row.epoch, row.holder, row.address, row.left_s)


def take(connection: Connection, seen: Lease, member: Instance) -> int | None:
    """The epoch from which on this member leads; ``None`` where somebody else was faster, or the holder still writes."""
    connection.execute(text(f"SET LOCAL lock_timeout = {max(1, round(member.lease_s * RENEW_AT * 1000))}"))
    statement = text(
        f"UPDATE lease SET epoch = epoch + 1, holder = :holder, address = :address, until = {_CLOCK} + :length "  # noqa: S608 -- a constant
        f"WHERE epoch = :seen AND until <= {_CLOCK}"
    )
    values = {"holder": member.name, "address": member.address, "length": member.lease_s, "seen": seen.epoch}
    try:
        with connection.begin_nested():
            taken = connection.execute(statement, values).rowcount
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", "") != _LOCKED:
            raise
        return None
    return seen.epoch + 1 if taken else None


def seize(connection: Connection, holder: str) -> int:
    """The epoch of whoever has the database for itself, by its lock: nobody who led before it writes any more."""
    values = {"holder": holder}
    connection.execute(text("UPDATE lease SET epoch = epoch + 1, holder = :holder, address = '', until = 0"), values)
    return read(connection).epoch


def fence(connection: Connection, epoch: int, where: str) -> None:
    """First in each transaction that writes.

    Raises:
        TakenOverError: the lease has another epoch.
    """
    row = connection.execute(text("SELECT epoch, holder FROM lease FOR SHARE")).one()
    if row.epoch != epoch:
        raise TakenOverError(where, row.holder)


def renew(connection: Connection, epoch: int, member: Instance, where: str) -> None:
    """Hold it for its whole length from now on.

    Raises:
        TakenOverError: the lease has another epoch.
    """
    statement = text(f"UPDATE lease SET until = {_CLOCK} + :length WHERE epoch = :epoch")  # noqa: S608 -- a constant
    if not connection.execute(statement, {"length": member.lease_s, "epoch": epoch}).rowcount:
        raise TakenOverError(where, read(connection).holder)


def release(connection: Connection, epoch: int) -> None:
    """Let others take it at once; nothing where they have."""
    connection.execute(text("UPDATE lease SET until = 0 WHERE epoch = :epoch"), {"epoch": epoch})
