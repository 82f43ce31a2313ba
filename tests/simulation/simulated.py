"""One seed, one run: scans, gate, waivers, reloads, full disks, kills in made-up time: ``python -m tests.simulation.simulated 7``."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sqlite3
import sys
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import structlog
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from scanner.domain.decision import Decision
from scanner.domain.verdict.reason import Status
from scanner.domain.waiver import Waiver
from scanner.service.answers import Checked, Refusal
from scanner.store import connect
from scanner.store.store import Store
from tests.simulation.lives import Acknowledged, Life, VirtualSchedule
from tests.simulation.network import IMAGES, Outside
from tests.simulation.virtual_time import KilledError

LIVES = 2
"""Of one run: one that is killed, one that finds what it left."""

LIFE_S = 18.0
"""Made-up seconds, at most: a scheduled scan or two with what is asked for between them."""

OF_ACTS = 0.6
"""So likely does a life have somebody who does one of the things there are to do: few at once find what many hide."""


@dataclass(frozen=True)
class Outcome:
    """What a run came to; equal runs have equal traces."""

    faults: tuple[str, ...]
    trace: tuple[str, ...]
    figures: dict[str, int]


class Engines:
    """One SQLAlchemy engine for every life, since what a statement compiles to is the engine's; each has its own file."""

    def __init__(self) -> None:
        self._file = ""
        self._engine = create_engine("sqlite:///", poolclass=NullPool, creator=lambda: sqlite3.connect(self._file))
        event.listen(self._engine, "connect", connect._prepare)
        event.listen(self._engine, "begin", connect._begin)

    def of(self, url, member=None):
        """The engine, which from now on connects to this file."""
        self._file = url.database
        return self._engine


class Clients:
    """Those who ask one life for something, each a task."""

    def __init__(self, life: Life) -> None:
        self.life, self.dice, self.told = life, life.dice, life.told
        self.service, self.outside = life.service, life.outside

    def note(self, text: str) -> None:
        self.outside.trace.append(f"{self.life.loop.time():.6f} {text}")

    async def now_and_then(self, act, seconds: float) -> None:
        while True:
            await asyncio.sleep(self.dice.random() * 2 * seconds)
            await act()

    async def everybody(self) -> None:
        """All at once, until the life is over."""
        acts = ((self.ask_for_scan, 15), (self.ask_gate, 12), (self.waive, 12), (self.unwaive, 20), (self.reload, 15),
                (self.change, 4), (self.look, 8), (self.fill_disk, 25), (self.set_clock, 40))  # fmt: skip
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.dice.random() * LIFE_S), asyncio.TaskGroup() as group:
                for act, seconds in acts:
                    if self.dice.random() > OF_ACTS:
                        continue
                    group.create_task(self.now_and_then(act, seconds))

    async def ask_for_scan(self) -> None:
        name = self.dice.choice((*self.outside.addresses, "*"))
        request = await self.service.scans.request((name,), "operator")
        if isinstance(request, Refusal):
            self.note(f"scan of {name} refused: {request.reason}")
            return
        async for state in self.service.scans.watch(request.id):
            request = state
        self.note(f"scan of {name}: {request.state} {request.done}/{request.total}")

    async def ask_gate(self) -> None:
        image, host = self.dice.choice(IMAGES), self.dice.choice(list(self.outside.addresses))
        answer = await self.service.gate.check((image,), (host,), None, "ci")
        if not isinstance(answer, Checked):
            self.note(f"gate: {answer.reason}")
            return
        if answer.trail_index is not None:
            self.told.decisions[answer.trail_index] = answer.id
            self.told.head = max(self.told.head, answer.trail_index + 1)
        statuses = {finding.verdict.status for finding in answer.report.findings}
        if answer.decision is Decision.ALLOW and statuses != {Status.OK}:
            self.outside.faults.append(f"the gate allows {statuses}")
        self.note(f"gate: {answer.decision}")

    async def waive(self) -> None:
        waiver = Waiver("", "me", "known", self.life.clock() + 1e6, workload="c*")
        with _in_doubt(self.told, None):
            made = await self.service.waivers.add(waiver, "operator")
        if not isinstance(made, Refusal):
            self.told.waivers.add(made.id)
        self.note(f"waive: {getattr(made, 'reason', '')}")

    async def unwaive(self) -> None:
        left = sorted(self.told.waivers - self.told.ended_waivers)
        if not left:
            return
        chosen = self.dice.choice(left)
        with _in_doubt(self.told, chosen):
            ended = await self.service.waivers.delete(chosen, "operator")
        if ended is True:
            self.told.ended_waivers.add(chosen)
        self.note(f"unwaive: {ended}")

    async def reload(self) -> None:
        self.note(f"reload: {self.service.reloading.reload('operator').successful}")

    async def change(self) -> None:
        self.outside.change()

    async def look(self) -> None:
        report = self.service.publication.report()
        self.life.held(report)
        if report is not None:
            verdicts = sorted(f"{f.workload.host}/{f.workload.name}={f.verdict.reason}" for f in report.findings)
            self.note(f"seen: {report.scan_id} {verdicts}")

    async def fill_disk(self) -> None:
        """No page more, for a while."""
        pages = self.life.connection.execute("PRAGMA page_count").fetchone()[0]
        self.life.connection.execute(f"PRAGMA max_page_count={pages}")
        await asyncio.sleep(self.dice.random() * 10)
        self.life.connection.execute("PRAGMA max_page_count=1000000")

    async def set_clock(self) -> None:
        self.life.skew_s += self.dice.choice((-3600.0, -5.0, 5.0, 3600.0))


