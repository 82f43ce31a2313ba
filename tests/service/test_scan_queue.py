"""Requests for scans: shared, queued, refused, watched."""

from __future__ import annotations

import asyncio

import pytest

from scanner.service.scan_queue import QueueFullError, ScanQueue, State


class Work:
    """A scan that takes as long as the test wants."""

    def __init__(self):
        self.ran, self.go = [], asyncio.Event()

    async def __call__(self, ticket):
        self.ran.append(sorted(ticket.hosts))
        await self.go.wait()


@pytest.fixture
async def desk():
    work = Work()
    made = ScanQueue(work, max_waiting=2)
    made.work = work
    yield made
    await made.close()


def hosts(*names):
    return frozenset(names)


async def test_one_scan_runs_at_a_time_in_the_order_of_the_requests(desk):
    tickets = [desk.request(hosts(name)) for name in "abc"[:2]]
    desk.work.go.set()
    assert [(await desk.wait(ticket)).state for ticket in tickets] == [State.DONE, State.DONE]
    assert desk.work.ran == [["a"], ["b"]]


async def test_a_request_for_the_same_hosts_joins_the_running_scan(desk):
    first = desk.request(hosts("a", "b"))
    await asyncio.sleep(0)
    assert desk.request(hosts("b", "a")) is first
    assert desk.request(hosts("a")) is not first


async def test_a_full_line_refuses_and_says_when_to_come_back(desk):
    desk.request(hosts("a"))
    await asyncio.sleep(0)
    desk.request(hosts("b"))
    desk.request(hosts("c"))
    with pytest.raises(QueueFullError) as refused:
        desk.request(hosts("d"))
    assert refused.value.retry_after_s == 10


async def test_the_schedule_goes_to_the_front_even_of_a_full_line(desk):
    desk.request(hosts("a"))
    await asyncio.sleep(0)
    desk.request(hosts("b"))
    desk.request(hosts("c"))
    scheduled = desk.request(hosts("everything"), scheduled=True)
    desk.work.go.set()
    await desk.wait(scheduled)
    assert desk.work.ran[:2] == [["a"], ["everything"]]


async def test_the_schedule_takes_whom_it_joins_to_the_front(desk):
    desk.request(hosts("a"))
    await asyncio.sleep(0)
    desk.request(hosts("b"))
    waiting = desk.request(hosts("everything"))
    assert desk.request(hosts("everything"), scheduled=True) is waiting
    desk.work.go.set()
    await desk.wait(waiting)
    assert desk.work.ran[:2] == [["a"], ["everything"]]


async def test_a_scan_that_fails_says_why_and_the_next_one_runs():
    async def faulty(ticket):
        if "bad" in ticket.hosts:
            raise RuntimeError("no room")

    desk = ScanQueue(faulty)
    bad, good = desk.request(hosts("bad")), desk.request(hosts("good"))
    await desk.wait(good)
    assert (bad.state, bad.error, good.state) == (State.FAILED, "RuntimeError: no room", State.DONE)


async def test_closing_ends_the_running_scan_and_fails_those_who_wait(desk):
    running = desk.request(hosts("a"))
    await asyncio.sleep(0)
    waiting = desk.request(hosts("b"))
    await desk.close()
    assert (running.state, running.error) == (State.FAILED, "the scan was interrupted")
    assert (waiting.state, waiting.error) == (State.FAILED, "the service is stopping")


async def test_a_watcher_sees_every_step_until_the_end(desk):
    ticket = desk.request(hosts("a"))

    async def watch():
        return [str(state.state) async for state in desk.watch(ticket)]

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0)
    desk.work.go.set()
    assert await watcher == ["running", "done"]


async def test_a_watcher_that_is_slow_still_hears_of_the_end(desk):
    ticket, seen = desk.request(hosts("a")), []
    async for state in desk.watch(ticket):
        seen.append(str(state.state))
        desk.work.go.set()
        while not ticket.is_over:
            await asyncio.sleep(0)
    assert seen[-1] == "done"


async def test_only_the_last_hundred_tickets_are_remembered(desk):
    desk.work.go.set()
    tickets = []
    for number in range(105):
        tickets.append(desk.request(hosts(str(number))))
        await desk.wait(tickets[-1])
    desk.request(hosts("one more"))
    assert desk.find(tickets[0].id) is None
    assert desk.find(tickets[-1].id) is tickets[-1]
