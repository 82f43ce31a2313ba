"""Writes many rows a part at a time: a first scan of ten thousand hosts finds some hundred thousand."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection, Executable

ROWS_AT_ONCE = 1000
"""A row of a finding is about two kilobytes while it is written, in our hands as in the driver's."""


def write_rows(connection: Connection, statement: Executable, rows: Iterable[dict[str, Any]]) -> None:
    """Execute a statement with each of the rows, which may be made as they are asked for; none costs nothing."""
    remaining = iter(rows)
    while batch := list(islice(remaining, ROWS_AT_ONCE)):
        connection.execute(statement, batch)
