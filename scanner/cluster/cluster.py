"""Hosts read by the workers of a cluster, each by the one that read it last, as long as that is there."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import structlog

from scanner.cluster import wire
from scanner.cluster.lane import Lane, PendingReading
from scanner.cluster.link import LinkError, one_line
from scanner.cluster.worker import REFUSE
from scanner.cluster.worker_choice import ZONE_LABEL, chosen, version_of, version_resource, zone_resource
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from scanner.cluster.host_reading import SentReading
    from scanner.cluster.link import ConnectedWorker, Link
    from scanner.domain.host import Host

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
"""How often the scheduler is asked who is there while hosts are read; a connection that ends is noticed at once."""

REST_S = 30.0
"""How long a worker that was lost gets nothing if there are others for its hosts, though its scheduler still has it."""

MAX_LOST = 4
"""Workers that may be lost while they read a host; then it may be what ends them."""

REFUSAL_TOLD_S = 300.0
"""How long it is told that a worker was of another version: it ends at once, whoever keeps it starts it again."""

MAX_REMEMBERED = 200_000
"""Hosts whose text is remembered, which costs 20 µs each to make."""


class ClusterObserver(Protocol):
    """Watches the workers."""

    def workers(self, at_work: int, refused: int) -> None:
        """So many read hosts, so many may not because they are of another version."""

    def worker_lost(self, readings: int) -> None:
        """A worker was lost; so many readings of its are done elsewhere."""

    def host_told(self) -> None:
        """A worker told what it read of a host."""


class UnobservedCluster:
    """Nobody watches."""

    def workers(self, at_work: int, refused: int) -> None:
        """So be it."""

    def worker_lost(self, readings: int) -> None:
        """So be it."""

    def host_told(self) -> None:
        """So be it."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long, in seconds, hosts wait for a worker that may read them, and a silent worker is taken for one at work."""

    worker_s: float = 30.0
    silent_s: float = 10.0


