"""Clocks that are set, stand in another zone, or step back."""

import asyncio
import itertools
import os
import time

import pytest

from scanner.domain.report_json import moment
from scanner.metrics.metrics import Metrics
from scanner.scan.scan import ScanLimits, Scanner
from tests import builders

AT = 1_774_746_000.0
"""29 March 2026, 01:00 UTC: the minute in which most of Europe puts its clocks on."""


@pytest.fixture
def zone():
    """``zone(name)``: the time zone of this process, put back afterwards."""
    before = os.environ.get("TZ")

    def put(name):
        if name is None:
            os.environ.pop("TZ", None)
        else:
            os.environ["TZ"] = name
        time.tzset()

    yield put
    put(before)


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"])
def test_t02_moments_are_the_same_in_every_zone(zone, name):
    zone(name)
    told = [moment(AT + seconds) for seconds in (-1, 0, 3600)]
    assert told == [moment_in_utc(AT + seconds) for seconds in (-1, 0, 3600)]
    assert all(text.endswith(("Z", "+00:00")) for text in told)


def moment_in_utc(at):
    """By the C library's own arithmetic."""
    text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    return text + moment(at)[len(text) :]


class Nothing:
    """Knows no image."""

    async def resolve(self, *_arguments, **_named):
        raise AssertionError("nothing is to be resolved")


@pytest.mark.parametrize("step_s", [0.001, 1.0, 3600.0])
def test_t05_a_clock_that_steps_back_makes_no_negative_duration(step_s):
    ticks = itertools.count()

    def clock():
        return AT - next(ticks) * step_s

    async def read(host):
        return builders.host_facts(host.name)

    scanner = Scanner(read, Nothing(), Nothing(), ScanLimits(), clock=clock)
    report = asyncio.run(scanner.scan([builders.host(name) for name in ("a", "b")]))
    assert report.finished_at >= report.started_at
    page = Metrics("1").render(report, None)[1].decode()
    (told,) = [line for line in page.splitlines() if line.startswith("archscan_scan_duration_seconds")]
    assert float(told.split()[1]) >= 0
