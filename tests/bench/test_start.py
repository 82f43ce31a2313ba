"""What a command costs before it does anything."""

from __future__ import annotations

import os
import resource
import statistics
import sys
import time

import pytest

from tests.real.process import run

pytestmark = [pytest.mark.bench]

TURNS = 5
COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "archscan --version": ["-m", "scanner", "--version"],
    "archscan --help": ["-m", "scanner", "--help"],
    "archscan explain": ["-m", "scanner", "explain", "exec format error"],
    "archscan probe-script": ["-m", "scanner", "probe-script"],
    "archscan demo --once": ["-m", "scanner", "demo", "--once"],
}


def test_commands_start_quickly():
    print()
    for name, argv in COMMANDS.items():
        cpu, wall = [], []
        for _ in range(TURNS):
            before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            run(sys.executable, *argv, check=False, env=dict(os.environ))
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu.append(used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime)
            wall.append(time.monotonic() - began)
        print(
            f"  {name:24} {statistics.median(cpu):5.2f} s CPU ({min(cpu):.2f} to {max(cpu):.2f}),"
            f" {statistics.median(wall):5.2f} s"
        )
