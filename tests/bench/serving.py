"""A program: how long a running service takes to answer its gate, its metrics, its first page while it scans.

Questions come at fixed moments, over kept connections, whether or not earlier ones are answered: what one waits for others
of its kind is part of its time. Each kind has connections of its own, as Prometheus shares none with a pipeline.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path

from tests.bench import made_up
from tests.bench.loopback_fleet import USER, LoopbackFleet
from tests.bench.own_process import registry_of
from tests.real.process import free_port

TOKEN = "a-token-of-the-bench-that-is-long-enough"
CONNECTIONS = 20
BUSY = 503
RATES = {"gate": 200.0, "metrics": 1.0, "page": 1.0}
"""Questions a second; who collects metrics asks every 15 s."""

HEADERS = {
    "metrics": (
        "Accept: application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.1",
        "Accept-Encoding: gzip",
    ),
    "page": ("Accept: text/html", "Accept-Encoding: gzip, deflate, br"),
}
"""As Prometheus asks, as browsers do."""

OWN_REGISTRY = {"plain_http": True, "rate": 2000, "burst": 2000, "concurrency": 100}
"""The gate asks it in every question: what a registry is usually asked at most, 200 times a second, would be measured instead."""

ROOT = Path(__file__).parent.parent.parent


class Client:
    """A few kept connections to the service."""

    def __init__(self, port: int, headers: tuple[str, ...] = ()) -> None:
        self._port, self._headers = port, "".join(f"{one}\r\n" for one in headers)
        self._free: asyncio.Queue = asyncio.Queue()
        for _ in range(CONNECTIONS):
            self._free.put_nowait(None)

    async def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of an answer."""
        kept = await self._free.get()
        try:
            reader, writer = kept or await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 24)
            kept = None
            head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nAuthorization: Bearer {TOKEN}\r\n"
            head += f"{self._headers}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            status, fields = await self._head(reader)
            found = await self._body(reader, fields)
            kept = reader, writer
            return status, found
        finally:
            self._free.put_nowait(kept)

    @staticmethod
    async def _head(reader) -> tuple[int, dict[str, str]]:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        return int(first.split()[1]), {
            name.lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)
        }

    @staticmethod
    async def _body(reader, fields: dict[str, str]) -> bytes:
        if fields.get("transfer-encoding", "").lower() != "chunked":
            return await reader.readexactly(int(fields.get("content-length", "0")))
        parts = []
        while length := int((await reader.readline()).strip(), 16):
            parts.append((await reader.readexactly(length + 2))[:-2])
        await reader.readline()
        return b"".join(parts)


def question(image: str) -> bytes:
    """May it go to a plain host?"""
    return json.dumps({"images": [image], "platforms": ["linux/amd64"]}).encode()


async def scanned(client: Client) -> float:
    """One scan of everything; the seconds that it took."""
    began = time.monotonic()
    status, text = await client.ask("POST", "/api/v1/scans", b"{}")
    assert status == 202, text
    name = json.loads(text)["id"]
    while (state := json.loads((await client.ask("GET", f"/api/v1/scans/{name}"))[1])["state"]) != "done":
        assert state != "failed"
        await asyncio.sleep(0.2)
    return time.monotonic() - began


async def loaded(port: int, images: list[str], until: asyncio.Task) -> tuple[dict[str, list[float]], Counter[str]]:
    """Seconds of each answer that was asked for before ``until`` ended; how many were refused, as there was no memory for them."""
    refused: Counter[str] = Counter()
    took: dict[str, list[float]] = {kind: [] for kind in RATES}
    named, clients = cycle(images), {kind: Client(port, HEADERS.get(kind, ())) for kind in RATES}

    async def one(kind: str, due: float) -> None:
        client = clients[kind]
        if kind == "gate":
            status, text = await client.ask("POST", "/api/v1/check", question(next(named)))
        else:
            status, text = await client.ask("GET", {"metrics": "/metrics", "page": "/"}[kind])
        refused[kind] += status == BUSY
        assert status in {200, BUSY}, (kind, status, text[:300])
        took[kind].append(time.monotonic() - due)

    async def steady(kind: str) -> None:
        begun, number = time.monotonic(), 0
        async with asyncio.TaskGroup() as asked:
            while not until.done():
                due = begun + number / RATES[kind]
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                asked.create_task(one(kind, due))
                number += 1

    await asyncio.gather(*map(steady, RATES))
    return took, refused


def told(took: dict[str, list[float]], refused: Counter[str], scan_s: float) -> dict[str, object]:
    """The half, the hundredth, the worst of them, in ms, refusals among them."""
    found: dict[str, object] = {"scan_s": scan_s}
    for kind, each in took.items():
        each.sort()
        places = {"p50_ms": len(each) // 2, "p99_ms": int(len(each) * 0.99), "worst_ms": -1}
        found[kind] = {"asked": len(each), "refused": refused[kind]} | {
            name: each[place] * 1000 for name, place in places.items()
        }
    return found


async def main(hosts: int, workloads: int, again: int, max_tag_age: str) -> dict[str, object]:
    """A first scan, then ``again`` scans under load; the gate believes what a tag meant for so long."""
    shelf, images = made_up.stock()
    with registry_of(shelf) as registry, tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        answers = list(made_up.answers(hosts, workloads, registry, images).values())
        with LoopbackFleet(folder, answers) as fleet:
            (folder / "token").write_text(TOKEN)
            (folder / "token").chmod(0o600)
            fleet_hosts = {one: {"address": one, "port": fleet.port, "user": USER} for one in fleet.addresses}
            (folder / "archscan.yml").write_text(json.dumps({
                "inventory": [{"kind": "static", "hosts": fleet_hosts}],
                "ssh": {"identity_file": str(fleet.key), "known_hosts_file": str(fleet.known_hosts)},
                "registries": {registry: OWN_REGISTRY, "cache_age": "1h"},
                "scan": {"interval": "1h", "jitter": "0s", "deadline": "30m"},
                "gate": {"max_tag_age": max_tag_age},
                "store": {"url": f"sqlite:///{folder}/archscan.db"},
                "web": {"listen": f"127.0.0.1:{port}", "tokens": [
                    {"name": "bench", "token_file": "token", "scopes": ["read", "gate", "operate"]}]},
            }))  # fmt: skip
            serve = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "scanner", "serve", "--config", folder / "archscan.yml"),
                cwd=ROOT, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            try:
                client = Client(port)
                while True:
                    try:
                        if (await client.ask("GET", "/-/ready"))[0] == 200:
                            break
                    except ConnectionError:
                        assert serve.returncode is None
                    await asyncio.sleep(0.2)
                await scanned(client)
                named = [f"{registry}/{one.name}" for one in images]
                for image in named:  # what a gate is asked first it asks its registry
                    assert (await client.ask("POST", "/api/v1/check", question(image)))[0] == 200
                turns = []
                for _ in range(again):
                    scan = asyncio.create_task(scanned(client))
                    turns.append(told(*await loaded(port, named, scan), await scan))
                return {"hosts": hosts, "rates": RATES, "turns": turns}
            finally:
                serve.terminate()
                await serve.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", type=int)
    parser.add_argument("workloads", type=int)
    parser.add_argument("--again", type=int, default=3)
    parser.add_argument("--max-tag-age", default="0s", help="gate.max_tag_age; 0s asks the registry in each question")
    chosen = parser.parse_args()
    print(json.dumps(asyncio.run(main(chosen.hosts, chosen.workloads, chosen.again, chosen.max_tag_age))))
