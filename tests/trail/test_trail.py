import asyncio
import stat

import pytest

from scanner.store.error import StoreError
from scanner.store.store import Store
from scanner.trail import key, leaf, tiles
from scanner.trail.key import KeyFileError
from scanner.trail.leaf import Event
from scanner.trail.log import TrailError
from scanner.trail.note import Signer
from scanner.trail.trail import Trail
from scanner.trail.verify import verify

NOW = 1_780_000_000.0


async def verified(store, trail):
    return await store.trail(lambda rows: verify(rows, trail.verifier))


async def test_a_log_that_grew_over_restarts_is_sound(store, trail, signer, filled):
    await filled(trail, 40)
    again = Trail(store, signer)
    await again.open()
    assert again.head == trail.head
    await filled(again, 300)
    found = await verified(store, again)
    assert (found.size, found.found) == (340, [])
    assert found.root == again.head.root


async def test_who_appends_at_the_same_time_shares_a_transaction(trail, made_entry):
    first = await asyncio.gather(*(trail.append(made_entry(n), made_entry(n)) for n in range(50)))
    assert sorted(first) == list(range(0, 100, 2))
    assert trail.head.size == 100
    afters = {leaf.decode(body).after for _, body in await trail.leaves(0, 100)}
    assert len(afters) <= 3


async def test_an_entry_is_proved_under_the_newest_head(trail, filled):
    await filled(trail, 20)
    proof = await trail.prove(7)
    assert proof.verified(trail.verifier).size == 20
    assert leaf.decode(proof.entry).about["number"] == 7
    assert await trail.prove(20) is None


async def test_tiles_are_there_for_every_width_that_was_ever_signed(trail, filled):
    await filled(trail, 300)
    whole = await trail.tile(tiles.TilePath(0, 1, 44))
    assert len(whole) == 44 * 32
    assert (await trail.tile(tiles.TilePath(0, 1, 3))) == whole[:96]
    assert await trail.tile(tiles.TilePath(0, 1, 45)) is None
    assert await trail.tile(tiles.TilePath(0, 1)) is None
    bundle = await trail.tile(tiles.TilePath(None, 0))
    bodies = [body for _, body in await trail.leaves(0, 256)]
    assert bundle == tiles.bundle(bodies)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM trail_leaves WHERE position = 5",
        "DELETE FROM trail_leaves WHERE position = 9",
        "DELETE FROM trail_checkpoints WHERE size = 10",
        "DELETE FROM trail_tiles",
        "UPDATE trail_tiles SET hashes = x'00'",
        "UPDATE trail_checkpoints SET note = 'x'",
    ],
)
async def test_a_log_that_was_changed_is_not_continued(store, trail, signer, filled, made_entry, statement):
    await filled(trail, 10)
    from sqlalchemy import text  # noqa: PLC0415 -- only the thief needs it

    await store._database.run(lambda connection: connection.execute(text(statement)))
    again = Trail(store, signer)
    await again.open()
    assert "archscan trail verify" in again.failure
    assert again.record(made_entry()) is None
    with pytest.raises(TrailError, match="archscan trail verify"):
        await again.append(made_entry())


async def test_a_log_that_somebody_else_wrote_to_is_not_continued(store, trail, signer, filled, made_entry):
    await filled(trail, 3)
    other = Trail(store, signer)
    await other.open()
    await filled(other, 1)
    with pytest.raises(TrailError, match="somebody else"):
        await trail.append(made_entry())


async def test_a_key_of_another_log_continues_nothing(store, trail, filled):
    await filled(trail, 3)
    again = Trail(store, Signer.made("other.example"))
    await again.open()
    assert "not signed by other.example" in again.failure


async def test_what_could_not_be_written_is_told_once_it_can_be(store, trail, signer, made_entry, monkeypatch):
    await trail.append(made_entry())
    good = store.record

    async def full(_record):
        raise StoreError("disk full", fatal=False)

    monkeypatch.setattr(store, "record", full)
    for _ in range(2):
        with pytest.raises(TrailError, match="disk full"):
            await trail.append(made_entry())
    assert trail.failure == "disk full"
    monkeypatch.setattr(store, "record", good)
    assert await trail.append(made_entry(9)) == 2
    assert trail.failure == ""
    resumed, last = (leaf.decode(body) for _, body in await trail.leaves(1, 2))
    assert (resumed.event, resumed.about["missed"], last.about["number"]) == (Event.TRAIL_RESUMED, 2, 9)
    assert (await verified(store, trail)).found == []


async def test_a_trail_without_a_key_refuses_everything(store, made_entry):
    trail = Trail(store, None, failure="the key is gone")
    await trail.open()
    with pytest.raises(TrailError, match="the key is gone"):
        await trail.append(made_entry())
    assert trail.record(made_entry()) is None
    assert trail.record_scan("ci", "") is None


# ---------------------------------------------------------------- the key


def test_a_key_is_made_once_for_its_owner_only(tmp_path):
    path = tmp_path / "store.db.key"
    assert key.read(path) is None
    made = key.make(path)
    assert key.read(path) == made
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(KeyFileError, match="cannot be written: File exists"):
        key.make(path)


def test_a_key_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "key"
    key.make(path, "log.example")
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match="others may read it"):
        key.read(path)


@pytest.mark.parametrize("text", ["hello", "PRIVATE+KEY+a+00000000+AAAA"])
def test_what_is_no_key_is_named_by_its_path_without_its_text(tmp_path, text):
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(text)
    with pytest.raises(KeyFileError, match=str(path)) as refused:
        key.read(path)
    assert text not in str(refused.value)


# ---------------------------------------------------------------- the store


async def test_a_scan_and_its_entries_are_one_transaction(store, trail, monkeypatch):
    from tests.store.conftest import Fleet  # noqa: PLC0415 -- made for the store's own tests

    fleet = Fleet()
    saved = await store.save(fleet.report(), trail.record_scan("schedule", "sha256:0"))
    events = [leaf.decode(body).event for _, body in await trail.leaves(0, 10)]
    assert events == ["finding_opened", "scan_finished"]
    monkeypatch.setattr(leaf, "encode", lambda *_: (_ for _ in ()).throw(ValueError("cannot")))
    with pytest.raises(TrailError, match="cannot"):
        await store.save(fleet.report(findings=[], at=200.0), trail.record_scan("schedule", "sha256:0"))
    assert (await store.load()) == saved
    assert len(await store.scans()) == 1


async def test_retention_never_prunes_the_trail(tmp_path, signer, filled):
    from tests.store.conftest import Fleet  # noqa: PLC0415 -- as above

    now = [NOW]
    store = await Store.open(f"sqlite:///{tmp_path}/s.db", keep_s=10, clock=lambda: now[0])
    trail = Trail(store, signer)
    await trail.open()
    await filled(trail, 5)
    for _ in range(3):
        now[0] += 86400
        await store.save(Fleet().report(at=now[0]), trail.record_scan("schedule", "sha256:0"))
    assert (await verified(store, trail)).found == []
    assert trail.head.size >= 8
    await store.close()
