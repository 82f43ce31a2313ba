from scanner.domain.verdict.reason import Status
from scanner.service.history import DAY_S, FRESH_S, History


async def scanned(environment, service, at):
    environment.now = at
    await service.scans.scheduled()


async def test_a_day_is_its_last_complete_scan(environment, store, service):
    begin = environment.now
    for offset in (0.0, 60.0, DAY_S):
        await scanned(environment, service, begin + offset)
    history = History(store, environment.clock)
    days = await history.days()
    assert [day.at for day in days] == [begin + 60.0, begin + DAY_S]
    assert days[-1].counts[Status.OK] == 0
    assert [scan.hosts for scan in await history.scans(2)] == [2, 2]


async def test_days_are_read_anew_only_when_they_can_have_changed(environment, store, service):
    history = History(store, environment.clock)
    assert await history.days() == ()
    await scanned(environment, service, environment.now)
    assert await history.days() == ()
    environment.now += FRESH_S
    assert len(await history.days()) == 1


async def test_a_store_that_cannot_be_read_leaves_the_history_empty(environment, store):
    history = History(store, environment.clock)
    await store.close()
    assert list(await history.scans(5)) == []
