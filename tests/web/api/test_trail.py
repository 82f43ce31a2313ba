import base64
import json

import pytest

from scanner.service.recording import Recording
from scanner.store.store import Store
from scanner.trail import checkpoint, merkle, proof
from scanner.trail.leaf import Entry, Event
from scanner.trail.note import Signer
from scanner.trail.trail import Trail
from tests.trail.consistency import consistent

NOW = 1_780_000_000.0


@pytest.fixture
async def trail(service, tmp_path):
    """A log of 300 entries behind the service."""
    store = await Store.open(f"sqlite:///{tmp_path}/s.db")
    made = Trail(store, Signer.made("log.example/a"), clock=lambda: NOW)
    await made.open()
    await made.append(*(Entry(Event.GATE_DECIDED, NOW, "ci", {"id": f"d{n}"}) for n in range(299)))
    await made.append(Entry(Event.GATE_DECIDED, NOW, "ci", {"id": "last"}))
    service.recording = Recording(made, lambda: NOW)
    yield made
    await store.close()


async def test_the_checkpoint_is_the_signed_head(client, trail):
    answer = await client.get("/checkpoint")
    head, _ = checkpoint.opened(answer.text, trail.verifier)
    assert (head.size, head.root) == (300, trail.head.root)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "max-age=1" in answer.headers["cache-control"]


async def test_tiles_are_static_and_lead_to_the_root(client, trail):
    frontier = merkle.Frontier()
    for path in ("000", "001.p/44"):
        answer = await client.get(f"/tile/0/{path}")
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "application/octet-stream"
        for at in range(0, len(answer.content), 32):
            frontier.append(answer.content[at : at + 32])
    assert frontier.root() == trail.head.root
    bundle = (await client.get("/tile/entries/001.p/44")).content
    length = int.from_bytes(bundle[:2])
    assert json.loads(bundle[2 : 2 + length])["about"] == {"id": "d256"}


@pytest.mark.parametrize("path", ["0/001", "0/002", "1/000", "0/1", "0/000.p/256", "x", "entries/002"])
async def test_what_is_no_tile_is_not_found(client, trail, path):
    answer = await client.get(f"/tile/{path}")
    assert answer.status_code == 404
    assert answer.json()["reason"] in {"tile_not_found", "not_found"}


async def test_an_entry_is_shown_with_a_file_that_proves_it(client, trail):
    shown = (await client.get("/api/v1/trail/entries/42")).json()
    assert (shown["index"], shown["about"], shown["event"]) == (42, {"id": "d42"}, "gate_decided")
    made = proof.parse((await client.get("/api/v1/trail/entries/42/proof")).text)
    assert made.verified(trail.verifier).size == 300
    assert (await client.get("/api/v1/trail/entries/300/proof")).json()["reason"] == "entry_not_found"
    assert (await client.get("/api/v1/trail/entries/300")).status_code == 404


async def test_entries_come_in_pieces(client, trail):
    last = (await client.get("/api/v1/trail/entries", params={"limit": 2})).json()
    assert [one["index"] for one in last["entries"]] == [298, 299]
    assert last["next"] is None
    piece = (await client.get("/api/v1/trail/entries", params={"start": 10, "limit": 3})).json()
    assert [one["index"] for one in piece["entries"]] == [10, 11, 12]
    assert piece["next"] == 13


async def test_two_sizes_are_proved_to_be_one_log(client, trail):
    answer = (await client.get("/api/v1/trail/consistency", params={"from": 299})).json()
    hashes = [base64.b64decode(one) for one in answer["hashes"]]
    frontier = merkle.Frontier()
    for at in await trail.leaves(0, 299):
        frontier.append(merkle.leaf_hash(at[1]))
    assert consistent(299, frontier.root(), 300, trail.head.root, hashes)
    for params in ({"from": 301}, {"from": 5, "to": 4}, {"from": 1, "to": 999}):
        assert (await client.get("/api/v1/trail/consistency", params=params)).status_code == 404


async def test_the_state_names_the_key(client, trail):
    state = (await client.get("/api/v1/trail")).json()
    assert (state["origin"], state["size"], state["failure"]) == ("log.example/a", 300, None)
    assert state["key"] == str(trail.verifier)


async def test_without_a_trail_there_is_nothing(client):
    for path in ("/checkpoint", "/tile/0/000", "/api/v1/trail", "/api/v1/trail/entries"):
        answer = await client.get(path)
        assert (answer.status_code, answer.json()["reason"]) == (404, "no_trail")


async def test_reading_needs_its_scope(as_):
    for path in ("/checkpoint", "/tile/0/000", "/api/v1/trail/entries/0/proof"):
        assert (await as_(None).get(path)).status_code == 401
        assert (await as_("gate").get(path)).status_code == 403


async def test_the_page_shows_entries_of_one_kind_or_host(client, trail):
    moved = [{"host": host, "platform": "linux/arm64", "before": "linux/amd64"} for host in ("web 1", "web-2")]
    await trail.append(*(Entry(Event.ARCHITECTURE_CHANGED, NOW, "schedule", about) for about in moved))
    page = (await client.get("/trail", params={"event": "architecture_changed", "host": "web 1"})).text
    assert [name for name in ("web 1 ·", "web-2 ·", "d298") if name in page] == ["web 1 ·"]
    assert "event=architecture_changed&amp;host=web+1&amp;before=" not in page, "there are none before"
    assert "host=web+1&amp;before=" not in (await client.get("/trail", params={"host": "web 1"})).text
    assert "web-2 ·" in (await client.get("/trail", params={"host": "web-2", "before": 302})).text
