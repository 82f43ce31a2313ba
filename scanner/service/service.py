"""The running service: its use cases, from start to stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from scanner.service.configuration import owners
from scanner.service.gate.admission import Admission
from scanner.service.gate.gate import Gate
from scanner.service.gate.memory import GateMemory
from scanner.service.gate.overrides import Overrides
from scanner.service.health import Health
from scanner.service.history import History
from scanner.service.platform_moves import PlatformMoves
from scanner.service.probe import Probe
from scanner.service.publication import Publication
from scanner.service.pushing import Pushing
from scanner.service.recording import Recording
from scanner.service.reloading import Reloading
from scanner.service.rollback.rollbacks import Rollbacks
from scanner.service.scans import Scans
from scanner.service.schedule import Schedule
from scanner.service.surveys import Surveys
from scanner.service.waivers import Waivers

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.service.configuration import Configuration
    from scanner.service.leadership import Leadership
    from scanner.service.ports import Observer, OpenAdapters
    from scanner.settings.schema import Settings
    from scanner.store.store import Store
    from scanner.trail.trail import Trail


class Service:
    """Each use case stands on those made before it; made in the event loop that runs it."""

    def __init__(  # noqa: PLR0913 -- what reaches beyond one configuration
        self,
        read: Callable[[], Configuration],
        open_adapters: OpenAdapters,
        store: Store,
        observer: Observer,
        clock: Callable[[], float] = time.time,
        *,
        trail: Trail | None = None,
        leadership: Leadership | None = None,
    ) -> None:
        """Reads the configuration for the first time.

        Raises:
            SettingsError: it cannot be used, or a key or known_hosts in it.
        """
        self._store, self._leadership = store, leadership
        self.recording = Recording(trail, clock, lambda: store.leads)
        self.reloading = Reloading(read, open_adapters, observer, clock, self.recording.reloaded)
        self.publication = Publication(store, observer, clock, self.recording)
        self.waivers = Waivers(store, self.reloading, self.publication, clock, self.recording)
        self.health = Health(self.reloading, self.publication, leadership)
        self.surveys = Surveys(self.reloading, store, observer, clock)
        self.scans = Scans(self.reloading, self.publication, self.waivers, self.health, self.surveys, observer, clock,
                           self.recording)  # fmt: skip
        self.overrides = Overrides(store, observer, clock, self.recording)
        self.gate_memory = GateMemory(store, clock)
        self.gate = Gate(self.reloading, self.publication, self.surveys, observer, clock, self.recording, self.overrides,
                         self.gate_memory)  # fmt: skip
        self.admission = Admission(self.gate, self.gate_memory, self.reloading)
        self.rollbacks = Rollbacks(store, self.reloading, self.publication, self.scans, observer, clock, self.recording)
        self.probe = Probe(self.reloading, observer)
        self.history = History(store, clock)
        self.moves = PlatformMoves(self.reloading, self.publication, self.surveys, observer)
        self.pushing = Pushing(self.reloading, clock)
        self.publication.own(owners(self.reloading.settings))
        self.reloading.follow(lambda settings: self.publication.own(owners(settings)))
        scan = self.reloading.settings.scan
        self._schedule = Schedule(self.scans.scheduled, scan.interval, scan.jitter, observer.scan_skipped)
        self.reloading.follow(self._reschedule)

    async def start(self) -> None:
        """Remember what was known before, then begin to scan; whoever follows does not.

        Raises:
            StoreError: what was known could not be read.
        """
        await self._load()
        if self._store.leads:
            self._schedule.start()

    async def refresh(self, is_report: bool) -> None:  # noqa: FBT001 -- what changed
        """Show what the leader wrote.

        Raises:
            StoreError: it could not be read.
        """
        if is_report:
            await self._store.recall()
        if self.recording.trail is not None:
            await self.recording.trail.follow()
        await self._load()

    async def lead(self) -> None:
        """Go on from where the one that led before ended.

        Raises:
            StoreError: what it left could not be read.
        """
        await self._store.recall()
        await self._load()
        self.health.fleet_scanned()  # from now on it is ours to have scans end
        self._schedule.start()

    async def _load(self) -> None:
        await self.waivers.load()
        await self.surveys.load()
        await self.overrides.load()
        await self.gate_memory.load()
        await self.rollbacks.load()
        await self.publication.load()  # last: with a report it is ready, so that everything else is known by then

    async def stop(self) -> None:
        """End the running scan, close every connection; what was not finished is not published."""
        self._schedule.stop()
        await self.scans.close()
        await self.gate.close()
        await self.surveys.close()
        await self.moves.close()
        await self.publication.close()
        await self.recording.close()
        await self.reloading.close()

    def _reschedule(self, settings: Settings) -> None:
        self._schedule.change(settings.scan.interval, settings.scan.jitter)
