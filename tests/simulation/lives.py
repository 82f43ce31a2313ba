"""The lives of one simulated process: started, killed at any moment, started again on what is left of its files."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.metrics.metrics import Metrics
from scanner.service.service import Service
from scanner.store.store import Store
from scanner.trail import leaf
from scanner.trail.note import Signer
from scanner.trail.trail import Trail
from scanner.trail.verify import verify
from tests.simulation.network import INTERVAL_S, Adapters, Outside
from tests.simulation.virtual_time import KilledError, VirtualLoop

if TYPE_CHECKING:
    import random
    from pathlib import Path

STEPS = 100
"""SQLite calls back after so many of its instructions: a statement has a few hundred."""

SIGNER = Signer.made("log.example")


@dataclass
class Acknowledged:
    """What somebody was told is done, by what he was told."""

    scans: list[str] = field(default_factory=list)
    waivers: set[str] = field(default_factory=set)
    ended_waivers: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)
    decisions: dict[int, str] = field(default_factory=dict)
    head: int = 0


class Life:
    """One process over the database in ``file``; ``now`` is where made-up time stood when it began."""

    def __init__(
        self, dice: random.Random, outside: Outside, told: Acknowledged, file: Path, *, has_trail: bool
    ) -> None:
        self.dice, self.outside, self.told, self.file = dice, outside, told, file
        self.loop = VirtualLoop(dice)
        self.skew_s, self.has_trail = 0.0, has_trail
        self.dies_in = 0
        self.store: Store | None = None
        self.left = file.with_name("left.db")

    # ---------------------------------------------------------------- its end

    def kill(self) -> None:
        """SIGKILL: the files stay as they are at this moment."""
        for end in ("", "-wal"):
            source = self.file.with_name(self.file.name + end)
            if source.exists():
                shutil.copyfile(source, self.left.with_name(self.left.name + end))
        raise KilledError

    def die_in_a_statement(self, steps: int) -> None:
        """SIGKILL so many steps of SQLite from now."""
        self.dies_in = steps
        self.connection.set_progress_handler(self._step, STEPS)

    def _step(self) -> int:
        """SQLite is in the middle of a statement."""
        if self.dies_in:
            self.dies_in -= 1
            if not self.dies_in:
                try:
                    self.kill()
                except KilledError:
                    self.loop.call_soon(self._die)
                    return 1  # interrupts the statement: what it would have changed is in the file that nobody reads
        return 0

    def _die(self) -> None:
        raise KilledError

    # ---------------------------------------------------------------- its start

    def clock(self) -> float:
        """The wall clock, which somebody may set."""
        return 1_700_000_000.0 + self.loop.time() + self.skew_s

    async def start(self) -> None:
        """Open what there is; all that was acknowledged must be there."""
        self.store = await Store.open(f"sqlite:///{self.file}", clock=self.clock)
        self.connection = self.store._database._connection.connection.driver_connection
        self.trail = Trail(self.store, SIGNER, clock=self.clock) if self.has_trail else None
        if self.trail:
            await self.trail.open()
        outside = self.outside
        self.service = Service(
            outside.configuration, lambda _settings: Adapters(outside, self.clock), self.store, Metrics("0"), self.clock,
            trail=self.trail,
        )  # fmt: skip
        self._watch_publication()
        await self.service.start()
        await self._all_there()

    async def stop(self) -> None:
        """As SIGTERM does."""
        await self.service.stop()
        if self.trail:
            await self.trail.close()
            found = (await self.store.trail(lambda rows: verify(rows, self.trail.verifier))).found
            self.outside.faults.extend(f"trail: {one}" for one in found if self.trail.head.size)
        await self.store.close()

    async def _all_there(self) -> None:
        told, wrong = self.told, self.outside.faults
        ids = [row["id"] for row in await self.store.scans(10_000)]
        if len(ids) != len(set(ids)):
            wrong.append("a scan is in the history twice")
        if lost := [scan for scan in told.scans if scan not in ids]:
            wrong.append(f"acknowledged scans are lost: {lost}")
        report = self.service.publication.report()
        if told.scans and (report is None or report.scan_id not in ids[: ids.index(told.scans[-1]) + 1]):
            wrong.append("an older report than the acknowledged one is published after a restart")
        waivers = set(await self.store.records("waiver"))
        if lost := told.waivers - told.ended_waivers - told.doubtful - waivers:
            wrong.append(f"acknowledged waivers are lost: {lost}")
        if risen := told.ended_waivers & waivers:
            wrong.append(f"ended waivers are back: {risen}")
        if self.trail:
            wrong.extend(await self._forgotten(self.trail))
        self.held(report)

    async def _forgotten(self, trail: Trail) -> list[str]:
        """What the trail had and has no longer."""
        if trail.head.size < self.told.head:
            return [f"the trail shrank from {self.told.head} to {trail.head.size}"]
        bodies = dict(await trail.leaves(0, trail.head.size))
        return [
            f"the decision at {index} is lost"
            for index, decision in self.told.decisions.items()
            if leaf.decode(bodies[index]).about["id"] != decision
        ]

    # ---------------------------------------------------------------- what readers see

    def _watch_publication(self) -> None:
        publication, append = self.service.publication, self.service.publication.append

        async def watched(fresh, scanned, inventory, by=""):
            report = await append(fresh, scanned, inventory, by)
            if not publication.store_error:
                self.told.scans.append(fresh.scan_id)
                self.told.head = self.trail.head.size if self.trail else 0
            self.held(report)
            return report

        publication.append = watched

    def held(self, report) -> None:
        """What a reader sees is whole, and every ``ok`` in it was found by some scan of that very reading."""
        if report is None:
            return
        wrong, outside = self.outside.faults, self.outside
        names = [each.name for each in report.hosts]
        if len(names) != len(set(names)):
            wrong.append("a host is published twice")
        keys = [finding.key for finding in report.findings]
        if len(keys) != len(set(keys)):
            wrong.append("a workload is published twice")
        for finding in report.findings:
            reading = report.readings.get(finding.workload.host)
            if reading is None:
                wrong.append("a finding is published without its host")
            elif finding.verdict.status == "ok" and (finding.key, reading.taken_at) not in outside.vouched:
                wrong.append(f"published as ok, but no scan found that: {finding.key} at {reading.taken_at}")


class VirtualSchedule:
    """Starts scans at every interval of made-up time; APScheduler goes by the real one."""

    def __init__(self, run, interval_s, jitter_s, on_skip) -> None:
        self.run, self.task = run, None

    def start(self) -> None:
        self.task = asyncio.create_task(self._every())

    async def _every(self) -> None:
        while True:
            await self.run()
            await asyncio.sleep(INTERVAL_S)

    def change(self, interval_s, jitter_s) -> None:
        """The interval of the simulation stays."""

    def stop(self) -> None:
        self.task.cancel()
