"""Measures how archscan bears faults and writes what was measured: ``python -m tests.faults.page --rounds 20``."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import random
import sys
import tempfile
from pathlib import Path

from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.verdict.reason import Status
from scanner.probe import reading
from scanner.registry.documents.manifest import read_manifest
from tests.faults import crashes, fleet, hostile_service, patience
from tests.faults.catalogue import CATALOGUE
from tests.faults.test_fleet_faults import FAULTS
from tests.fuzz import running
from tests.fuzz.targets import ANSWERS, TARGETS

PAGE = Path(__file__).parents[2] / "docs/reliability.md"

BESIDE = (
    "Beside these: `tests/simulation` tells 250 made-up histories of a service at every run of the tests, 1,000 in `make faults` "
    "(no acknowledged record lost, no reading twice, no `ok` that nobody said); `make coverage` fails where a branch of `scanner/domain` is "
    "not reached by its own tests; `make mutants` puts small faults into what must not err and names those that no test "
    "finds; `make soak` fails where what a service uses grows by more than 8 KiB a scan, its resident set by more than 40, or "
    "its descriptors at all. One of 9 minutes on a busy machine (242 scans of 22 out of 30 churning hosts, 2026-11-28): 113.0 "
    "MiB in use, -0.2 KiB a scan; 154 MiB resident, +2 KiB a scan; 16 descriptors beside kept connections, +0.000 a scan."
)

TOO_LONG_S = 0.2
"""Of a processor, from one look at the network to the next: what health, asked at the worst moment, would wait for."""

MANIFESTS = 20
"""Of one to so many layers."""

ALONE = 0.15
"""Of the rounds' faults each stands in a round with this chance; the last round has them all."""


SLICED_ROUNDS = 3
"""Scans of the hostile fleet by a service of which everything is asked at once."""


def injected(rounds: int, seed: int) -> dict[str, float]:
    """Fleets with some of the faults, each of which must hold what ``fleet.holds`` says."""
    chance = random.Random(seed)
    figures = {"fleets": 0, "faults": 0, "verdicts": 0, "ok": 0, "slowest_s": 0.0}
    for number in range(rounds):
        is_last = number == rounds - 1
        faults = {name: fault for name, fault in FAULTS.items() if is_last or chance.random() < ALONE}
        with tempfile.TemporaryDirectory() as folder:
            outcome = fleet.run(Path(folder), faults, str)
        fleet.holds(outcome, faults)
        figures["fleets"] += 1
        figures["faults"] += len(faults)
        figures["verdicts"] += len(outcome.report.findings)
        figures["ok"] += outcome.report.counts[Status.OK]
        figures["slowest_s"] = max(figures["slowest_s"], outcome.took_s)
    return figures


def cut() -> tuple[int, int]:
    """Every answer, every document of a registry cut at every byte: none may give facts, none an offer."""
    host, offsets, of_documents = Host("box", "box.example"), 0, 0
    for raw in ANSWERS:
        for at in range(len(raw)):
            offsets += 1
            if not isinstance(reading.read(raw[:at], host), Failure):
                raise SystemExit(f"an answer cut at {at} gives facts")
    for raw in map(_manifest, range(1, MANIFESTS + 1)):
        for at in range(len(raw)):
            of_documents += 1
            if not isinstance(read_manifest(raw[:at]), Failure):
                raise SystemExit(f"a manifest cut at {at} is one")
    return offsets, of_documents


def _manifest(layers: int) -> bytes:
    """One of so many layers."""
    document = json.loads(fleet.IMAGE.manifest.body)
    document["layers"] = document["layers"][:1] * layers
    return json.dumps(document).encode()


def ended(said: argparse.Namespace) -> list[tuple[str, str]]:
    """What is left of a store, of a service, when they are ended, reloaded, besieged."""
    killed = crashes.killed(said.kills, said.seed)  # first: it forks, which no thread bears
    torn = crashes.torn(said.torn, said.seed)
    took_s = patience.stopped(said.stops, said.seed)
    reloads = patience.reloaded(said.reloads)
    slowest_s, closed = patience.besieged(said.clients)
    thousand = patience.thousand()
    over = [each for each in took_s if each > patience.STOP_WITHIN_S]
    if killed.lost or torn or over or reloads["not"] or closed < said.clients or thousand.hosts != patience.HOSTS:
        raise SystemExit(f"{killed}, {torn} torn, stops of {over} s, {reloads}, {closed} closed, {thousand}")
    return [
        ("writers of the store ended by kill -9", f"{killed.writers}: {killed.acknowledged} reports acknowledged, {killed.lost} lost"),
        ("write-ahead logs cut, zeroed or garbled", f"{said.torn}: {torn} left anything but a prefix"),
        ("SIGTERM in the midst of a scan of plans that are bombs", f"{len(took_s)} of {len(took_s)} within {patience.STOP_WITHIN_S:g} s, the slowest {max(took_s):.1f} s"),
        ("reloads, good and bad in turn", f"{reloads.total():,}: {reloads['not']} times anything but the last good tokens in force"),
        ("clients that never end their request", f"{closed} of {said.clients} closed; health meanwhile in {slowest_s * 1000:.0f} ms at most, on the machine as it was"),
        ("a scan of hosts that are all hostile", f"{thousand.hosts:,} in {thousand.took_s:.1f} s of {patience.DEADLINE_S} s allowed, {thousand.grown_mib:.0f} MiB over idle"),
        ("slices of its loop of more than 50 ms of a processor", f"{thousand.long} of at least {thousand.of:,}" if thousand.long else "none"),
    ]  # fmt: skip


