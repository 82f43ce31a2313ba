"""What ``archscan db`` leaves behind: the same trail, under the same key."""

import asyncio
import shutil

import pytest

from scanner.app.store_operations import StoreOperations
from scanner.app.trail_operations import TrailOperations
from scanner.app.trail_wiring import running_trail
from scanner.errors import UsageError
from scanner.metrics.trail_metrics import TrailMetrics
from scanner.settings.schema import Settings
from scanner.store.store import Store
from scanner.trail.leaf import Entry, Event

NOTHING = {"log_key": None, "since": (), "prometheus": None, "window_s": 900.0, "witness_keys": ()}


def settings_of(url, **trail):
    return Settings.model_validate({"store": {"url": url}, "trail": trail})


async def decided(settings, count):
    store = await Store.open(settings.store.url.get_secret_value())
    async with running_trail(store, settings, TrailMetrics(), "0.1.0") as trail:
        for number in range(count):
            await trail.append(Entry(Event.GATE_DECIDED, 1.78e9, "ci", {"id": f"d{number}"}))
        assert trail.failure == ""
    await store.close()


async def migrated(settings, *target):
    return await asyncio.to_thread(lambda: list(StoreOperations(settings).migrate(*target)))


@pytest.mark.system
async def test_a_trail_is_verified_and_goes_on_after_it_went_to_postgresql_then_back(tmp_path, postgres):
    here = settings_of(f"sqlite:///{tmp_path}/s.db")
    await decided(here, 300)
    told = await migrated(here, postgres.database("migrated"), None)
    assert "trail\t302 entries, the same head" in told
    assert told[-1].endswith(f"set trail.key_file to {tmp_path}/s.db.key")
    there = settings_of(postgres.url("migrated"), key_file=str(tmp_path / "s.db.key"))
    assert TrailOperations(there).verify(**NOTHING).sound
    await decided(there, 1)
    (tmp_path / "url").write_text(f"sqlite:///{tmp_path}/back.db\n")
    (tmp_path / "url").chmod(0o600)
    await migrated(there, None, tmp_path / "url")
    shutil.copy(tmp_path / "s.db.key", tmp_path / "back.db.key")
    back = settings_of(f"sqlite:///{tmp_path}/back.db")
    await decided(back, 1)
    made = TrailOperations(back).verify(**NOTHING)
    assert (made.sound, made.verified.size) == (True, 308)
    assert list(TrailOperations(back).entries())[:302] == list(TrailOperations(here).entries())


@pytest.mark.parametrize("target", [(None, None), ("sqlite:///x", "file")])
def test_one_target_is_named(target):
    with pytest.raises(UsageError, match="--to"):
        StoreOperations(settings_of("sqlite:///s.db")).migrate(*target)


def test_without_a_store_there_is_nothing_to_copy():
    with pytest.raises(UsageError, match=r"store\.url"):
        StoreOperations(Settings()).migrate("sqlite:///x", None)
