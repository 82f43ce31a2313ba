"""The trail of a service from its first start on, then what its commands make of it."""

import asyncio
import contextlib
import json
import shutil
import socket
import sqlite3
import stat
import threading

import pytest

from scanner import ending
from scanner.app.trail_operations import TrailOperations
from scanner.app.trail_wiring import check_trail, running_trail, trail_of_service
from scanner.errors import UsageError
from scanner.metrics.trail_metrics import TrailMetrics
from scanner.settings.problem import SettingsError
from scanner.settings.schema import Settings
from scanner.store.lease import Instance
from scanner.store.store import Store
from scanner.trail import key, leaf
from scanner.trail.cosignature import verifier_of
from scanner.trail.leaf import Entry, Event
from scanner.trail.note import NoteError, Signer
from scanner.trail.tampering import Tampering

NOTHING = {"log_key": None, "since": (), "prometheus": None, "window_s": 900.0, "witness_keys": ()}


def settings_of(folder, **trail):
    return Settings.model_validate({"store": {"url": f"sqlite:///{folder}/s.db"}, "trail": trail})


async def served(settings, *ids, metrics=None):
    """A service that starts, decides, stops."""
    store = await Store.open(settings.store.url.get_secret_value())
    async with running_trail(store, settings, metrics or TrailMetrics(), "0.1.0") as trail:
        for one in ids:
            await trail.append(Entry(Event.GATE_DECIDED, 1.78e9, "ci", {"id": one}))
        failure = trail.failure
    await store.close()
    return failure


def kinds(settings, **more):
    return [one.kind for one in TrailOperations(settings).verify(**NOTHING | more).found]


async def test_a_first_start_makes_a_key_and_a_stop_leaves_nothing_unsigned(tmp_path):
    settings = settings_of(tmp_path, origin="fleet.example/a")
    assert await served(settings, "d1") == ""
    assert stat.S_IMODE((tmp_path / "s.db.key").stat().st_mode) == 0o600
    assert await served(settings, "d2") == ""
    events = [leaf.decode(body).event for _, body in TrailOperations(settings).entries()]
    assert events == ["service_started", "gate_decided", "service_stopped"] * 2
    for last, expected in ((1, [4]), (9, [1, 4])):
        assert [at for at, _ in TrailOperations(settings).entries(last, "gate_decided")] == expected, last
    assert kinds(settings) == []
    assert not (tmp_path / "s.db-wal").exists(), "at rest a store is one file"


WITHOUT_KEY = "CREATE TABLE kept AS SELECT * FROM {0}; DROP TABLE {0}; CREATE TABLE {0} AS SELECT * FROM kept;"
AGAIN = WITHOUT_KEY + "INSERT INTO {0} SELECT * FROM kept"
OF_SQLITE = {
    "UPDATE trail_tiles SET hashes = hashes || x'00' WHERE level = 0": Tampering.TILE_EDITED,
    "UPDATE trail_tiles SET hashes = 5 WHERE level = 0": Tampering.TILE_EDITED,
    "UPDATE trail_leaves SET body = x'ff' || body WHERE position = 1": Tampering.LEAF_EDITED,
    "UPDATE trail_checkpoints SET note = CAST(x'ff' || note AS TEXT) WHERE size = 2": Tampering.CHECKPOINT_EDITED,
    "UPDATE trail_checkpoints SET size = 'x' WHERE size = 2": Tampering.CHECKPOINT_EDITED,
    AGAIN.format("trail_leaves"): Tampering.LEAF_INSERTED,
    AGAIN.format("trail_tiles"): Tampering.TILE_EXTRA,
    AGAIN.format("trail_tiles").replace(
        "INSERT", "UPDATE trail_tiles SET hashes = zeroblob(32); INSERT"
    ): Tampering.TILE_EXTRA,
    AGAIN.format("trail_checkpoints"): Tampering.CHECKPOINT_EXTRA,
}
"""SQLite keeps whatever type is put into a column: ``||`` of two blobs is a text, of bytes that are none.
A table that was made anew without its primary key takes a row twice."""


async def test_what_only_sqlite_lets_a_thief_write_is_named_too(tmp_path):
    settings = settings_of(tmp_path)
    await served(settings, "d1")
    whole = (tmp_path / "s.db").read_bytes()
    for statement, expected in OF_SQLITE.items():
        (tmp_path / "s.db").write_bytes(whole)
        with contextlib.closing(sqlite3.connect(tmp_path / "s.db")) as thief, thief:
            thief.executescript(statement)
        assert expected in kinds(settings), statement


