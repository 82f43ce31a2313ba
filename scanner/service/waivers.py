"""The waivers in force: those of the configuration, those that were added over HTTP."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from scanner.service.answers import Refusal, RefusalReason, Waived
from scanner.service.publication import Waiver
from scanner.store.error import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.settings.schema import Settings
    from scanner.store.store import Store

log = structlog.get_logger(__name__)

KIND = "waiver"
"""The kind of the store's records that hold waivers."""

RETRY_AFTER_S = 60
"""A full disk is not emptied sooner."""


class Waivers:
    """Added ones are durable before they count; ``settings`` gives the settings in force."""

    def __init__(self, store: Store, settings: Callable[[], Settings], clock: Callable[[], float]) -> None:
        self._store, self._settings, self._clock = store, settings, clock
        self._added: dict[str, Waived] = {}

    async def load(self) -> None:
        """Remember what was added before.

        Raises:
            StoreError: it could not be read.
        """
        for key, body in (await self._store.records(KIND)).items():
            self._added[key] = Waived(**body)

    def in_force(self) -> list[Waived]:
        """Those that have not ended yet."""
        now = self._clock()
        return [waiver for waiver in (*self._configured(), *self._added.values()) if waiver.until > now]

    def patterns(self) -> list[Waiver]:
        """The same, as a report applies them."""
        return [
            Waiver(w.owner, w.reason, w.until, w.host, w.image, w.workload, w.finding_reason) for w in self.in_force()
        ]

    async def add(self, waiver: Waived, by: str) -> Waived | Refusal:
        """Put a waiver in force; its id is chosen here."""
        made = replace(waiver, id=uuid.uuid4().hex, origin="api")
        body = {name: getattr(made, name) for name in Waived.__slots__}
        try:
            await self._store.put_record(KIND, made.id, body)
        except StoreError as error:
            return Refusal(RefusalReason.STORE_FAILED, str(error), RETRY_AFTER_S)
        self._added[made.id] = made
        log.info("waiver_added", by=by, waiver=made.id, owner=made.owner, until=made.until)
        return made

    async def delete(self, waiver_id: str, by: str) -> bool | Refusal:
        """End one that was added; ``False`` if there is none."""
        if waiver_id not in self._added:
            return False
        try:
            await self._store.delete_record(KIND, waiver_id)
        except StoreError as error:
            return Refusal(RefusalReason.STORE_FAILED, str(error), RETRY_AFTER_S)
        del self._added[waiver_id]
        log.info("waiver_deleted", by=by, waiver=waiver_id)
        return True

    def _configured(self) -> list[Waived]:
        return [
            Waived(
                f"config-{number}", one.owner, one.reason, one.until.timestamp(),
                one.match.host, one.match.image, one.match.workload, one.match.reason, "config",
            )
            for number, one in enumerate(self._settings().waivers)
        ]  # fmt: skip