@contextlib.contextmanager
def _in_doubt(told: Acknowledged, waiver: str | None):
    """Who is cut off before he hears how it ended knows nothing."""
    if waiver:
        told.doubtful.add(waiver)
    yield
    if waiver:
        told.doubtful.discard(waiver)


async def _lived(life: Life, *, is_last: bool) -> None:
    await life.start()
    if not is_last and life.dice.random() < 0.5:
        life.die_in_a_statement(life.dice.randint(1, 800))
    await Clients(life).everybody()
    if is_last:
        await life.stop()
    else:
        life.kill()


def run(seed: int, base: Base, folder: Path) -> Outcome:
    """The run of this seed, in a folder for its files."""
    dice = random.Random(seed)
    outside, told = Outside(dice), Acknowledged()
    file = folder / f"{seed}-0.db"
    shutil.copyfile(base.file, file)
    with (
        mock.patch("uuid.uuid4", _identifiers(dice)),
        mock.patch("scanner.service.service.Schedule", VirtualSchedule),
        mock.patch("scanner.store.database.migrate"),
        mock.patch("scanner.store.database.engine_of", base.engines.of),
    ):
        for number in range(LIVES):
            life = Life(dice, outside, told, file, has_trail=seed % 3 == 0)
            asyncio.set_event_loop(life.loop)
            life.left = folder / f"{seed}-{number + 1}.db"
            try:
                life.loop.run_until_complete(_lived(life, is_last=number == LIVES - 1))
            except KilledError:
                outside.trace.append(f"{life.loop.time():.6f} killed")
            finally:
                _bury(life)
            file = life.left
    for left in folder.glob(f"{seed}-*"):
        left.unlink()
    return Outcome(tuple(outside.faults), tuple(outside.trace), outside.figures)


def _identifiers(dice: random.Random):
    return lambda: uuid.UUID(int=dice.getrandbits(128), version=4)


def _bury(life: Life) -> None:
    life.loop.bury()
    held = life.store._database if life.store else None
    if held and held._connection is not None:
        held._disconnect()
    asyncio.set_event_loop(None)


@dataclass(frozen=True)
class Base:
    """What all runs begin with: an empty database at this version's schema, which the real migrations laid down."""

    file: Path
    engines: Engines

    @classmethod
    def laid(cls, folder: Path) -> Base:
        """Lay it into this folder."""

        async def lay() -> None:
            store = await Store.open(f"sqlite:///{folder}/laid.db")
            await store.close()

        asyncio.run(lay())
        return cls(folder / "laid.db", Engines())


@contextlib.contextmanager
def silence():
    """Logs are for operators."""
    structlog.configure(processors=[_drop])
    try:
        yield
    finally:
        structlog.reset_defaults()


def _drop(_logger, _method, _event):
    raise structlog.DropEvent


def main() -> int:
    """Run the seeds that are named, with all that happened."""
    with tempfile.TemporaryDirectory() as folder, silence():
        base = Base.laid(Path(folder))
        for seed in map(int, sys.argv[1:]):
            outcome = run(seed, base, Path(folder))
            print(*outcome.trace, *outcome.faults, outcome.figures, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
