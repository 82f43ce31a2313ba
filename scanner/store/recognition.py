"""Recognises a SQLite file before anybody writes to it: ours, empty, another program's, none at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import quote

from scanner.store import tables

if TYPE_CHECKING:
    from pathlib import Path

VERSIONS_TABLE = "alembic_version"
"""Where the migrations keep how far they are."""


class Recognised(Enum):
    """What stands where the store is to be."""

    MISSING = "missing"
    EMPTY = "empty"
    FOREIGN = "foreign"
    NO_DATABASE = "no database"
    PASSABLE = "passable"


def recognise(path: Path) -> Recognised:
    """Look without a lock, a journal or a byte changed; what cannot be read is ``PASSABLE``, for SQLite says why better.

    A file without any table may be ours: what a first start wrote can still be in its WAL.
    """
    try:
        if not path.stat().st_size:
            return Recognised.EMPTY
        names = _tables(path)
    except FileNotFoundError:
        return Recognised.MISSING
    except (OSError, sqlite3.Error) as error:
        is_none = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB
        return Recognised.NO_DATABASE if is_none else Recognised.PASSABLE
    is_ours = VERSIONS_TABLE in names and tables.scans.name in names
    return Recognised.PASSABLE if is_ours or not names else Recognised.FOREIGN


def _tables(path: Path) -> set[str]:
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    with closing(sqlite3.connect(address, uri=True)) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {str(name) for (name,) in rows}