async def test_the_commands_read_while_the_service_runs(tmp_path):
    settings = settings_of(tmp_path)
    store = await Store.open(settings.store.url.get_secret_value())
    async with running_trail(store, settings, TrailMetrics(), "0.1.0") as trail:
        await trail.append(Entry(Event.GATE_DECIDED, 1.78e9, "ci", {"id": "d1"}))
        assert kinds(settings) == []
        assert TrailOperations(settings).checkpoint() == trail.head.note
    await store.close()


async def test_a_proof_by_id_holds_without_the_store(tmp_path):
    settings = settings_of(tmp_path)
    await served(settings, "d1", "d2")
    operations = TrailOperations(settings)
    file = tmp_path / "d2.tlog-proof"
    file.write_text(operations.prove("d2"))
    public = str(key.read(tmp_path / "s.db.key").verifier)
    (tmp_path / "public").write_text(public + "\n")
    for given in (public, str(tmp_path / "public")):
        head, entry = TrailOperations(Settings()).verify_proof(file, given, ())
        assert (head.size, entry.about) == (4, {"id": "d2"})
    with pytest.raises(NoteError, match="has not cosigned"):
        operations.verify_proof(file, None, [str(verifier_of(Signer.made("w.example")))])
    with pytest.raises(UsageError, match="no entry d3"):
        operations.prove("d3")


async def test_an_older_copy_is_found_by_a_checkpoint_that_was_kept(tmp_path):
    settings = settings_of(tmp_path)
    await served(settings, "d1")
    shutil.copy(tmp_path / "s.db", tmp_path / "old.db")
    await served(settings, "d2")
    kept = tmp_path / "kept"
    kept.write_text(TrailOperations(settings).checkpoint())
    assert kinds(settings, since=[kept]) == []
    shutil.copy(tmp_path / "old.db", tmp_path / "s.db")
    assert kinds(settings) == []
    assert kinds(settings, since=[kept]) == [Tampering.ROLLED_BACK]
    await served(settings, "d3", "d4", "d5")
    assert kinds(settings, since=[kept]) == [Tampering.REWRITTEN]


async def test_another_log_and_an_emptied_one_are_named(tmp_path):
    settings = settings_of(tmp_path)
    await served(settings, "d1")
    other = tmp_path / "other"
    other.mkdir()
    await served(settings_of(other), "d1")
    shutil.copy(other / "s.db", tmp_path / "s.db")
    assert set(kinds(settings)) == {Tampering.ANOTHER_LOG, Tampering.LEAVES_UNSIGNED, Tampering.TILE_EXTRA}
    await (await Store.open(f"sqlite:///{tmp_path}/empty.db")).close()
    shutil.copy(tmp_path / "empty.db", tmp_path / "s.db")
    assert kinds(settings) == [Tampering.EMPTIED]


async def test_another_key_in_the_place_of_its_own_is_named(tmp_path):
    settings = settings_of(tmp_path, origin="fleet.example/a")
    await served(settings, "d1")
    (tmp_path / "s.db.key").unlink()
    key.make(tmp_path / "s.db.key", "fleet.example/a")
    assert Tampering.ANOTHER_LOG in kinds(settings)
    assert "not signed by" in await served(settings)


async def test_a_log_whose_newest_pages_were_taken_away_is_found_by_a_checkpoint_that_was_kept(tmp_path):
    settings, torn, kept = settings_of(tmp_path), tmp_path / "torn", tmp_path / "kept"
    await served(settings, "d1")
    store = await Store.open(settings.store.url.get_secret_value())
    async with running_trail(store, settings, TrailMetrics(), "0.1.0") as trail:
        await trail.append(Entry(Event.GATE_DECIDED, 1.78e9, "ci", {"id": "d2"}))
        kept.write_text(trail.head.note)
        shutil.copytree(tmp_path, torn)  # as the machine would be found that lost its power now
    await store.close()
    assert (torn / "s.db-wal").stat().st_size
    whole = kinds(settings_of(torn), since=[kept])
    for left in torn.glob("s.db-*"):
        left.unlink()
    assert (whole, kinds(settings_of(torn), since=[kept])) == ([], [Tampering.ROLLED_BACK])


async def test_a_key_that_is_gone_or_open_fails_the_trail_not_the_service(tmp_path):
    settings, metrics = settings_of(tmp_path), TrailMetrics()
    await served(settings, "d1")
    path = tmp_path / "s.db.key"
    secret = path.read_text()
    path.unlink()
    assert "is gone, although the trail has entries" in await served(settings, metrics=metrics)
    assert metrics.failing
    with pytest.raises(UsageError, match="--key"):
        TrailOperations(settings).verify(**NOTHING)
    path.write_text(secret)
    path.chmod(0o604)
    assert "others may read it" in await served(settings)
    path.chmod(0o600)
    assert await served(settings) == ""
    assert kinds(settings) == []


