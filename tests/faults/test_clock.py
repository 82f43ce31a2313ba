"""Clocks that are set, stand in another zone, or step back."""

import asyncio
import itertools
import os
import re
import socket
import sys
import time

import pytest

from scanner.domain.report_json import moment
from scanner.metrics.metrics import Metrics
from scanner.scan.scan import ScanLimits, Scanner
from tests import builders
from tests.real import command
from tests.real.process import run, until

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


TOLD = "import time; time.sleep(0.01); print(time.time(), time.monotonic())"
SLEEP = "import select, time\ntime.sleep = lambda seconds: select.select([], [], [], seconds) and None\n"
"""libfaketime 0.9.10 takes no sleep until a moment of the monotonic clock, as Python's is: it says EINVAL."""


@pytest.fixture
def settable(require, tmp_path):
    """``settable(offset)``: sets the wall clock of whoever runs with the environment that it gives, and no other clock of it."""
    faketime = require("faketime", "faketime")
    shown = run(faketime, "-m", "-f", "+0d", "env").splitlines()
    (library,) = [line for line in shown if line.startswith("LD_PRELOAD=")]
    file = tmp_path / "wall-clock"
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(SLEEP)
    environment = (
        library,
        f"PYTHONPATH={tmp_path}/site:{command.ROOT}",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        f"FAKETIME_TIMESTAMP_FILE={file}",
        "FAKETIME_CACHE_DURATION=1",
    )

    def put(offset):
        (tmp_path / "next").write_text(offset)
        (tmp_path / "next").rename(file)
        return environment

    return put


@pytest.mark.system
def test_t01_a_clock_that_is_set_during_scans_changes_no_deadline_and_no_order(serve, settable, tmp_path):
    environment = settable("+1d")
    wall, monotonic = map(float, run("env", *environment, sys.executable, "-c", TOLD).split())
    assert (wall - time.time() > 80_000, abs(monotonic - time.monotonic()) < 600) == (True, True)
    settable("+0d")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        service = serve(
            wait=False, argv=("env", *environment),
            inventory=[{"kind": "local", "name": "box", "planned": [{"image": f"{address}/x:1"}]}],
            registries={"timeout": "2s", address: {"plain_http": True, "allow_networks": ["127.0.0.0/8"]}},
            scan={"interval": "8s", "jitter": "0s", "deadline": "7s"}, ssh={"connect_timeout": "1s", "probe_timeout": "5s"},
        )  # fmt: skip

        def ended():
            return [float(found) for found in re.findall(r"event=scan_ended .* seconds=(\S+)", service.log)]

        with silent.accept()[0]:  # the first scan waits for an answer
            for number, offset in enumerate(("+1d", "-1d"), 1):
                settable(offset)
                until(lambda: len(ended()) >= number, "the end of a scan")  # noqa: B023 -- at once
        assert service.ask("/-/healthy")[0] == 200
        assert service.stop() < 10
    assert all(0 <= took_s < 7 + 5 for took_s in ended()), ended()
    assert command.run("trail", "verify", "--config", tmp_path / "archscan.yml").returncode == 0
