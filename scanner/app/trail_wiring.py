"""The trail of a running service: its key, its first entry, its witnesses, its last entry."""

from __future__ import annotations

import os
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from scanner.app.store import store_url
from scanner.settings.problem import Problem, SettingsError
from scanner.store.database import sqlite_file
from scanner.store.error import StoreError
from scanner.trail import key, note
from scanner.trail.key import KeyFileError
from scanner.trail.leaf import Entry, Event
from scanner.trail.log import TrailError
from scanner.trail.note import COSIGNATURE, NoteError
from scanner.trail.trail import Trail
from scanner.trail.witness import Witness, Witnessing, client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from scanner.settings.schema import Settings
    from scanner.store.store import Store
    from scanner.trail.note import Signer
    from scanner.trail.trail import TrailObserver

log = structlog.get_logger(__name__)


class RunningTrail:
    """The trail of a service that runs, from ``begin`` on, which is when it leads."""

    def __init__(  # noqa: PLR0913, PLR0917 -- where, as whom, before whom: each from elsewhere
        self, store: Store, path: Path, origin: str, observer: TrailObserver, version: str, asked: Sequence[Witness]
    ) -> None:
        self._store, self._path, self._origin, self._observer = store, path, origin, observer
        self._version, self._asked = version, asked
        self.trail = Trail(store, None, observer)
        self._witnessing: Witnessing | None = None

    async def open(self) -> None:
        """Read the key, take up where the log ended; one who follows makes no key, for it would be another's log."""
        signer, failure = await _signer(self._store, self._path, self._origin)
        self.trail.sign(signer, failure)
        await self.trail.open()

    async def begin(self) -> None:
        """Tell the log of the start, have its heads cosigned."""
        key = {"key": str(self.trail.verifier)} if self.trail.verifier else {}
        about: dict[str, object] = {
            "version": self._version,
            "witnesses": [str(witness.verifier) for witness in self._asked],
        }
        await _tell(self.trail, Event.SERVICE_STARTED, about | key | await self._lease())
        self._witnessing = Witnessing(self.trail, self._asked, self._observer, client)
        self._witnessing.start()

    async def _lease(self) -> dict[str, object]:
        """Of several instances: from which epoch on this one leads, so that the one log tells whose its entries are."""
        try:
            lease = await self._store.lease()
        except StoreError:
            return {}  # then nothing else can be written either
        return {} if lease is None else {"epoch": lease.epoch, "holder": lease.holder}

    async def end(self) -> None:
        """Tell the log of the stop, where it was told of a start."""
        if self._witnessing is not None:
            await self._witnessing.close()
            await _tell(self.trail, Event.SERVICE_STOPPED, {"version": self._version})
        await self.trail.close()


def trail_of_service(store: Store, settings: Settings, observer: TrailObserver, version: str) -> RunningTrail | None:
    """The trail; ``None`` where there is no store on disk, or none is wanted.

    A trail that cannot be continued is there all the same: it says so, and the gate holds.

    Raises:
        SettingsError: a witness's key is none.
    """
    url = store_url(settings)
    if url is None or not settings.trail.enabled:
        return None
    asked, path = witnesses(settings), key_path(settings, url)
    if path is None:
        log.warning("no_trail", why="trail.key_file is not set, which PostgreSQL needs: archscan trail key makes one")
        return None
    return RunningTrail(store, path, settings.trail.origin or "", observer, version, asked)


@asynccontextmanager
async def running_trail(
    store: Store, settings: Settings, observer: TrailObserver, version: str
) -> AsyncIterator[Trail | None]:
    """The trail of a service that leads, for as long as it runs; ``None`` as above.

    Raises:
        SettingsError: a witness's key is none.
    """
    running = trail_of_service(store, settings, observer, version)
    if running is None:
        yield None
        return
    await running.open()
    await running.begin()
    try:
        yield running.trail
    finally:
        await running.end()


def key_path(settings: Settings, url: str | None) -> Path | None:
    """Where the signing key is: as configured, else beside a SQLite store, else in the service's own folder.

    ``None`` where nobody said: a database has no place of its own for a file.
    """
    if settings.trail.key_file is not None:
        return settings.trail.key_file
    database = sqlite_file(url) if url else None
    if database is not None:
        return database.with_name(f"{database.name}.key")
    folder = os.environ.get("STATE_DIRECTORY", "")  # systemd's, where StateDirectory= names one
    return Path(folder, "trail.key") if folder else None


def check_trail(settings: Settings) -> None:
    """What serve would find wrong with the trail's settings before it opens a store.

    Raises:
        SettingsError: a witness's key is none, or the signing key cannot be read.
    """
    witnesses(settings)
    url = store_url(settings)
    path = key_path(settings, url) if url and settings.trail.enabled else settings.trail.key_file
    try:
        if path is not None:
            key.read(path)
    except KeyFileError as error:
        raise SettingsError([Problem("trail.key_file", 0, "", str(error))]) from None


def witnesses(settings: Settings) -> Sequence[Witness]:
    """Who is asked to cosign.

    Raises:
        SettingsError: a key is none of a witness.
    """
    found, problems = [], []
    for index, one in enumerate(settings.trail.witnesses):
        try:
            verifier = note.parse_verifier(one.key)
        except NoteError as error:
            problems.append(Problem(f"trail.witnesses[{index}].key", 0, "", str(error)))
            continue
        if verifier.kind != COSIGNATURE:
            problems.append(Problem(f"trail.witnesses[{index}].key", 0, "", "is a log's key, not a witness's (kind 4)"))
        found.append(Witness(one.url.rstrip("/"), verifier))
    if problems:
        raise SettingsError(problems)
    return found


async def _signer(store: Store, path: Path, origin: str) -> tuple[Signer | None, str]:
    """The key, or why there is none. It is made once: for a log that has entries there must be one already."""
    try:
        signer = key.read(path)
        if signer is None and await store.trail(lambda rows: rows.last_position()) >= 0:
            return None, f"{path} is gone, although the trail has entries: bring the key back"
        if signer is None and not store.leads:
            return None, f"{path} is not there: bring the leader's key, with which the trail goes on"
        if signer is None:
            signer = key.make(path, origin)
            log.info("trail_key_made", file=str(path), key=str(signer.verifier))
    except KeyFileError as error:
        return None, str(error)
    return signer, ""


async def _tell(trail: Trail, event: Event, about: Mapping[str, object]) -> None:
    try:
        await trail.append(Entry(event, time.time(), "", about))
    except TrailError as error:
        log.warning("trail_not_told", told=str(event), error=str(error))