class Cluster:
    """Reads hosts; nothing is started or contacted before the first one is asked for.

    ``version`` is what a worker must be of; ``keys_are_here`` tells that workers see the scanner's own files. All of it runs in one event loop.
    """

    def __init__(  # noqa: PLR0913 -- each is an independent choice of who has a cluster
        self,
        link: Link,
        version: str,
        patience: Patience | None = None,
        observer: ClusterObserver | None = None,
        ticks: Callable[[], float] = time.monotonic,
        *,
        keys_are_here: bool = True,
    ) -> None:
        self._link, self._version, self._patience = link, version, patience or Patience()
        self._observer, self._ticks, self._keys_are_here = observer or UnobservedCluster(), ticks, keys_are_here
        self._numbers = itertools.count(1)
        self._texts: dict[str, tuple[Host, str]] = {}
        self._opened: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._looked_at = float("-inf")
        self._members: Mapping[str, ConnectedWorker] = {}
        self._refused: set[str] = set()
        self._last_refused: tuple[float, str] = (float("-inf"), "")
        self._resting: dict[str, float] = {}
        self._problem = ""
        self._lanes: dict[str, Lane] = {}
        self._ending: set[asyncio.Task[None]] = set()
        self._open: set[PendingReading] = set()

    @property
    def members(self) -> Mapping[str, ConnectedWorker]:
        """Who was there when the scheduler was asked last."""
        return self._members

    async def read(self, host: Host, known: bytes) -> SentReading | Failure:
        """What a worker reads of a host; ``known`` is the digest of what it said last, empty where that is not held.

        A failure of the host is in what is told; one that is returned is the cluster's own.
        """
        zone = host.labels.get(ZONE_LABEL, "")
        told: asyncio.Future[SentReading] = asyncio.get_running_loop().create_future()
        reading = PendingReading(next(self._numbers), host.name, zone, self._text(host), known, told)
        self._open.add(reading)
        try:
            await self._ready()
            self._place(reading)
            await told
        except _NobodyReadsItError as none:
            return Failure(Reason.HOST_NO_WORKER, str(none))
        finally:
            self._open.discard(reading)
            if reading.lane is not None:
                reading.lane.drop(reading)
        self._observer.host_told()
        return told.result()

    async def close(self) -> None:
        """Leave the cluster; whoever waits for a host has been cancelled before."""
        tasks = [task for task in (self._opened, self._looking, self._watching) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, *self._ending, return_exceptions=True)
        for lane in self._lanes.values():
            await lane.close()
        self._lanes.clear()
        await self._link.close()

    # ---------------------------------------------------------------- who is there

    async def _ready(self) -> None:
        """The link is open, the members are known, the watch is kept."""
        if self._opened is None:
            self._opened = asyncio.create_task(self._link.open())
        await asyncio.shield(self._opened)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        if self._ticks() - self._looked_at > LOOK_EVERY_S:
            await self._look()

    async def _look(self) -> None:
        """Ask who is there; whoever wants to know at the same time waits for the same answer."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_once())
        await asyncio.shield(self._looking)

    async def _look_once(self) -> None:
        try:
            found = await self._link.members()
            self._problem = ""
        except LinkError as error:
            found = {}
            if str(error) != self._problem:
                log.warning("cluster_unreachable", error=str(error))
            self._problem = str(error)
        self._looked_at = self._ticks()
        await self._refuse_others(found)
        joined, left = found.keys() - self._members.keys(), self._members.keys() - found.keys()
        self._members = found
        for worker in joined:
            log.debug("worker_joined", worker=worker, name=found[worker].name)
        self._observer.workers(len(found) - len(self._refused), len(self._refused))
        for worker in left:
            if (lane := self._lanes.get(worker)) is not None:
                self._lost(lane, "it left")

    async def _refuse_others(self, found: Mapping[str, ConnectedWorker]) -> None:
        """Workers of another version are told so, once; they understand other words than ours."""
        mine = version_resource(self._version)
        refused = {worker for worker, member in found.items() if mine not in member.offers}
        for worker in refused - self._refused:
            theirs = version_of(found[worker].offers)
            log.warning("worker_refused", worker=worker, name=found[worker].name, runs=theirs, wanted=mine)
            self._last_refused = self._ticks(), f"one that runs {theirs} was refused, as this is {mine}"
            with_version = {"op": REFUSE, "version": self._version}
            self._ending.add(task := asyncio.create_task(self._tell(worker, with_version)))
            task.add_done_callback(self._ending.discard)
        self._refused = refused

    async def _tell(self, worker: str, message: Mapping[str, object]) -> None:
        try:
            async with asyncio.timeout(self._patience.silent_s):
                await self._link.ask(worker, message)
        except (LinkError, TimeoutError) as error:
            log.debug("worker_not_told", worker=worker, error=one_line(error))

    async def _watch(self) -> None:
        """For as long as hosts are read: who is there, who waits for whom."""
        while self._open:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self._look()
                self._settle()
            except Exception:  # the watch must go on
                log.exception("cluster_bug")

    def _settle(self) -> None:
        """Place the readings that have no worker; whoever has waited long enough is told why there is none."""
        for reading in [one for one in self._open if one.lane is None and not one.told.done()]:
            self._place(reading)
            if reading.lane is None and self._ticks() - reading.homeless_since >= self._patience.worker_s:
                reading.told.set_exception(_NobodyReadsItError(self._why(reading.zone)))

    # ---------------------------------------------------------------- who reads what

    def _place(self, reading: PendingReading) -> None:
        """Give a reading to the worker of its host, if one is there."""
        workers = self._fitting(reading.zone)
        if not workers:
            reading.homeless_since = reading.homeless_since or self._ticks()
            return
        reading.homeless_since = 0.0
        self._lane(chosen(reading.host, workers)).put(reading)

    def _fitting(self, zone: str) -> list[str]:
        """Those that read hosts of a zone; those that were lost lately only where there are no others."""
        now, wanted = self._ticks(), {version_resource(self._version), zone_resource(zone)}
        fitting = [worker for worker, member in self._members.items() if wanted <= member.offers]
        return [worker for worker in fitting if self._resting.get(worker, now) <= now] or fitting

    def _lane(self, worker: str) -> Lane:
        lane = self._lanes.get(worker)
        if lane is None:
            lane = self._lanes[worker] = Lane(worker, self._link.ask, self._lost, self._patience.silent_s)
        return lane

    def _lost(self, lane: Lane, why: str) -> None:
        """A worker is gone: what it was to read is read by others."""
        if self._lanes.get(lane.worker) is lane:
            del self._lanes[lane.worker]
        self._ending.add(task := asyncio.create_task(lane.close()))
        task.add_done_callback(self._ending.discard)
        self._resting[lane.worker] = self._ticks() + REST_S
        readings, lane.open = list(lane.open.values()), {}
        log.warning("worker_lost", worker=lane.worker, why=why, readings=len(readings))
        self._observer.worker_lost(len(readings))
        for reading in readings:
            reading.lane = None
            reading.lost += 1
            if reading.told.done():
                continue
            if reading.lost >= MAX_LOST:
                reading.told.set_exception(_NobodyReadsItError(f"{reading.lost} workers were lost while they read it"))
            elif reading.lost > 1 or lane.worker in self._fitting(reading.zone):
                reading.homeless_since = self._ticks()  # no haste: the watch places it in a moment
            else:
                self._place(reading)

    def _why(self, zone: str) -> str:
        if self._problem:
            return self._problem
        place = f"of the zone {zone}" if zone else "without a zone"
        at, refusal = self._last_refused
        others = f"; {refusal}" if self._ticks() - at < REFUSAL_TOLD_S else ""
        return f"no worker reads hosts {place}: {_counted(self._members)} there{others}"

    def _text(self, host: Host) -> str:
        known = self._texts.get(host.name)
        if known is not None and known[0] is host:
            return known[1]
        if len(self._texts) >= MAX_REMEMBERED:
            self._texts.clear()
        text = wire.host_text(host, keys_are_here=self._keys_are_here)
        self._texts[host.name] = host, text
        return text


class _NobodyReadsItError(Exception):
    """No worker reads a host."""


def _counted(members: Iterable[str]) -> str:
    count = len(list(members))
    return "no worker is" if not count else "one worker is" if count == 1 else f"{count} workers are"
