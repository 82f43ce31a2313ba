"""A program: how many entries a second the trail makes durable in SQLite, how long a proof or a whole verification takes.

Prints one line of JSON.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time

from scanner.store.store import Store
from scanner.trail.leaf import Entry, Event
from scanner.trail.note import Signer
from scanner.trail.trail import Trail
from scanner.trail.verify import verify

COUNT = 20_000
CALLERS = 500
EACH = 10
ONE_BY_ONE = 100


def entries(count: int) -> list[Entry]:
    """Findings as a scan opens them."""
    about = {"host": "web-1", "workload": "api", "image": "registry.example:5000/shop/api:1.4", "status": "mismatch"}
    return [Entry(Event.FINDING_OPENED, 1.78e9, "schedule", about | {"n": n}) for n in range(count)]


async def measured(url: str) -> dict[str, float]:
    """Of a trail in a store of its own; every figure is by the clock, ``cpu_s`` what all of them took together."""
    store = await Store.open(url)
    trail = Trail(store, Signer.made("bench.example"))
    await trail.open()
    used, found = time.process_time(), {"entries": float(COUNT)}
    began = time.perf_counter()
    await trail.append(*entries(COUNT))
    found["together_per_s"] = COUNT / (time.perf_counter() - began)
    began = time.perf_counter()
    await asyncio.gather(*(trail.append(*entries(EACH)) for _ in range(CALLERS)))
    found["callers_per_s"] = CALLERS * EACH / (time.perf_counter() - began)
    began = time.perf_counter()
    for _ in range(ONE_BY_ONE):
        await trail.append(*entries(1))
    found["decision_ms"] = (time.perf_counter() - began) / ONE_BY_ONE * 1000
    began = time.perf_counter()
    for index in range(0, COUNT, COUNT // ONE_BY_ONE):
        await trail.prove(index)
    found["proof_ms"] = (time.perf_counter() - began) / ONE_BY_ONE * 1000
    began = time.perf_counter()
    whole = await store.trail(lambda rows: verify(rows, trail.verifier))  # type: ignore[arg-type] # it has a key
    assert whole.found == []
    found["verified_per_s"] = trail.head.size / (time.perf_counter() - began)
    found["size"] = float(trail.head.size)
    await store.close()
    return found | {"cpu_s": time.process_time() - used}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(asyncio.run(measured(f"sqlite:///{folder}/s.db"))))
