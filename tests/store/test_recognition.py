"""What stands where the store is to be is looked at before a byte of it changes."""

import hashlib
import sqlite3

import pytest
import structlog

from scanner.store.error import StoreError
from scanner.store.recognition import Recognised, recognise
from scanner.store.store import Store


def database(path, *statements, journal="DELETE"):
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA journal_mode={journal}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()
    return path


def everything_in(folder):
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in folder.iterdir()}


@pytest.mark.parametrize(
    "statements",
    [
        ["CREATE TABLE urls (id INTEGER)"],
        ["CREATE TABLE scans (id INTEGER)"],
        ["CREATE TABLE alembic_version (version_num TEXT)", "INSERT INTO alembic_version VALUES ('abc')"],
        ["PRAGMA user_version=7", "PRAGMA application_id=42", "CREATE TABLE t (x)"],
    ],
)
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
async def test_another_program_s_database_is_refused_without_a_byte_changed(tmp_path, url, statements, journal):
    database(tmp_path / "archscan.db", *statements, journal=journal)
    before = everything_in(tmp_path)
    with pytest.raises(StoreError, match="is another program's database: it is left as it is"):
        await Store.open(url)
    assert everything_in(tmp_path) == before


async def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path, url):
    (tmp_path / "archscan.db").write_bytes(b"dear diary\n" * 500)
    before = (tmp_path / "archscan.db").read_bytes()
    with pytest.raises(StoreError, match="not a database"):
        await Store.open(url)
    assert (tmp_path / "archscan.db").read_bytes() == before


async def test_an_empty_file_is_used_and_said_to_have_been_empty(tmp_path, url):
    (tmp_path / "archscan.db").touch()
    with structlog.testing.capture_logs() as logged:
        store = await Store.open(url)
    await store.close()
    assert [line["event"] for line in logged] == ["store_was_empty"]
    with structlog.testing.capture_logs() as logged:
        await (await Store.open(url)).close()
    assert logged == []


async def test_a_new_store_and_our_own_are_nothing_to_speak_of(tmp_path, url):
    path = tmp_path / "archscan.db"
    assert recognise(path) is Recognised.MISSING
    with structlog.testing.capture_logs() as logged:
        store = await Store.open(url)
        assert recognise(path) is Recognised.PASSABLE
        await store.close()
    assert recognise(path) is Recognised.PASSABLE
    assert logged == []


def test_a_database_without_tables_may_be_ours(tmp_path):
    assert recognise(database(tmp_path / "x", "PRAGMA user_version=1")) is Recognised.PASSABLE
    assert recognise(tmp_path) is Recognised.PASSABLE
