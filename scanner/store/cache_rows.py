"""Rows of caches: which are stored is known without a query, many are written in one transaction a little later."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select

from scanner.store import tables
from scanner.store.error import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Connection, Table

    from scanner.store.database import Database

WITHIN_S = 0.5
"""How long a row waits for others at most: what a crash takes is asked for once more."""

MAX_WAITING_BYTES = 4 * 1024 * 1024
"""Then whoever brings the next row waits until they are written."""

MAX_KEY_CHARS = 1024
"""Of a text in a key: PostgreSQL refuses rows whose keys have more than 2704 bytes."""

CACHES = (tables.documents, tables.programs)

Key = tuple[str, ...]
"""The values of a table's primary key."""

_Rows = dict["Table", dict[Key, dict[str, Any]]]


@dataclass(eq=False, slots=True)
class CacheRows:
    """What waits to be written into the tables of ``CACHES``, with what is known to be there already.

    A row that cannot be written is gone: whoever needs it asks for it again.
    """

    database: Database
    _waiting: _Rows = field(default_factory=dict)
    _written: _Rows = field(default_factory=dict)
    _waiting_bytes: int = 0
    _stored: dict[Table, set[str]] = field(default_factory=dict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _timer: asyncio.TimerHandle | None = None
    _flushing: set[asyncio.Task[None]] = field(default_factory=set)

    def recall(self, connection: Connection) -> None:
        """Learn which rows there are, by the first column of their keys; whoever follows would not use it."""
        if not self.database.leads:
            return
        for table in CACHES:
            first = next(iter(table.primary_key))
            self._stored[table] = set(connection.execute(select(first).distinct()).scalars())

    async def find(self, table: Table, key: Key) -> Mapping[str, Any] | None:
        """The row with this key; a query is made only where there may be one: where others write too, nobody knows.

        Raises:
            StoreError: it could not be read.
        """
        for rows in (self._waiting, self._written):
            if (found := rows.get(table, {}).get(key)) is not None:
                return found
        if self.database.leads and key[0] not in self._stored.get(table, ()):
            return None
        same = (column == part for column, part in zip(table.primary_key, key, strict=True))
        query = select(table).where(*same)
        stored = await self.database.read(lambda connection: connection.execute(query).first())
        return None if stored is None else stored._asdict()

    async def put(self, table: Table, row: dict[str, Any]) -> None:
        """Write a row soon, in place of one with the same key.

        One with a text that is not printable is not kept: PostgreSQL refuses some, with all the rows beside them.
        """
        if not all(value.isprintable() for value in row.values() if isinstance(value, str)):
            return
        key = tuple(row[column.name] for column in table.primary_key)
        self._waiting.setdefault(table, {})[key] = row
        self._waiting_bytes += len(row["body"])
        if self._waiting_bytes >= MAX_WAITING_BYTES:
            await self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WITHIN_S, self._begin)

    async def flush(self) -> None:
        """Write what waits; it is durable when this returns, or gone. Others' rows are written if the caller is cancelled."""
        await asyncio.shield(self._begin())

    async def close(self) -> None:
        """Write what waits, for the last time."""
        await self.flush()
        await asyncio.gather(*self._flushing)

    def _begin(self) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._write_waiting())
        self._flushing.add(task)
        task.add_done_callback(self._flushing.discard)
        return task

    async def _write_waiting(self) -> None:
        async with self._turn:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            rows, self._waiting, self._waiting_bytes = self._waiting, {}, 0
            if not rows:
                return
            self._written = rows
            try:
                await self.database.run(lambda connection: _write(connection, rows), lambda _: self._note(rows))
            except StoreError:
                return
            finally:
                self._written = {}

    def _note(self, rows: _Rows) -> None:
        for table, keyed in rows.items():
            self._stored.setdefault(table, set()).update(key[0] for key in keyed)


def _write(connection: Connection, rows: _Rows) -> None:
    """Replace the rows; safe because there is one writer."""
    for table, keyed in rows.items():
        columns = list(table.primary_key)
        same = delete(table).where(*(column == bindparam(f"the_{column.name}") for column in columns))
        connection.execute(
            same, [{f"the_{column.name}": part for column, part in zip(columns, key, strict=True)} for key in keyed]
        )
        connection.execute(insert(table), list(keyed.values()))


def in_key(text: str) -> str:
    """A text as a part of a key: in the place of a long one stands its digest."""
    return text if len(text) <= MAX_KEY_CHARS else f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
