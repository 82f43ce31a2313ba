"""A program: ours, looked at every few milliseconds of its processor time, tells which part of it takes how much.

A look is a signal's, taken between two steps of the interpreter: long work in C counts for the function that asked for it. The
processes beside it, that ask hosts or parse, are not looked into: what each of them took is known as a whole.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import resource
import runpy
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from scanner.hosts.ssh import fetcher
from tests.bench import family

if TYPE_CHECKING:
    from types import FrameType

    from scanner.service.service import Service

EVERY_S = 0.004
"""Of processor time: two thousand looks at what takes eight seconds, for a hundredth of that."""

ROOT = f"{Path(__file__).parents[2]}/"
STARTING, LOOP = "starting: its modules", "the event loop itself, threads"
ASKS, PARSES = "the process that asks hosts", "the processes that parse"
PARTS = (
    ("scanner/registry/", "asking registries"),
    ("scanner/binary/", "opening images"),
    ("scanner/formats/parsing/", "to and from the processes that parse"),
    ("scanner/domain/workload_pattern", "to and from the processes that parse"),
    ("scanner/probe/", "to and from the processes that parse"),
    ("scanner/hosts/", "hosts"),
    ("scanner/domain/report", "the report"),
    ("scanner/cli/", "the report"),
    ("scanner/formats/documents/json_writer", "the report"),
    ("scanner/scan/", "judging"),
    ("scanner/domain/", "judging"),
    ("scanner/store/", "the store"),
    ("scanner/trail/", "the trail"),
    ("scanner/metrics/", "metrics, publication"),
    ("scanner/service/", "metrics, publication"),
)
"""By where the innermost function of ours stands; the first that fits."""

OTHERS = "all else"
_WAITING = frozenset({"select", "poll", "wait", "_wait", "_worker", "acquire"})


def part_of(frame: FrameType | None) -> str:
    """What a stack is at work for."""
    while frame is not None and frame.f_code.co_name != "run_forever":
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib") or code.co_name == "<module>":
            return STARTING
        if code.co_filename.startswith(f"{ROOT}scanner/"):
            name = code.co_filename.removeprefix(ROOT)
            return next((part for begin, part in PARTS if name.startswith(begin)), OTHERS)
        frame = frame.f_back
    return LOOP


class Looks:
    """Counts looks, each by the part that some thread is at work for."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def begin(self) -> None:
        """From now on."""
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def end(self) -> Counter[str]:
        """No more; what was counted."""
        signal.setitimer(signal.ITIMER_PROF, 0)
        return self.counted

    def _look(self, _number: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_code.co_name in _WAITING:  # another thread is at work
            own = threading.get_ident()
            others = [each for ident, each in sys._current_frames().items() if ident != own]
            frame = next((each for each in others if each.f_code.co_name not in _WAITING), None)
        self.counted[part_of(frame)] += 1


def seconds(counted: Counter[str], own_s: float, **beside: float) -> dict[str, float]:
    """Seconds of processor time by part, of processes ``beside`` as they are."""
    looks = max(1, sum(counted.values()))
    return {part: own_s * count / looks for part, count in counted.most_common()} | beside


def used_s(who: int) -> float:
    """Seconds of processor time."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def scan(arguments: list[str]) -> dict[str, dict[str, float]]:
    """One command as a person starts it."""
    asked: list[float] = []
    end = fetcher.Fetcher.end

    def noted(self: fetcher.Fetcher) -> None:
        if self.process.returncode is None:
            asked.append(family.of(self.process.pid)[0])
        end(self)

    fetcher.Fetcher.end = noted
    sys.argv = ["scanner", *arguments]
    looks = Looks()
    looks.begin()
    try:
        runpy.run_module("scanner", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        counted = looks.end()
        if ended.code not in {0, 1}:  # 1: findings
            raise
    asks_s = sum(asked)
    beside = {ASKS: asks_s, PARSES: max(0.0, used_s(resource.RUSAGE_CHILDREN) - asks_s)}
    return {"scan": seconds(counted, used_s(resource.RUSAGE_SELF), **beside)}


def serve(hosts: int, workloads: int) -> dict[str, dict[str, float]]:
    """The service's first scan, then those of a fleet that did not change."""
    from scanner.hosts.turns import TurnsLoop  # noqa: PLC0415 -- a command's start is looked at, too
    from tests.bench import rescan  # noqa: PLC0415 -- the same

    found: list[Counter[str]] = []
    scanned = rescan.scanned

    async def looked_at(running: Service) -> None:
        looks = Looks()
        looks.begin()
        await scanned(running)
        found.append(looks.end())

    rescan.scanned = looked_at
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with asyncio.Runner(loop_factory=TurnsLoop) as runner:
        took = runner.run(rescan.main(hosts, workloads, 3, ssh=True))
    turns = {"first": ([took["first"]], found[:1]), "again": (took["again"], found[1:])}
    return {
        name: seconds(
            sum(counted, Counter()),
            sum(turn["cpu_s"] for turn in measured) / len(measured),
            **{PARSES: sum(max(0.0, turn["all_cpu_s"] - turn["cpu_s"]) for turn in measured) / len(measured)},
        )
        for name, (measured, counted) in turns.items()
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("to", type=Path, help="file for what is found")
    parser.add_argument("what", choices=("scan", "serve"))
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    chosen = parser.parse_args()
    done = scan(chosen.arguments) if chosen.what == "scan" else serve(*map(int, chosen.arguments))
    chosen.to.write_text(json.dumps(done))
