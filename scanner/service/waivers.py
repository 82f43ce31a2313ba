"""The waivers in force: those of the configuration, those that were added while it ran."""

from __future__ import annotations

import uuid
from dataclasses import fields, replace
from typing import TYPE_CHECKING

import structlog

from scanner.domain.waiver import Waiver, WaiverOrigin
from scanner.service.answers import Refusal
from scanner.service.configuration import waivers
from scanner.service.recording import not_stored, refused
from scanner.store.error import StoreError
from scanner.trail import entries
from scanner.trail.log import TrailError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.service.publication import Publication
    from scanner.service.recording import Recording
    from scanner.service.reloading import Reloading
    from scanner.store.store import Store

log = structlog.get_logger(__name__)

KIND = "waiver"
"""The kind of the store's records that hold waivers."""


class Waivers:
    """Added ones live in the store, where every instance finds them; durable before they count."""

    def __init__(
        self,
        store: Store,
        reloading: Reloading,
        publication: Publication,
        clock: Callable[[], float],
        recording: Recording,
    ) -> None:
        self._store, self._reloading, self._publication, self._clock = store, reloading, publication, clock
        self._recording = recording
        self._added: tuple[Waiver, ...] = ()

    async def load(self) -> None:
        """Apply what was added before.

        Raises:
            StoreError: it could not be read.
        """
        records = (await self._store.records(KIND)).values()
        self._added = tuple(Waiver(**(body | {"origin": WaiverOrigin(body["origin"])})) for body in records)
        await self._publication.waive(self._known())

    async def in_force(self) -> list[Waiver]:
        """Those that have not ended yet, applied from now on; where the store cannot be read, as it last said."""
        try:
            await self.load()
        except StoreError as error:
            log.warning("waivers_not_read", error=str(error))
            await self._publication.waive(self._known())
        return self._known()

    async def add(self, waiver: Waiver, by: str) -> Waiver | Refusal:
        """Put a waiver in force, at once; its id is chosen here."""
        made = replace(waiver, id=uuid.uuid4().hex, origin=WaiverOrigin.API)
        body = {field.name: getattr(made, field.name) for field in fields(made)}
        record = self._recording.record(entries.waiver_added(self._clock(), by, made))
        if isinstance(record, Refusal):
            return record
        try:
            await self._store.put_record(KIND, made.id, body, record)
        except StoreError as error:
            return not_stored(error)
        except TrailError as error:
            return refused(error)
        log.info("waiver_added", by=by, waiver=made.id, owner=made.owner, until=made.until)
        await self.in_force()
        return made

    async def delete(self, waiver_id: str, by: str) -> bool | Refusal:
        """End one that was added, at once; ``False`` if there is none."""
        record = self._recording.record(entries.waiver_deleted(self._clock(), by, waiver_id))
        if isinstance(record, Refusal):
            return record
        try:
            deleted = await self._store.delete_record(KIND, waiver_id, record)
        except StoreError as error:
            return not_stored(error)
        except TrailError as error:
            return refused(error)
        if deleted:
            log.info("waiver_deleted", by=by, waiver=waiver_id)
            await self.in_force()
        return deleted

    def _known(self) -> list[Waiver]:
        now = self._clock()
        return [waiver for waiver in (*waivers(self._reloading.settings), *self._added) if waiver.until > now]
