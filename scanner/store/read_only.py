"""A look at a database that belongs to a running service, or to nobody: nothing of it is locked or changed."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import URL, create_engine, select
from sqlalchemy.pool import NullPool

from scanner.formats.files import is_there
from scanner.store import findings, releases, tables
from scanner.store.connect import address_of, engine_of, only_look
from scanner.store.error import StoreError
from scanner.store.foreign_errors import translated
from scanner.store.trail_rows import TrailRows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from scanner.domain.release import Release
    from scanner.domain.report import Report

TRIES = 5
"""A copy during which the service wrote is made again; between two scans there is time enough."""

MAX_BYTES_AT_ONCE = 32 << 20
"""Of a database that is copied while somebody waits for a word."""

_BESIDE = ("", "-wal")
"""What a SQLite database consists of; it is opened by one process alone, so that nothing is in shared memory."""


@contextmanager
def trail_of(url: str) -> Iterator[TrailRows]:
    """The rows of the trail, as they are at one moment.

    Raises:
        StoreError: there is no such database, it is damaged, or it changed during each copy.
    """
    with _reading(url) as connection:
        driver = connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            driver.text_factory = _as_stored
        yield TrailRows(connection)


def releases_of(url: str, host: str, workload: str) -> list[Release]:
    """What a host has had of a workload, the newest first.

    Raises:
        StoreError: there is no such database, it is older than this table, damaged, or it changed during each copy.
    """
    with _reading(url) as connection:
        return releases.of_workload(connection, host, workload)


def last_report_of(url: str) -> Report | None:
    """The report that was stored last; ``None`` before the first.

    Raises:
        StoreError: there is no such database, it is damaged, of another version, or it changed during each copy.
    """
    with _reading(url) as connection:
        try:
            return findings.last_report(connection, findings.load(connection))
        except ValueError as error:
            raise StoreError(f"another version wrote the store: {error}") from error


def images_of(url: str) -> set[str]:
    """The images of the last scan, at once: of a large database as its file stands, without what a service still holds.

    Raises:
        StoreError: there is no such database, it is damaged, or it changed meanwhile.
    """
    f = tables.findings
    query = select(f.c.image).where(f.c.closed_at.is_(None), f.c.present).distinct()
    with _glancing(url) as connection:
        return set(connection.execute(query).scalars())


def _as_stored(text: bytes) -> str:
    """Whoever put bytes where a text is made no error of the database: they are to be shown as what they are."""
    return text.decode("utf-8", "surrogateescape")


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    address = address_of(url)
    where = address.render_as_string(hide_password=True)
    if address.get_backend_name() == "postgresql":
        with _connected(address, where) as connection:
            yield connection
        return
    _refuse_unmade(address, where)
    with tempfile.TemporaryDirectory(prefix="archscan-trail-") as folder:
        with translated(where):
            copy = _copied(Path(address.database or ""), Path(folder), where)
        with _connected(address.set(database=str(copy)), where) as connection:
            yield connection


@contextmanager
def _glancing(url: str) -> Iterator[Connection]:
    """As ``_reading``, but a large SQLite is not copied: its service writes into its file seldom, else beside it."""
    address = address_of(url)
    where, database = address.render_as_string(hide_password=True), Path(address.database or "")
    _refuse_unmade(address, where)
    with translated(where):
        before = _state(database) if address.get_backend_name() == "sqlite" else []
    if sum(one[0] for one in before if one) <= MAX_BYTES_AT_ONCE:
        with _reading(url) as connection:
            yield connection
        return
    as_it_is = {"mode": "ro", "immutable": "1", "uri": "true"}
    file = URL.create("sqlite", database=f"file:{quote(str(database.absolute()))}", query=as_it_is)
    with _connected(file, where) as connection:
        yield connection
        with translated(where):
            is_changed = _state(database)[0] != before[0]
    if is_changed:
        raise StoreError(f"store {where}: it was written to meanwhile: try again", fatal=False)


@contextmanager
def _connected(address: URL, where: str) -> Iterator[Connection]:
    is_file = address.get_backend_name() == "sqlite"
    engine = create_engine(address, poolclass=NullPool) if is_file else engine_of(address)
    try:
        with translated(where), engine.connect() as connection:
            if not is_file:
                only_look(connection)
            yield connection
    finally:
        engine.dispose()


def _copied(database: Path, folder: Path, where: str) -> Path:
    copy = folder / "copy.db"
    for _ in range(TRIES):
        before = _state(database)
        for ending in _BESIDE:
            source, target = Path(f"{database}{ending}"), Path(f"{copy}{ending}")
            target.unlink(missing_ok=True)
            if not ending or is_there(source):
                shutil.copyfile(source, target)
        if _state(database) == before:
            return copy
    raise StoreError(f"store {where}: it was written to during each of {TRIES} copies: try again", fatal=False)


def _refuse_unmade(address: URL, where: str) -> None:
    """Who asks before there is anything to look at is not told of folders."""
    if address.get_backend_name() == "sqlite":
        try:
            Path(address.database or "").stat()
        except FileNotFoundError:
            unmade = f"store {where}: is not there yet: archscan serve makes it as it starts"
            raise StoreError(unmade, fatal=False) from None
        except OSError:
            return  # which whoever reads it says


def _state(database: Path) -> list[tuple[int, int] | None]:
    found: list[tuple[int, int] | None] = []
    for ending in _BESIDE:
        path = Path(f"{database}{ending}")
        status = path.stat() if not ending or is_there(path) else None
        found.append((status.st_size, status.st_mtime_ns) if status else None)
    return found
