"""When scans start by themselves, whatever the wall clock does."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from apscheduler.schedulers import base

from scanner.service import schedule
from scanner.service.schedule import Schedule

REAL = datetime


class Wall:
    """A wall clock that can be set; in place of ``datetime`` where APScheduler and we ask for the time."""

    step = timedelta()

    @classmethod
    def now(cls, zone=None):
        return REAL.now(zone) + cls.step


@pytest.fixture
def wall(monkeypatch):
    monkeypatch.setattr(Wall, "step", timedelta())
    for module in (base, schedule):
        monkeypatch.setattr(module, "datetime", Wall)
    monkeypatch.setattr(schedule, "WATCH_S", 0.02)
    return Wall


class Runs:
    """Counts starts; one can be waited for."""

    def __init__(self):
        self.count, self.skips, self.more = 0, 0, asyncio.Event()

    async def __call__(self):
        self.count += 1
        self.more.set()

    def skipped(self):
        self.skips += 1

    async def reach(self, count):
        async with asyncio.timeout(60):
            while self.count < count:
                self.more.clear()
                await self.more.wait()


@pytest.fixture
async def started():
    made = []

    def start(interval_s, run=None):
        runs = Runs()
        made.append(Schedule(run or runs, interval_s, 0.0, runs.skipped))
        made[0].start()
        return runs, made[0]

    yield start
    for one in made:
        one.stop()


async def test_the_first_scan_starts_at_once_and_the_next_after_the_interval(started):
    runs, _ = started(0.05)
    await runs.reach(3)


@pytest.mark.parametrize("step", [timedelta(days=1), timedelta(hours=8), timedelta(days=20_000)])
async def test_a_clock_that_leaps_forward_costs_one_scan_and_no_more(started, wall, step):
    runs, _ = started(0.2)
    await runs.reach(1)
    wall.step = step
    await runs.reach(2)
    assert (runs.count, runs.skips) == (2, 0)


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(days=1), timedelta(days=20_000)])
async def test_a_clock_that_steps_back_does_not_put_the_next_scan_off(started, wall, step):
    runs, _ = started(0.2)
    await runs.reach(1)
    wall.step = -step
    await runs.reach(3)


async def test_a_start_that_falls_into_a_running_scan_is_counted(started):
    never = asyncio.Event()
    runs, _ = started(0.05, never.wait)
    async with asyncio.timeout(60):
        while runs.skips < 2:
            await asyncio.sleep(0.01)


async def test_a_new_interval_counts_from_now(started):
    runs, schedule = started(3600)
    await runs.reach(1)
    schedule.change(0.05, 0.0)
    await runs.reach(3)
    assert schedule.interval_s == 0.05


@pytest.mark.parametrize("late_s", [0.0, 59.0, 61.0, 1e9, -61.0, -1e9])
def test_the_next_start_is_after_now_and_within_the_interval(late_s):
    now = REAL(2026, 1, 1, tzinfo=UTC)
    due = schedule._Every(60, 0).get_next_fire_time(now - timedelta(seconds=late_s), now)
    assert now < due <= now + timedelta(seconds=60)
