"""Deployments that somebody answers for against the gate: durable, in the trail, shown for as long as they last."""

from __future__ import annotations

import math
import uuid
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import structlog

from scanner.domain.override import Override
from scanner.service.answers import Refusal, RefusalReason
from scanner.service.recording import not_stored, refused
from scanner.store.error import StoreError
from scanner.trail import entries
from scanner.trail.log import TrailError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.service.ports import Observer
    from scanner.service.recording import Recording
    from scanner.store.store import Store

log = structlog.get_logger(__name__)

KIND = "override"
"""The kind of the store's records that hold them."""

MAX_S = 30 * 86400.0
"""The longest that one may last: what is to stay is a rule of the gate, in the settings, where it is reviewed."""

MAX_IN_FORCE = 1000
"""More of them are no exceptions; each has a series."""


class Overrides:
    """They live in the store, where every instance finds them; where it cannot be read nobody is let through."""

    def __init__(self, store: Store, observer: Observer, clock: Callable[[], float], recording: Recording) -> None:
        self._store, self._observer, self._clock, self._recording = store, observer, clock, recording
        self._next_end = math.inf

    async def load(self) -> None:
        """Show those in force."""
        await self.in_force()

    async def in_force(self) -> tuple[Override, ...]:
        """Those that have not ended yet; none where the store cannot be read."""
        try:
            records = await self._store.records(KIND)
        except StoreError as error:
            log.warning("overrides_not_read", error=str(error))
            return ()
        now = self._clock()
        found = tuple(one for body in records.values() if (one := Override(**body)).until > now)
        self._next_end = min((one.until for one in found), default=math.inf)
        self._observer.overrides_in_force(found)
        return found

    @property
    def has_ended(self) -> bool:
        """Whether one that is shown is in force no more."""
        return self._next_end <= self._clock()

    async def add(self, wanted: Override, by: str) -> Override | Refusal:
        """Let through what it covers, from now on; its id is chosen here."""
        if len(await self.in_force()) >= MAX_IN_FORCE:
            return Refusal(RefusalReason.OVERRIDE_INVALID, f"{MAX_IN_FORCE} overrides are in force: end some")
        if wanted.until > self._clock() + MAX_S:
            return Refusal(RefusalReason.OVERRIDE_INVALID, f"until is more than {MAX_S / 86400:.0f} days ahead")
        made = replace(wanted, id=uuid.uuid4().hex)
        record = self._recording.record(entries.override_added(self._clock(), by, made))
        if isinstance(record, Refusal):
            return record
        try:
            await self._store.put_record(KIND, made.id, asdict(made), record)
        except StoreError as error:
            return not_stored(error)
        except TrailError as error:
            return refused(error)
        log.warning("override_added", by=by, override=made.id, owner=made.owner, image=made.image, until=made.until)
        await self.in_force()
        return made

    async def delete(self, override_id: str, by: str) -> bool | Refusal:
        """End one, at once; ``False`` if there is none."""
        record = self._recording.record(entries.override_deleted(self._clock(), by, override_id))
        if isinstance(record, Refusal):
            return record
        try:
            deleted = await self._store.delete_record(KIND, override_id, record)
        except StoreError as error:
            return not_stored(error)
        except TrailError as error:
            return refused(error)
        if deleted:
            log.info("override_deleted", by=by, override=override_id)
            await self.in_force()
        return deleted
