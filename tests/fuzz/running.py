"""Runs fuzz targets over many inputs, and says what came of it: ``python -m tests.fuzz.running --inputs 1000000``."""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.mutations import inputs
from tests.fuzz.targets import TARGETS

if TYPE_CHECKING:
    from tests.fuzz.targets import Target

MEMORY_BYTES = 64 << 20
"""Over all inputs of a target: no input may take more, and none may leave a little behind."""

PEAK = Path("/proc/self/clear_refs")
"""Linux's own way to count the peak of the resident set anew."""

AGAIN = 5
"""A slow input is tried again: a collection of garbage or a cold cache is not its fault."""

PACE_S = 0.02
"""What the work of :func:`_slowness` costs on the machine for which the targets' limits were chosen."""

SHOWN = 400


@dataclass
class Found:
    """What one target came to."""

    name: str
    inputs: int = 0
    refused: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    grown_bytes: int = 0
    faults: list[str] = field(default_factory=list)


def run(name: str, target: Target, count: int, seed: int) -> Found:
    """Try so many inputs; every fault is told with the input that made it."""
    found = Found(name)
    PEAK.write_text("5")  # it is counted anew: what another target took hides nothing
    began, before = time.thread_time(), _kib("VmRSS")
    for raw in itertools.islice(inputs(target.samples, target.tokens, seed), count):
        found.inputs += 1
        _try(found, target, raw)
    found.seconds = time.thread_time() - began
    found.grown_bytes = _kib("VmHWM") - before << 10
    if found.grown_bytes > MEMORY_BYTES:
        found.faults.append(f"it took {found.grown_bytes >> 20} MiB")
    return found


def _kib(what: str) -> int:
    """Of this process, as Linux counts it."""
    told = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(told[what].split()[0])


def _try(found: Found, target: Target, raw: bytes) -> None:
    took = target.input_s + 1
    for _ in range(AGAIN):
        began = time.thread_time()
        try:
            target.read(raw)
        except target.refusals:
            found.refused += 1
        except Exception as bug:
            found.faults.append(f"{type(bug).__name__}: {bug}"[:SHOWN] + f" over {_kept(found, raw)}")
            return
        took_now = time.thread_time() - began
        took = min(took, took_now if took_now <= target.input_s else took_now / _slowness())
        if took <= target.input_s:
            break
    found.slowest_s = max(found.slowest_s, took)
    if took > target.input_s:
        found.faults.append(f"{took:.3f} s over {_kept(found, raw)}")


def _slowness() -> float:
    """How many times as long as there this machine takes at this moment, whose processor others share; 1 at least."""
    began = time.thread_time()
    words = " ".join(f"{n:x}={n}" for n in range(20_000))
    assert sum(len(found.group()) for found in _WORD.finditer(words)) < len(words)
    return max(1.0, (time.thread_time() - began) / PACE_S)


_WORD = re.compile(r"[0-9a-f]+(?==)")


def _kept(found: Found, raw: bytes) -> str:
    """The input, short enough to be read; ``KEEP`` names a folder for whole ones."""
    if KEEP is not None:
        path = KEEP / f"{found.name.replace(' ', '-').replace('/', '-')}-{found.inputs}"
        path.write_bytes(raw)
        return str(path)
    return repr(raw[:SHOWN]) + (f" and {len(raw) - SHOWN} bytes more" if len(raw) > SHOWN else "")


KEEP: Path | None = None


def main() -> int:
    """Run every target, or those that are named; a line of JSON each."""
    global KEEP  # noqa: PLW0603 -- an option of the command
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--inputs", type=int, default=1_000_000, help="of the cheapest targets; costly ones get a share")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--keep", type=Path, help="a folder for inputs that made a fault")
    words.add_argument("targets", nargs="*")
    said = words.parse_args()
    KEEP = said.keep
    if KEEP is not None:
        KEEP.mkdir(parents=True, exist_ok=True)
    is_bad = False
    for name in said.targets or TARGETS:
        target = TARGETS[name]
        found = run(name, target, max(1, int(said.inputs * target.share)), said.seed)
        is_bad = is_bad or bool(found.faults)
        print(json.dumps({**asdict(found), "faults": found.faults[:10], "fault_count": len(found.faults)}), flush=True)
    return 1 if is_bad else 0


if __name__ == "__main__":
    sys.exit(main())