async def test_a_trail_that_is_not_wanted_is_not_there(tmp_path):
    for settings in (settings_of(tmp_path, enabled=False), Settings()):
        store = await Store.open("sqlite://")
        async with running_trail(store, settings, TrailMetrics(), "0.1.0") as trail:
            assert trail is None
        await store.close()
    assert [path.name for path in tmp_path.iterdir()] == []
    with pytest.raises(UsageError, match="needs a store"):
        TrailOperations(Settings()).checkpoint()


@pytest.mark.parametrize("state_directory", [True, False])
async def test_postgresql_keeps_its_key_in_the_service_s_folder(tmp_path, postgres, monkeypatch, state_directory):
    name = f"trail_{int(state_directory)}"
    postgres.execute(f"CREATE DATABASE {name}")
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    if state_directory:
        monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    settings = Settings.model_validate({"store": {"url": postgres.url(name)}})
    store = await Store.open(postgres.url(name))
    async with running_trail(store, settings, TrailMetrics(), "0.1.0") as trail:
        assert (trail is not None) is state_directory
        if state_directory:
            await trail.append(Entry(Event.GATE_DECIDED, 1.78e9, "ci", {"id": "d1"}))
            assert kinds(settings) == []
    await store.close()
    assert (tmp_path / "trail.key").exists() is state_directory


@pytest.mark.parametrize("wrong", ["hello", str(Signer.made("log.example").verifier)], ids=["no key", "a log's key"])
def test_a_witness_needs_a_witness_s_key(tmp_path, wrong):
    settings = settings_of(tmp_path, witnesses=({"url": "https://w.example", "key": wrong},))
    with pytest.raises(SettingsError, match=r"trail\.witnesses\[0\]\.key"):
        check_trail(settings)


def test_a_witness_is_looked_up_where_a_silent_name_server_keeps_no_interrupt_waiting(tmp_path, monkeypatch):
    witness, looked_up_in = str(verifier_of(Signer.made("w.example"))), []
    settings = settings_of(tmp_path, witnesses=({"url": "https://w.example", "key": witness},))
    asyncio.run(served(settings_of(tmp_path), "d1"))

    def unknown(*_, **__):
        looked_up_in.append(threading.current_thread().name)
        raise socket.gaierror(socket.EAI_AGAIN, "no answer")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    TrailOperations(settings).verify(**NOTHING | {"witness_keys": (witness,)})
    assert [name.startswith(ending.UNAWAITED) for name in looked_up_in] == [True]


async def test_an_export_is_the_leaves_themselves(tmp_path):
    settings = settings_of(tmp_path)
    await served(settings, "d1")
    with TrailOperations(settings).exported() as (head, bodies):
        lines = list(bodies)
    assert (head, len(lines)) == (TrailOperations(settings).checkpoint(), 3)
    assert all(leaf.canonical(json.loads(line)) == line for line in lines)
    assert [index for index, _ in TrailOperations(settings).entries(2)] == [1, 2]


@pytest.mark.system
async def test_one_who_follows_makes_no_key_and_tells_nothing_until_it_leads(tmp_path, postgres):
    url, path = postgres.database("followed_trail"), tmp_path / "trail.key"
    settings = Settings.model_validate({"store": {"url": url}, "trail": {"key_file": str(path)}})
    first, second = [await Store.open(url, member=Instance(name, "", 600.0)) for name in ("a", "b")]
    following = trail_of_service(second, settings, TrailMetrics(), "0.1.0")
    await following.open()
    assert "bring the leader's key" in following.trail.failure
    assert not path.exists()
    async with running_trail(first, settings, TrailMetrics(), "0.1.0") as trail:
        await following.open()
        await trail.append(Entry(Event.GATE_DECIDED, 1.78e9, "ci", {"id": "d1"}))
        await following.trail.follow()
        assert (following.trail.failure, following.trail.head) == ("", trail.head)
    await first.close()
    assert await second.lead()
    await following.open()
    await following.begin()
    await following.end()
    await second.close()
    entries = [leaf.decode(body) for _, body in TrailOperations(settings).entries()]
    assert [one.event for one in entries] == [
        "service_started", "gate_decided", "service_stopped", "service_started", "service_stopped",
    ]  # fmt: skip
    leading = [(one.about["epoch"], one.about["holder"]) for one in entries if one.event == "service_started"]
    assert leading == [(leading[0][0], "a"), (leading[0][0] + 1, "b")]
    assert kinds(settings) == []
