"""A store is the same one after it was copied to another database and back."""

import hashlib
import sqlite3

import pytest

from scanner.domain.verdict.reason import Reason
from scanner.store.error import StoreError
from scanner.store.store import Store
from scanner.store.transfer import transfer


async def filled(url, fleet):
    """A store with something in most tables."""
    store = await Store.open(url, clock=lambda: 300.0)
    await store.save(fleet.report())
    await store.save(
        fleet.report(findings=[fleet.finding(reason=Reason.TAG_GONE, detail="ü \x00 \U0001f600")], at=200.0)
    )
    for number in range(200):
        body = bytes([number]) * (number + 1)
        await store.put("sha256:" + hashlib.sha256(body).hexdigest(), body, "m")
    await store.put_record("waiver", "w", {"owner": "ops", "until": 1e9})
    await store.record(
        lambda rows: rows.append(0, [b"\x00\xff", b"b"], {(0, 0): b"h" * 64}, (2, "head ü")) or (lambda: None)
    )
    report = await store.load()
    await store.close()
    return report


async def contents(url):
    store = await Store.open(url, clock=lambda: 300.0)
    rows = await store.trail(lambda rows: [list(rows.leaves()), list(rows.tiles()), list(rows.checkpoints())])
    found = await store.load(), await store.scans(), await store.records("waiver"), rows
    await store.close()
    return found


@pytest.mark.system
async def test_a_store_that_went_to_postgresql_then_back_is_the_same(url, tmp_path, fleet, postgres):
    there, back = postgres.database("transferred"), f"sqlite:///{tmp_path}/back.db"
    report = await filled(url, fleet)
    before = await contents(url)
    done = await transfer(url, there)
    assert done.rows["documents"] == 200
    assert done.head == (2, "head ü")
    assert before == await contents(there)
    await transfer(there, back)
    assert before == await contents(back)
    assert before[0] == report


@pytest.mark.system
async def test_what_is_scanned_after_a_copy_goes_on_behind_the_highest_numbers(url, fleet, postgres):
    there = postgres.database("continued")
    await filled(url, fleet)
    await transfer(url, there)
    store = await Store.open(there, clock=lambda: 300.0)
    await store.save(fleet.report(findings=[fleet.finding(), fleet.finding(workload="new")], at=400.0))
    assert [scan["sequence"] for scan in await store.scans()] == [3, 2, 1]
    await store.close()


async def test_a_target_that_is_not_empty_is_left_as_it_is(url, tmp_path, fleet):
    other = f"sqlite:///{tmp_path}/other.db"
    await filled(url, fleet)
    store = await Store.open(other)
    await store.put_record("waiver", "x", {})
    await store.close()
    with pytest.raises(StoreError, match="is not empty"):
        await transfer(url, other)
    assert (await contents(other))[2] == {"x": {}}


async def test_another_program_s_database_is_no_target(url, tmp_path, fleet):
    await filled(url, fleet)
    with sqlite3.connect(tmp_path / "theirs.db") as theirs:
        theirs.execute("CREATE TABLE songs (name TEXT)")
    theirs.close()
    with pytest.raises(StoreError, match="is not empty"):
        await transfer(url, f"sqlite:///{tmp_path}/theirs.db")


@pytest.mark.system
async def test_a_postgresql_with_other_tables_is_no_target(url, fleet, postgres):
    theirs = postgres.database("theirs")
    postgres.execute("CREATE TABLE songs (name text)", "theirs")
    await filled(url, fleet)
    with pytest.raises(StoreError, match="is not empty"):
        await transfer(url, theirs)
    assert postgres.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", "theirs") == "1"


async def test_a_source_in_use_is_not_copied(url, tmp_path, fleet):
    await filled(url, fleet)
    store = await Store.open(url)
    with pytest.raises(StoreError, match="in use by another archscan"):
        await transfer(url, f"sqlite:///{tmp_path}/other.db")
    await store.close()
    assert not (tmp_path / "other.db").exists()


async def test_a_source_that_is_not_there_is_not_made(url, tmp_path):
    with pytest.raises(StoreError, match="never used"):
        await transfer(url, f"sqlite:///{tmp_path}/other.db")
    assert not list(tmp_path.iterdir())


async def test_a_store_is_not_copied_onto_itself(url, tmp_path, fleet):
    await filled(url, fleet)
    (tmp_path / "link.db").symlink_to("archscan.db")
    with pytest.raises(StoreError, match="name another"):
        await transfer(url, f"sqlite:///{tmp_path}/link.db")


@pytest.mark.parametrize("target", ["mysql://x/y", "nonsense"])
async def test_a_target_of_another_kind_is_refused(url, fleet, target):
    await filled(url, fleet)
    with pytest.raises(StoreError, match=r"^--to.*sqlite"):
        await transfer(url, target)


async def test_a_target_that_cannot_be_reached_is_said_in_one_line(url, fleet):
    await filled(url, fleet)
    with pytest.raises(StoreError, match=r"127\.0\.0\.1") as refused:
        await transfer(url, "postgresql+psycopg://u:secret@127.0.0.1:1/x?connect_timeout=1")
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_copy_that_breaks_off_leaves_an_empty_target(url, tmp_path, fleet, monkeypatch):
    other = f"sqlite:///{tmp_path}/other.db"
    await filled(url, fleet)

    def broken(*_):
        raise OSError("the disk went")

    with monkeypatch.context() as patch:
        patch.setattr("scanner.store.transfer._set_sequences", broken)
        with pytest.raises(StoreError, match="the disk went"):
            await transfer(url, other)
    assert (await transfer(url, other)).rows["documents"] == 200
