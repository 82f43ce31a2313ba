"""Hundreds of made-up histories of one service: nothing acknowledged is lost, nothing is ok out of nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Verdict
from scanner.scan import judgements
from scanner.service.publication import Publication
from scanner.store.store import Store
from tests.simulation import simulated

PARTS = 10
SEEDS = int(os.environ.get("ARCHSCAN_HISTORIES", "250")) // PARTS
"""Some 50 ms of a processor each; in parts, lest one test take minutes on a busy machine. ``make faults`` tells a thousand."""

MEMORY = "/dev/shm"

FEW = 60
"""Seeds within which a fault that was put there must have shown."""


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return simulated.Base.laid(tmp_path_factory.mktemp("laid"))


@pytest.fixture
def in_memory():
    """A folder for stores, on no disk where there is a way: what is durable is simulated, its disk costs time alone."""
    with tempfile.TemporaryDirectory(dir=MEMORY if os.access(MEMORY, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def run(base, in_memory):
    """What the run of a seed came to."""
    with simulated.silence():
        yield lambda seed: simulated.run(seed, base, in_memory)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_history_loses_what_was_acknowledged_or_finds_what_nobody_said(run, part):
    ok = 0
    for seed in range(part * SEEDS, (part + 1) * SEEDS):
        outcome = run(seed)
        assert outcome.faults == (), f"python -m tests.simulation.simulated {seed}"
        ok += outcome.figures["ok"]
    assert ok, "there is something to be held up"


def test_a_seed_is_one_history_whatever_process_runs_it():
    told = [
        subprocess.run(
            [sys.executable, "-m", "tests.simulation.simulated", "3", "4", "6"],
            env=os.environ | {"PYTHONHASHSEED": number}, capture_output=True, text=True, check=True,
        ).stdout
        for number in ("1", "2")
    ]  # fmt: skip
    assert told[0] == told[1]
    assert "killed" in told[0]


def finds(run, what):
    """Whether one of the first runs finds this fault."""
    return any(what in fault for seed in range(FEW) for fault in run(seed).faults)


def test_a_store_that_forgets_is_found_out(run, monkeypatch):
    async def forgets(store, report, _record=None):
        return report

    monkeypatch.setattr(Store, "save", forgets)
    assert finds(run, "acknowledged scans are lost")


def test_a_judge_who_believes_anything_is_found_out(run, monkeypatch):
    monkeypatch.setattr(judgements, "judge", lambda *_, **__: Verdict(Reason.NATIVE))
    assert finds(run, "but nobody said that it runs there")


def test_a_waiver_that_counts_before_it_is_durable_is_found_out(run, monkeypatch):
    put = Store.put_record

    async def later(store, kind, key, body, record=None):
        if kind != "waiver":
            await put(store, kind, key, body, record)

    monkeypatch.setattr(Store, "put_record", later)
    assert finds(run, "acknowledged waivers are lost")


def test_a_report_that_keeps_a_finding_of_another_reading_is_found_out(run, monkeypatch):
    append = Publication.append
    first = []  # of all histories: within one a host seldom changes what is found

    async def mixed(publication, fresh, scanned, inventory, by=""):
        first.append(fresh)
        report = first[0]
        return await append(publication, type(fresh)(fresh.scan_id, fresh.started_at, fresh.finished_at, fresh.hosts,
                                                     report.findings), scanned, inventory, by)  # fmt: skip

    monkeypatch.setattr(Publication, "append", mixed)
    assert finds(run, "but no scan found that")