def fuzzed(inputs: int, seed: int) -> list[running.Found]:
    """Every parser over many inputs."""
    found = [running.run(name, target, max(1, int(inputs * target.share)), seed) for name, target in TARGETS.items()]
    if bad := [each for each in found if each.faults]:
        raise SystemExit("\n".join(f"{each.name}: {each.faults[0]}" for each in bad))
    return found


def sliced(rounds: int) -> hostile_service.Slices:
    """How long the loop of a service works at a time while everything about it is hostile."""
    found = hostile_service.measured(rounds)
    if bad := [seconds for seconds, _ in found.long if seconds > TOO_LONG_S]:
        raise SystemExit(
            f"the loop worked for {', '.join(map(str, bad))} s at a time: python -m tests.faults.hostile_service"
        )
    return found


def main() -> int:
    """Measure, then write the page."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=20)
    words.add_argument("--inputs", type=int, default=20_000)
    words.add_argument("--seed", type=int, default=1)
    for what, times in (("kills", 200), ("torn", 400), ("stops", 100), ("reloads", 1000), ("clients", 200)):
        words.add_argument(f"--{what}", type=int, default=times)
    said = words.parse_args()
    endings = ended(said)
    fleets, cuts, parsers = injected(said.rounds, said.seed), cut(), fuzzed(said.inputs, said.seed)
    slices = sliced(SLICED_ROUNDS)
    slowest = max(parsers, key=lambda each: each.slowest_s)
    machine = f"{os.cpu_count()} processors, Linux {platform.release()}, Python {platform.python_version()}"
    rows = [
        ("rows of the fault catalogue, each with a test", f"{len(CATALOGUE)}"),
        ("healthy fleets with faults injected", f"{fleets['fleets']}, seed {said.seed}"),
        ("faults injected into them", f"{fleets['faults']}"),
        ("verdicts given, all of them once", f"{fleets['verdicts']}, {fleets['ok']} ok"),
        ("lost results, falsely ok, unhandled exceptions, leaks, secrets shown", "0"),
        ("slowest scan of such a fleet", f"{fleets['slowest_s']:.1f} s of {fleet.DEADLINE_S * fleet.patience():.0f} s allowed"),
        ("slices of the loop of more than 50 ms of a processor", f"{len(slices.long)} in {slices.rounds} hostile rounds"),
        ("the longest of them", f"{max((seconds for seconds, _ in slices.long), default=0.0) * 1000:.0f} ms"),
        ("answers, manifests cut at every byte", f"{sum(cuts):,} offsets ({cuts[0]:,} of answers), 0 with facts or offers"),
        *endings,
        ("inputs of the fuzz", f"{sum(each.inputs for each in parsers):,} over {len(parsers)} parsers, seed {said.seed}"),
        ("refused as declared", f"{sum(each.refused for each in parsers):,}"),
        ("other exceptions", "0"),
        ("slowest input", f"{slowest.slowest_s * 1000:.0f} ms of a processor ({slowest.name})"),
    ]  # fmt: skip
    table = "\n".join(f"| {what} | {figure} |" for what, figure in rows)
    day = dt.datetime.now(dt.UTC).date().isoformat()
    PAGE.write_text(
        "# Reliability\n\nMeasured by `make faults`, which ends with an error where anything of it does not hold; nothing here is "
        f"estimated. On {day}: {machine}.\n\n| measured | figure |\n| --- | --- |\n{table}\n\n"
        f"{BESIDE}\n\nWhat each row of the catalogue claims, and which tests prove it, stands in `tests/faults/catalogue.py`.\n"
    )
    print(PAGE.read_text())
    return 0


if __name__ == "__main__":
    sys.exit(main())
