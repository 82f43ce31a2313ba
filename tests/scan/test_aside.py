"""A host of thousands of workloads leaves the event loop to others."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from scanner.domain.facts import Workload
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.scan.aside import FEW
from scanner.scan.pace import Pace
from scanner.scan.scan import ScanLimits, Scanner
from tests import builders
from tests.scan.test_scan import Registry, inspect


def images(many):
    return [f"r.example/app-{number}/amd64" for number in range(many)]


@pytest.mark.parametrize(("many", "is_aside"), [(FEW, False), (FEW + 1, True)])
async def test_many_workloads_of_a_host_are_written_up_beside_the_loop(many, is_aside):
    seen = set()

    def configured(fix, *_of):
        seen.add(threading.get_ident())
        return fix

    async def unread(_host):
        return Failure(Reason.HOST_TIMEOUT, "no answer", setting="ssh.connect_timeout")

    scanner = Scanner(unread, Registry(), inspect, ScanLimits(), clock=lambda: 1.0, configured=configured)
    report = await scanner.scan([builders.host("a", *images(many))])
    assert len(report.findings) == many
    assert (seen == {threading.get_ident()}) is not is_aside


@pytest.mark.parametrize("many", [200, 400])
async def test_workloads_of_one_name_are_told_apart_without_comparing_each_with_each(monkeypatch, many):
    compared = 0
    own = Workload.__eq__

    def counting(self, other):
        nonlocal compared
        compared += 1
        return own(self, other)

    workloads = tuple(
        replace(builders.workload(name="one", state="running"), exit_code=number, engine="docker")
        for number in range(many)
    )
    facts = replace(builders.host_facts("a"), workloads=workloads)

    async def read(_host):
        return facts

    monkeypatch.setattr(Workload, "__eq__", counting)
    report = await Scanner(read, Registry(), inspect, ScanLimits(), clock=lambda: 1.0).scan([builders.host("a")])
    assert len({finding.workload.name for finding in report.findings}) == many
    assert compared < 4 * many


async def test_many_that_wake_together_go_on_a_few_at_a_time_in_their_order():
    pace, gone = Pace(16), []

    async def one(number):
        await pace.wait()
        gone.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(100)]
    tasks[40].cancel()  # who leaves keeps nobody
    before, most = 0, 0
    while not all(task.done() for task in tasks):
        await asyncio.sleep(0)
        before, most = len(gone), max(most, len(gone) - before)
    assert most == 16
    assert gone == [number for number in range(100) if number != 40]
    await one(100)
    assert gone[-1] == 100
