"""Copies a whole store into an empty one, of the same kind or the other, in one transaction.

Both are locked while it lasts. What was copied is read again from the target before that commits: the same number of
rows, the same bytes, the same head of the trail, or nothing is left there.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, inspect, make_url, select, text

from scanner.formats.files import real
from scanner.store import tables
from scanner.store.connect import ANSWERS_WITHIN_S, address_of, engine_of
from scanner.store.database import Database, sqlite_file
from scanner.store.error import StoreError
from scanner.store.foreign_errors import translated
from scanner.store.recognition import VERSIONS_TABLE, Recognised, recognise
from scanner.store.trail_rows import TrailRows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from sqlalchemy import Connection, Table

PIECE = 64
"""Rows that are in memory at once: the largest, manifests with their indexes, have up to 4 MiB each."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """What was copied: rows by table, the trail's head as (size, note), ``None`` without a trail; ``to`` hides the password."""

    rows: Mapping[str, int]
    head: tuple[int, str] | None
    to: str


async def transfer(source_url: str, target_url: str) -> Transferred:
    """Copy everything; the source stays as it is.

    Raises:
        StoreError: the source is in use, is none or cannot be read; the target is the source, is not empty, is in use, or
            cannot be reached or written.
    """
    address_of(source_url)
    address_of(target_url, "--to")
    await asyncio.to_thread(_refuse_none, source_url)
    await asyncio.to_thread(_refuse_full, source_url, target_url)
    loop = asyncio.get_running_loop()
    source = await Database.open(source_url)
    try:
        target = await Database.open(target_url)
        try:

            def copy(reads: Connection) -> Transferred:
                """In the source's thread, which waits; meanwhile the target's uses its connection."""
                work = target.run(lambda writes: _copied(reads, writes, target.where))
                return asyncio.run_coroutine_threadsafe(work, loop).result()

            return await source.run(copy)
        finally:
            await target.close()
    finally:
        await source.close()


def _copied(reads: Connection, writes: Connection, where: str) -> Transferred:
    for table in _wanted():
        if writes.execute(select(func.count()).select_from(table)).scalar_one():
            raise _not_empty(where)
    rows = {}
    for table in _wanted():
        copied = _copied_rows(table, reads, writes)
        if _digest(table, writes) != copied:
            raise StoreError(f"store {where}: {table.name} does not read as it was written: nothing was copied")
        rows[table.name] = copied[0]
    head = TrailRows(writes).last_checkpoint()
    if head != TrailRows(reads).last_checkpoint():
        raise StoreError(f"store {where}: the trail's head does not read as it was written: nothing was copied")
    _set_sequences(writes)
    return Transferred(rows, head, where)


def _wanted() -> Sequence[Table]:
    """All but who leads, which is no part of what is remembered."""
    return [table for table in tables.metadata.sorted_tables if table is not tables.lease]


_Digest = tuple[int, bytes]
"""How many rows, with the SHA-256 of all of them."""


def _copied_rows(table: Table, reads: Connection, writes: Connection) -> _Digest:
    seen, count = hashlib.sha256(), 0
    for rows in _pieces(table, reads):
        writes.execute(insert(table), rows)
        count += len(rows)
        _update(seen, rows)
    return count, seen.digest()


def _digest(table: Table, connection: Connection) -> _Digest:
    seen, count = hashlib.sha256(), 0
    for rows in _pieces(table, connection):
        count += len(rows)
        _update(seen, rows)
    return count, seen.digest()


def _update(seen: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        seen.update(
            repr([bytes(v) if isinstance(v, memoryview) else v for v in row.values()]).encode("utf-8", "replace")
        )


def _pieces(table: Table, connection: Connection) -> Iterator[Sequence[Mapping[str, Any]]]:
    """Rows by key; numbers are ordered alike everywhere, text by its bytes."""
    keys = [
        column.collate(_BYTES[connection.dialect.name]) if _is_text(column) else column for column in table.primary_key
    ]
    query = select(table).order_by(*keys).execution_options(yield_per=PIECE)
    for rows in connection.execute(query).mappings().partitions():
        yield [dict(row) for row in rows]


_BYTES = {"sqlite": "BINARY", "postgresql": "C"}
"""The collation that compares bytes."""


def _is_text(column: Any) -> bool:
    return column.type.python_type is str


def _set_sequences(connection: Connection) -> None:
    """PostgreSQL's go on behind the highest number; SQLite goes by the rows themselves."""
    if connection.dialect.name != "postgresql":
        return
    for table in _wanted():
        column = table.autoincrement_column
        if column is None or column.autoincrement is not True:
            continue
        highest = connection.execute(select(func.max(column))).scalar()
        if highest is not None:
            place = {"at": table.name, "column": column.name, "highest": highest}
            connection.execute(text("SELECT setval(pg_get_serial_sequence(:at, :column), :highest)"), place)


# ---------------------------------------------------------------- before anything is opened


def _refuse_none(url: str) -> None:
    """A source that is not there would be made."""
    file = sqlite_file(url)
    found = recognise(file) is Recognised.PASSABLE if file is not None else VERSIONS_TABLE in _names(url)
    if not found:
        raise StoreError(f"store {_shown(url)} is none of archscan's, or was never used: there is nothing to copy")


def _refuse_full(source: str, target: str) -> None:
    """Before a table is made in somebody else's database; whether ours have rows is looked at under the lock."""
    if _is_same(source, target):
        raise StoreError(f"store {_shown(target)} is the one that is to be copied: name another")
    file = sqlite_file(target)
    full = recognise(file) is Recognised.FOREIGN if file is not None else bool(set(_names(target)) - _OURS)
    if full:
        raise _not_empty(_shown(target))


_OURS = {*tables.metadata.tables, VERSIONS_TABLE}


def _names(url: str) -> Sequence[str]:
    """The tables of a PostgreSQL."""
    with translated(_shown(url)):
        engine = engine_of(make_url(url))
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"SET statement_timeout = '{ANSWERS_WITHIN_S}s'")
                return inspect(connection).get_table_names()
        finally:
            engine.dispose()


def refuse_unreachable(url: str) -> None:
    """See that a PostgreSQL lets us look at its tables.

    Raises:
        StoreError: it does not, or does not answer.
    """
    _names(url)


def _is_same(source: str, target: str) -> bool:
    named = sqlite_file(source), sqlite_file(target)
    if named[0] is not None and named[1] is not None:
        return real(named[0]) == real(named[1])
    return make_url(source) == make_url(target)


def _not_empty(where: str) -> StoreError:
    return StoreError(f"store {where} is not empty: it is left as it is: name a new file, or an empty database")


def _shown(url: str) -> str:
    return make_url(url).render_as_string(hide_password=True)
