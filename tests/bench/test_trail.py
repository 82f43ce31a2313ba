"""How many entries a second become durable, how long a proof or a whole verification takes."""

import asyncio
import time

import pytest

from scanner.store.store import Store
from scanner.trail.leaf import Entry, Event
from scanner.trail.note import Signer
from scanner.trail.trail import Trail
from scanner.trail.verify import verify

COUNT = 20_000


def entries(count):
    about = {"host": "web-1", "workload": "api", "image": "registry.example:5000/shop/api:1.4", "status": "mismatch"}
    return [Entry(Event.FINDING_OPENED, 1.78e9, "schedule", about | {"n": n}) for n in range(count)]


@pytest.mark.bench
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_entries_become_durable(tmp_path, kind, request):
    url = f"sqlite:///{tmp_path}/s.db" if kind == "sqlite" else request.getfixturevalue("postgres").url()
    store = await Store.open(url)
    trail = Trail(store, Signer.made("bench.example"))
    await trail.open()
    began = time.perf_counter()
    await trail.append(*entries(COUNT))
    took = time.perf_counter() - began
    print(f"{kind}: {COUNT / took:,.0f} entries/s durable and integrated, {COUNT} in one transaction")
    began = time.perf_counter()
    await asyncio.gather(*(trail.append(*entries(10)) for _ in range(500)))
    took = time.perf_counter() - began
    print(f"{kind}: {5000 / took:,.0f} entries/s of 500 callers with ten each")
    began = time.perf_counter()
    for _ in range(100):
        await trail.append(*entries(1))
    print(f"{kind}: {(time.perf_counter() - began) * 10:.2f} ms for one decision")
    began = time.perf_counter()
    for index in range(0, COUNT, COUNT // 100):
        await trail.prove(index)
    print(f"{kind}: {(time.perf_counter() - began) * 10:.2f} ms for a proof among {trail.head.size} entries")
    began = time.perf_counter()
    assert (await store.trail(lambda rows: verify(rows, trail.verifier))).found == []
    print(f"{kind}: {trail.head.size / (time.perf_counter() - began):,.0f} entries/s verified")
    await store.close()
