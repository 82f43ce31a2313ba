"""Rollbacks on request: planned here, confirmed by a person, carried out by an agent that is another process."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from scanner.domain.release import absent_unit, owner_name
from scanner.domain.rollback_record import (
    ACTIVE,
    CONFIRM_WITHIN_S,
    ENDS,
    Rollback,
    RollbackState,
    Step,
    recorded,
    rollback_json,
    rollback_of,
)
from scanner.service.answers import Refusal, RefusalReason
from scanner.service.configuration import limits
from scanner.service.recording import not_stored, refused
from scanner.service.rollback.claims import is_managed_elsewhere, out_of_order, seen_running, still_has
from scanner.service.rollback.planning import found_workload, fresh, planned
from scanner.service.scan_queue import ScanState
from scanner.store.error import StoreError
from scanner.trail import entries
from scanner.trail.log import TrailError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.facts import HostFacts
    from scanner.domain.failure import Failure
    from scanner.domain.host import Host
    from scanner.domain.plan import Plan
    from scanner.domain.release import Release
    from scanner.domain.rollback_plan import RollbackPlan
    from scanner.domain.verdict.verdict import Verdict
    from scanner.service.ports import Observer
    from scanner.service.publication import Publication
    from scanner.service.recording import Recording
    from scanner.service.reloading import Reloading
    from scanner.service.scans import Scans
    from scanner.store.store import Store
    from scanner.trail.leaf import Entry

log = structlog.get_logger(__name__)

KIND = "rollback"
"""The kind of the store's records that hold rollbacks."""

AGENT_SEEN_WITHIN_S = 60.0
"""An agent asks for work at least every half minute."""

MAX_WAIT_S = 25.0
"""How long an agent's question may stay open; proxies end silent connections after half a minute or more."""

MAX_KEPT = 500
"""Records of rollbacks; the trail keeps all of them for ever."""

RETRY_AFTER_S = 60
"""An agent asks again within half of that."""


