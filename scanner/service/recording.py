"""Tells the trail what use cases do: nothing counts before it stands there, where there is a trail."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scanner.domain.decision import Decision
from scanner.scan.aside import aside
from scanner.service.answers import Checked, Refusal, RefusalReason
from scanner.store.error import StoreError
from scanner.store.lease import NotLeaderError
from scanner.trail import entries, report_rows
from scanner.trail.log import TrailError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scanner.domain.report import Report
    from scanner.service.answers import Reloaded
    from scanner.settings.schema import Settings
    from scanner.store.store import Store
    from scanner.store.trail_rows import Record
    from scanner.trail.leaf import Entry
    from scanner.trail.trail import Trail

RETRY_AFTER_S = 60
"""A store, a trail that fails does so for as long as its disk, or until somebody looks."""

TAKEN_OVER_WITHIN_S = 10
"""Another archscan has taken over by then, mostly."""


class Recording:
    """Without a trail everything goes on as if all had been told."""

    def __init__(
        self, trail: Trail | None, clock: Callable[[], float], leads: Callable[[], bool] = lambda: True
    ) -> None:
        self.trail, self._clock, self._leads = trail, clock, leads
        self._telling: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait for what is still being told."""
        if self._telling:
            await asyncio.wait(self._telling)

    # ---------------------------------------------------------------- scans, which go on whatever the trail does

    async def scan_started(self, scan: str, by: str, hosts: Sequence[str]) -> None:
        """A scan begins."""
        await self._tell(entries.scan_started(self._clock(), by, scan, hosts))

    async def scan_failed(self, scan: str, by: str, detail: str) -> None:
        """A scan ended without a report."""
        await self._tell(entries.scan_failed(self._clock(), by, scan, detail))

    async def save(self, store: Store, report: Report, by: str) -> Report:
        """Store a report with its entries in one transaction; without them where the trail fails.

        Raises:
            StoreError: nothing was stored.
        """
        if self.trail is None:
            return await store.save(report)
        said = await aside(report.size, lambda: report_rows.report_digest(report))
        record = self.trail.record_scan(by, said)
        if record is None:
            self.trail.missed(self.trail.failure)
            return await store.save(report)
        try:
            return await store.save(report, record)
        except StoreError as error:
            self.trail.missed(error)
            raise
        except TrailError as error:
            self.trail.missed(error)
            return await store.save(report)

    # ---------------------------------------------------------------- what waits for the trail

    async def decided(self, answer: Checked | Refusal, asked: Mapping[str, Any], by: str) -> Checked | Refusal:
        """The gate's answer once it stands in the trail; a hold where it cannot."""
        decision_id = uuid.uuid4().hex
        if self.trail is None:
            return answer if isinstance(answer, Refusal) else replace(answer, id=decision_id)
        size = 0 if isinstance(answer, Refusal) else answer.report.size
        entry = await aside(size, lambda: self._decision(answer, asked, by, decision_id))
        try:
            index = await self.trail.append(entry)
        except TrailError as error:
            return answer if isinstance(answer, Refusal) else refused(error)
        return answer if isinstance(answer, Refusal) else replace(answer, id=decision_id, trail_index=index)

    def record(self, entry: Entry) -> Record | Refusal | None:
        """What writes an entry in somebody else's transaction; a refusal where it could not be written."""
        if self.trail is None:
            return None
        record = self.trail.record(entry)
        return record or refused(self.trail.failure)

    # ---------------------------------------------------------------- reloads, which are in force already

    def reloaded(self, by: str, result: Reloaded, settings: Settings) -> None:
        """The configuration was read again; in the event loop."""
        configuration = f"sha256:{hashlib.sha256(settings.model_dump_json().encode()).hexdigest()}"
        entry = entries.reloaded(
            self._clock(), by, successful=result.successful, detail=result.detail, configuration=configuration
        )
        task = asyncio.get_running_loop().create_task(self._tell(entry))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def _decision(self, answer: Checked | Refusal, asked: Mapping[str, Any], by: str, decision_id: str) -> Entry:
        if isinstance(answer, Refusal):
            detail = f"{answer.reason}: {answer.detail}"
            return entries.gate_decided(
                self._clock(),
                by,
                decision_id=decision_id,
                decision=Decision.HOLD,
                asked=asked,
                report=None,
                detail=detail,
            )
        used = dict.fromkeys(ruling.override.id for ruling in answer.rulings if ruling.override is not None)
        return entries.gate_decided(
            self._clock(), by, decision_id=decision_id, decision=answer.decision, asked=asked, report=answer.report,
            pins=answer.pins, overrides=tuple(used),
        )  # fmt: skip

    async def _tell(self, entry: Entry) -> None:
        """Best effort: a trail that fails has said so itself; one who follows has none to write to, only its log."""
        if self.trail is not None and self._leads():
            try:
                await self.trail.append(entry)
            except TrailError:
                return


def not_stored(error: StoreError) -> Refusal:
    """Why something was not made durable; not here where another archscan leads."""
    if isinstance(error, NotLeaderError):
        return Refusal(RefusalReason.NOT_LEADER, str(error), TAKEN_OVER_WITHIN_S)
    return Refusal(RefusalReason.STORE_FAILED, str(error), RETRY_AFTER_S)


def refused(why: TrailError | str) -> Refusal:
    """Nothing is decided that nobody could prove."""
    return Refusal(RefusalReason.TRAIL_FAILED, f"the trail cannot be written: {why}", RETRY_AFTER_S)
