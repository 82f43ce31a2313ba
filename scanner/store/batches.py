"""Writes many rows a part at a time: a first scan of ten thousand hosts finds some hundred thousand."""

from __future__ import annotations

from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sqlalchemy import ClauseElement, Connection

ROWS_AT_ONCE = 1000
"""A row of a finding is about two kilobytes while it is written, in our hands as in the driver's."""


def write_rows(connection: Connection, statement: ClauseElement, rows: Iterable[dict[str, Any]]) -> None:
    """Execute a statement with each of the rows, which may be made as they are asked for; none costs nothing.

    The rows name the same columns, of types that the driver takes as they are.
    """
    remaining = iter(rows)
    compiled: Any = None
    while batch := list(islice(remaining, ROWS_AT_ONCE)):
        compiled = compiled or statement.compile(dialect=connection.dialect, column_keys=list(batch[0]))
        said = itemgetter(*compiled.positiontup) if compiled.positional else None
        connection.exec_driver_sql(str(compiled), _tuples(said, batch) if said else batch)


def _tuples(said: Callable[[dict[str, Any]], Any], batch: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows as a driver wants them that knows no names."""
    return [found if isinstance(found := said(row), tuple) else (found,) for row in batch]
