"""What the scan of a fleet costs that did not change since the last one."""

from __future__ import annotations

import json
import os
import statistics
import sys

import pytest

from tests.real.process import run

pytestmark = [pytest.mark.bench, pytest.mark.timeout(900)]

HOSTS = int(os.environ.get("BENCH_RESCAN_HOSTS", "2000"))
WORKLOADS = 20


def test_a_fleet_that_did_not_change():
    out = run(sys.executable, "-m", "tests.bench.rescan", str(HOSTS), str(WORKLOADS), "--again", "5", timeout_s=900)
    found = json.loads(out.splitlines()[-1])
    again = found["again"]
    print(f"\n{HOSTS} hosts x {WORKLOADS} workloads, {found['answer_bytes']} bytes an answer: {found['counts']}")
    print(f"  first scan   {found['first']['wall_s']:6.2f} s, {found['first']['cpu_s']:6.2f} s CPU")
    for name in ("wall_s", "cpu_s", "render_s", "p99_lag_s", "worst_lag_s"):
        took = [turn[name] for turn in again]
        print(f"  scan again: {name:12} median {statistics.median(took):6.3f} ({min(took):.3f} to {max(took):.3f})")
    per_host = statistics.median(turn["cpu_s"] for turn in again) / HOSTS * 1000
    print(
        f"  {per_host:.2f} ms CPU a host, everything but SSH included; RSS {found['rss_mb']:.0f} MB, {found['most_rss_mb']:.0f} MB at most"
    )
