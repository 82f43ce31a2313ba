"""Several stores over one PostgreSQL: one writes, whatever became of the one before it."""

import asyncio
import threading
import uuid

import pytest
from sqlalchemy import event

from scanner.store.database import Database
from scanner.store.error import StoreError
from scanner.store.lease import Instance, NotLeaderError, OversleptError, TakenOverError
from scanner.store.notify import Notices
from scanner.store.store import Store

pytestmark = pytest.mark.system

WAIT_S = 60.0


def member(name, lease_s=60.0):
    return Instance(name, f"https://{name}.example", lease_s)


async def led(store):
    """Wait until it leads; each attempt asks the database."""
    async with asyncio.timeout(WAIT_S):
        while not await store.lead():
            await asyncio.sleep(0.05)


@pytest.fixture
async def opened(postgres):
    """``opened(name)``: a member of this test's database."""
    name = f"lease_{uuid.uuid4().hex}"
    url, stores = postgres.database(name), []

    async def start(who="", lease_s=60.0):
        stores.append(await Store.open(url, member=member(who, lease_s) if who else None))
        return stores[-1]

    start.url, start.name = url, name
    yield start
    for store in stores:
        await store.close()


async def test_the_second_follows_reads_and_writes_nothing(opened, fleet):
    first, second = await opened("a"), await opened("b")
    assert (first.leads, second.leads) == (True, False)
    saved = await first.save(fleet.report())
    asked = []
    event.listen(second._database._engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    await second.recall()
    assert await second.load() == saved
    assert [query for query in asked if "documents" in query or "programs" in query] == []  # only a leader goes by them
    with pytest.raises(NotLeaderError, match="another archscan leads") as refused:
        await second.put_record("waiver", "w", {})
    assert not refused.value.fatal
    lease = await second.lease()
    assert (lease.epoch, lease.holder, lease.address) == (1, "a", "https://a.example")
    assert 0 < lease.left_s <= 60.0


async def test_a_reader_is_stopped_by_the_database_itself_when_it_writes(opened):
    store = await opened("a")
    with pytest.raises(StoreError, match="read-only"):
        await store._database.read(lambda connection: connection.exec_driver_sql("DELETE FROM records"))


async def test_whoever_led_before_writes_nothing_once_the_lease_was_taken(opened, fleet):
    first, second = await opened("a"), await opened("b")
    await first.save(fleet.report())
    await first._database.run(lambda connection: connection.exec_driver_sql("UPDATE lease SET until = 0"))
    assert await second.lead()
    with pytest.raises(TakenOverError, match=r"another archscan \(b\) took over"):
        await first.put_record("waiver", "w", {})
    with pytest.raises(TakenOverError):
        await first.save(fleet.report(at=200.0))
    assert await second.records("waiver") == {}
    assert len(await second.scans()) == 1
    assert (await second.lease()).epoch == 2


async def test_a_lease_that_is_renewed_is_not_taken(opened):
    first, second = await opened("a"), await opened("b")
    await first.renew()
    assert not await second.lead()
    assert (await second.lease()).left_s > 50.0


async def test_an_end_lets_the_next_one_lead_at_once(opened):
    first, second = await opened("a"), await opened("b")
    await first.close()
    assert await second.lead()


async def test_a_write_that_takes_longer_than_a_lease_keeps_it(opened, postgres):
    first, begun = await opened("a", 3.0), threading.Event()

    def slow(connection):
        begun.set()
        for _ in range(3):  # it talks to the database all the while, as a large report does
            connection.exec_driver_sql("SELECT pg_sleep(1.2)")
        connection.exec_driver_sql("INSERT INTO records VALUES ('k', 'slow', '{}', 1.0)")

    writing = asyncio.create_task(first._database.run(slow))
    await asyncio.to_thread(begun.wait)
    second = await opened("b", 1.0)  # of which it waits a third for a write that goes on
    while not writing.done():
        assert not await second.lead()
    await writing
    assert await second.records("k") == {"slow": {}}


async def test_a_leader_that_sleeps_within_a_write_keeps_nobody_waiting_and_writes_nothing(opened):
    first, begun, woken = await opened("a", 1.0), threading.Event(), threading.Event()

    def sleeping(connection):
        begun.set()
        connection.exec_driver_sql("INSERT INTO records VALUES ('k', 'asleep', '{}', 1.0)")
        woken.wait(WAIT_S)

    writing = asyncio.create_task(first._database.run(sleeping))
    await asyncio.to_thread(begun.wait)
    try:
        second = await opened("b")
        await led(second)
    finally:
        woken.set()
    with pytest.raises(OversleptError, match="another may lead now"):
        await writing
    with pytest.raises(StoreError):
        await first.put_record("k", "later", {})
    assert await second.records("k") == {}


async def test_whoever_wants_the_database_alone_waits_for_nobody_and_lets_nobody_in(opened):
    await opened("a")
    with pytest.raises(StoreError, match="in use by another archscan"):
        await opened()


async def test_nobody_joins_a_database_that_one_has_alone(opened):
    await opened()
    with pytest.raises(StoreError, match="in use by another archscan"):
        await opened("b")


async def test_one_follows_on_after_its_connection_broke(opened, postgres, fleet):
    first, second = await opened("a"), await opened("b")
    (pid,) = await second._database.read(lambda connection: connection.exec_driver_sql("SELECT pg_backend_pid()").one())
    postgres.execute(f"SELECT pg_terminate_backend({pid})")
    with pytest.raises(StoreError) as broken:
        await second.mark()
    assert not broken.value.fatal
    saved = await first.save(fleet.report())
    await second.recall()
    assert await second.load() == saved


async def test_a_change_is_heard_of_and_marked(opened, fleet):
    first, second = await opened("a"), await opened("b")
    notices, before = Notices(opened.url), await second.mark()
    assert not await notices.wait(0.1)
    waiting = asyncio.create_task(notices.wait(WAIT_S))
    await first.save(fleet.report())
    assert await waiting
    assert await second.mark() != before
    await notices.close()


async def test_notices_that_broke_off_are_listened_to_anew(opened, postgres):
    first, notices = await opened("a"), Notices(opened.url)
    assert not await notices.wait(0.1)
    postgres.execute(
        f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND datname = '{opened.name}'"
    )
    assert not await notices.wait(0.1)
    assert not await notices.wait(0.1)
    waiting = asyncio.create_task(notices.wait(WAIT_S))
    await first.put_record("k", "x", {})
    assert await waiting
    await notices.close()


async def test_two_that_start_at_once_have_one_leader(opened):
    both = await asyncio.gather(opened("a"), opened("b"))
    assert sorted(store.leads for store in both) == [False, True]


async def test_whoever_has_a_sqlite_leads(tmp_path):
    database = await Database.open(f"sqlite:///{tmp_path}/x.db", member("a"))
    assert database.leads
    assert await database.lease() is None
    assert await database.lead()
    await database.close()