class Rollbacks:
    """Every change of a rollback is durable, and stands in the trail, before anybody acts on it."""

    def __init__(  # noqa: PLR0913, PLR0917 -- a rollback rests on all of them
        self,
        store: Store,
        reloading: Reloading,
        publication: Publication,
        scans: Scans,
        observer: Observer,
        clock: Callable[[], float],
        recording: Recording,
    ) -> None:
        self._store, self._reloading, self._publication, self._scans = store, reloading, publication, scans
        self._observer, self._clock, self._recording = observer, clock, recording
        self._known: dict[str, Rollback] = {}
        self._work = asyncio.Event()
        self._agent_seen_at: float | None = None
        self._turn = asyncio.Lock()

    async def load(self) -> None:
        """Remember the rollbacks from before a restart.

        Raises:
            StoreError: they could not be read.
        """
        records = (await self._store.records(KIND)).values()
        self._known = {one.id: one for one in map(rollback_of, records)}
        self._observer.rollbacks_pending(len(self._active()))
        if self._active():
            self._work.set()

    # ---------------------------------------------------------------- what is known

    async def releases(self, host: str, workload: str = "") -> list[Release]:
        """What a host has had of its workloads, or of one, the newest first.

        Raises:
            StoreError: it could not be read.
        """
        return await self._store.releases(host, workload)

    def find(self, rollback_id: str) -> Rollback | None:
        """A rollback, as long as it is remembered."""
        return self._known.get(rollback_id)

    def all(self) -> list[Rollback]:
        """Those that are remembered, the newest first."""
        return sorted(self._known.values(), key=lambda one: one.planned_at, reverse=True)

    # ---------------------------------------------------------------- what a person asks

    async def plan(self, host: str, workload: str, to: str, by: str, *, dry_run: bool = False) -> Rollback | Refusal:
        """The plan that brings a workload's former release back; remembered, to be confirmed, unless ``dry_run``."""
        found = self._host(host)
        made = found if isinstance(found, Refusal) else await self._planned(found, workload, to)
        if isinstance(made, Refusal):
            return made
        healthy_for_s = self._healthy_for_s
        rollback = recorded(made, "" if dry_run else uuid.uuid4().hex, healthy_for_s, self._clock(), by)
        if dry_run:
            return rollback
        return await self._keep(rollback, entries.rollback_planned(self._clock(), by, rollback), needs_trail=False)

    async def confirm(self, rollback_id: str, by: str, *, accept_cautions: bool = False) -> Rollback | Refusal:
        """Let the agent carry out a plan that was made within the last ten minutes, and still is true."""
        await self._let_go()
        async with self._turn:
            rollback = self._known.get(rollback_id)
            if rollback is None:
                return Refusal(RefusalReason.ROLLBACK_NOT_FOUND, "there is no such rollback")
            if refusal := self._unconfirmable(rollback, accept_cautions=accept_cautions):
                return refusal
            if moved := self._moved_on(rollback):
                return moved
            now = self._clock()
            confirmed = replace(rollback, state=RollbackState.CONFIRMED, confirmed_at=now, confirmed_by=by)
            entry = entries.rollback_confirmed(now, by, rollback, accepted=accept_cautions)
            kept = await self._keep(confirmed, entry)
        self._work.set()
        return kept

    def _unconfirmable(self, rollback: Rollback, *, accept_cautions: bool) -> Refusal | None:
        now = self._clock()
        if rollback.state is not RollbackState.PLANNED:
            return Refusal(RefusalReason.ROLLBACK_STATE, f"it is {rollback.state} already")
        if rollback.expired(now):
            return Refusal(RefusalReason.ROLLBACK_EXPIRED, "the plan is older than ten minutes: make a new one")
        if not self._reloading.settings.rollback.enabled:
            return Refusal(RefusalReason.AGENT_OFF, "rollback.enabled is off: type the plan's commands on the host")
        if not rollback.by_agent:
            why = f"the agent does not do this for {rollback.engine or 'this engine'} ({rollback.manager})"
            return Refusal(RefusalReason.AGENT_OFF, f"{why}: type the plan's commands")
        if rollback.cautions and not accept_cautions:
            return Refusal(RefusalReason.CAUTIONS_NOT_ACCEPTED, "; ".join(rollback.cautions))
        if any(one.host == rollback.host for one in self._active()):
            return Refusal(RefusalReason.ROLLBACK_BUSY, f"another rollback is under way on {rollback.host}")
        if self._agent_seen_at is None or now - self._agent_seen_at > AGENT_SEEN_WITHIN_S:
            return Refusal(RefusalReason.AGENT_MISSING, "no rollback agent has asked for work lately", RETRY_AFTER_S)
        return None

    def _moved_on(self, rollback: Rollback) -> Refusal | None:
        facts = self._facts(rollback.host)
        if isinstance(facts, Refusal):
            return facts
        if still_has(facts, rollback):
            return None
        return Refusal(RefusalReason.ROLLBACK_STATE, "the workload has another image than when this was planned")

    # ---------------------------------------------------------------- what the agent asks

    async def work(self, wait_s: float) -> list[Rollback]:
        """What is confirmed, or under way; waits for some where there is none."""
        self._agent_seen_at = self._clock()
        await self._let_go()
        if not self._active():
            self._work.clear()
            try:
                async with asyncio.timeout(min(wait_s, MAX_WAIT_S)):
                    await self._work.wait()
            except TimeoutError:
                pass
            self._agent_seen_at = self._clock()
        return self._active()

    async def _let_go(self) -> None:
        """What was confirmed, but not begun while somebody waited for it, or while it was allowed, is begun no more."""
        async with self._turn:
            for one in self._active():
                if why := self._not_begun(one):
                    await self._ended(one, RollbackState.REFUSED, f"nothing was touched: {why}", "schedule")

    def _not_begun(self, rollback: Rollback) -> str:
        """Why it is to be begun no more; empty where it is, or was."""
        if rollback.steps or rollback.confirmed_at is None:
            return ""
        if self._clock() - rollback.confirmed_at > CONFIRM_WITHIN_S:
            return "no agent began it within ten minutes"
        return "" if self._reloading.settings.rollback.enabled else "rollback.enabled is off"

    async def step(self, rollback_id: str, step: str, detail: str, by: str) -> Rollback | Refusal:
        """A step stands in the trail: only now may the agent do it, and only where it is its turn."""
        async with self._turn:
            rollback = self._under_way(rollback_id)
            if isinstance(rollback, Refusal):
                return rollback
            if why := self._not_begun(rollback) or out_of_order(rollback, step):
                return Refusal(RefusalReason.ROLLBACK_STATE, why)
            now = self._clock()
            seen_at = rollback.seen_at if step == "finish" else None  # whatever else is done may change what was seen
            made = replace(
                rollback, state=RollbackState.RUNNING, steps=(*rollback.steps, Step(step, now, detail)), seen_at=seen_at
            )
            log.info("rollback_step", rollback=rollback.id, host=rollback.host, workload=rollback.workload, step=step)
            return await self._keep(made, entries.rollback_step(now, by, rollback, step, detail))

    async def verify(self, rollback_id: str, by: str) -> tuple[bool | None, str] | Refusal:
        """Scan the host now; whether the workload runs with the image that it was to have (``None``: not known)."""
        rollback = self._under_way(rollback_id)
        if isinstance(rollback, Refusal):
            return rollback
        facts, why = await self._scanned(rollback, by)
        runs, detail = seen_running(facts, rollback) if facts else (None, why)
        if not runs:
            return runs, detail
        async with self._turn:
            latest = self._under_way(rollback_id)
            if isinstance(latest, Refusal):
                return latest
            if latest.steps != rollback.steps:
                return None, "a step was begun while the scan looked"  # which may have changed what was seen
            entry = entries.rollback_seen(self._clock(), f"rollback {by}", latest, detail)
            kept = await self._keep(replace(latest, seen_at=self._clock()), entry)
        return kept if isinstance(kept, Refusal) else (runs, detail)

    async def _scanned(self, rollback: Rollback, by: str) -> tuple[list[HostFacts], str]:
        """Facts of this moment: of the host, of every host where others place what it runs; why there are none."""
        began = self._clock()
        names = () if is_managed_elsewhere(rollback) else (rollback.host,)
        request = await self._scans.request(names, f"rollback {by}")
        if isinstance(request, Refusal):
            return [], request.detail
        async for state in self._scans.watch(request.id):
            request = state
        if request.state is not ScanState.DONE:
            return [], f"the scan {request.state}: {request.detail}"
        wanted = names or [host.name for host in self._reloading.hosts()]
        read = [self._facts(name, since=began) for name in wanted]
        why = next((one.detail for one in read if isinstance(one, Refusal)), "")
        return [one for one in read if not isinstance(one, Refusal)], why

    async def end(self, rollback_id: str, outcome: RollbackState, detail: str, by: str) -> Rollback | Refusal:
        """What the agent says of the end; that it is a good one is believed as far as a scan bears it out."""
        rollback = self._known.get(rollback_id)
        if rollback is not None and rollback.state in {outcome, RollbackState.UNPROVED}:
            return rollback  # the agent asks again where it did not hear the answer
        under_way = self._under_way(rollback_id)
        if isinstance(under_way, Refusal):
            return under_way
        if not (borne := await self._borne_out(under_way, outcome, by))[0]:
            outcome, detail = RollbackState.UNPROVED, f"the agent says {outcome}: {detail}; a scan: {borne[1]}"
        async with self._turn:
            latest = self._under_way(rollback_id)  # the agent may have asked again during the scan
            if isinstance(latest, Refusal):
                return self._known.get(rollback_id, latest)
            return await self._ended(latest, outcome, detail, by)

    async def _ended(self, rollback: Rollback, outcome: RollbackState, detail: str, by: str) -> Rollback | Refusal:
        now = self._clock()
        made = replace(rollback, state=outcome, detail=detail, ended_at=now)
        log.warning("rollback_ended", rollback=made.id, host=made.host, workload=made.workload, outcome=str(outcome),
                    detail=detail)  # fmt: skip
        return await self._keep(made, entries.rollback_ended(now, by, made, str(outcome), detail))

    async def _borne_out(self, rollback: Rollback, outcome: RollbackState, by: str) -> tuple[bool, str]:
        """Whether a scan shows what is claimed; nobody needs to see that nothing was touched."""
        if outcome is RollbackState.REFUSED or (outcome is RollbackState.DONE and rollback.seen_at is not None):
            return True, ""
        facts, why = await self._scanned(rollback, by)
        if not facts:
            return False, why
        if outcome is RollbackState.DONE:
            return seen_running(facts, rollback)
        has = any(still_has(one, rollback) for one in facts)
        return has, "" if has else "the image that it had before is not there"

    # ---------------------------------------------------------------- parts

    @property
    def _healthy_for_s(self) -> int:
        return max(1, round(self._reloading.settings.rollback.healthy_for))

    def _active(self) -> list[Rollback]:
        active = [one for one in self._known.values() if one.state in ACTIVE]
        return sorted(active, key=lambda one: one.confirmed_at or 0.0)

    def _under_way(self, rollback_id: str) -> Rollback | Refusal:
        rollback = self._known.get(rollback_id)
        if rollback is None:
            return Refusal(RefusalReason.ROLLBACK_NOT_FOUND, "there is no such rollback")
        if rollback.state not in ACTIVE:
            return Refusal(RefusalReason.ROLLBACK_STATE, f"it is {rollback.state}")
        return rollback

    def _host(self, name: str) -> Host | Refusal:
        for host in self._reloading.hosts():
            if name in {host.name, *host.aliases}:
                return host
        return Refusal(RefusalReason.HOST_NOT_IN_INVENTORY, f"{name} is not a host of the inventory")

    def _facts(self, name: str, since: float | None = None) -> HostFacts | Refusal:
        host = self._host(name)
        if isinstance(host, Refusal):
            return host
        reading = self._publication.reading(host)
        now = self._clock()
        oldest = self._reloading.settings.gate.max_facts_age if since is None else now - since
        if reading is None:
            return fresh(None, 0.0, oldest)
        return fresh(reading.reading, now - reading.taken_at, oldest)

    async def _planned(self, host: Host, workload: str, to: str) -> RollbackPlan | Refusal:
        facts = self._facts(host.name)
        if isinstance(facts, Refusal):
            return facts
        named = found_workload(facts, workload)
        try:
            if isinstance(named, Refusal):
                unit = absent_unit(await self._store.releases(host.name), workload)
                if unit is None:
                    return named
                named = unit
            releases = await self._store.releases(host.name, owner_name(named))
        except StoreError as error:
            return not_stored(error)
        return await planned(
            facts, named, releases, to, lambda wanted: self._judged(host, facts, wanted), self._healthy_for_s
        )

    async def _judged(self, host: Host, facts: HostFacts, wanted: Plan) -> Verdict:
        configuration, adapters = self._reloading.current

        async def read(host: Host) -> HostFacts | Failure:
            del host
            return facts

        with self._reloading.using(adapters), adapters.one_scan():
            scanner = adapters.scanner(
                limits(configuration.settings),
                read=read,
                on_bug=lambda _where: self._observer.internal_error(),
                survey_now=True,
            )
            report = await scanner.scan([replace(host, planned=(wanted,))], only_plans=True)
        return report.findings[0].verdict

    async def _keep(self, rollback: Rollback, entry: Entry, *, needs_trail: bool = True) -> Rollback | Refusal:
        """Durable with its entry, in one transaction."""
        if needs_trail and self._recording.trail is None:
            return refused("there is none, and nothing is done to a host without it: set store.url")
        record = self._recording.record(entry)
        if isinstance(record, Refusal):
            return record
        try:
            await self._store.put_record(KIND, rollback.id, rollback_json(rollback), record)
            before = self._known.get(rollback.id)
            ended = rollback.state in ENDS and before is not None and before.state not in ENDS
            self._known[rollback.id] = rollback
            self._observer.rollbacks_pending(len(self._active()))
            if ended:
                self._observer.rollback_ended(str(rollback.state))
            await self._forget()
        except StoreError as error:
            return not_stored(error)
        except TrailError as error:
            return refused(error)
        return rollback

    async def _forget(self) -> None:
        now = self._clock()
        over = [one for one in self.all() if one.state in ENDS or one.expired(now)]
        for one in over[MAX_KEPT:]:
            await self._store.delete_record(KIND, one.id)
            del self._known[one.id]
