import asyncio

import pytest

from scanner.web.scans import MAX_REMEMBERED, MAX_WAITING, ScanQueue
from scanner.web.service import Refusal, ScanState


class Runs:
    """Scans that end when told to."""

    def __init__(self):
        self.begun, self.free, self.failing = [], asyncio.Semaphore(0), False

    async def __call__(self, hosts, progress):
        self.begun.append(hosts)
        progress(1, 2)
        await self.free.acquire()
        if self.failing:
            raise RuntimeError("no route")


@pytest.fixture
async def runs():
    return Runs()


@pytest.fixture
async def queue(runs):
    made = ScanQueue(runs, clock=lambda: 5.0)
    yield made
    await made.close()


async def last(queue, ticket):
    return [seen async for seen in queue.events(ticket.id)][-1]


async def test_scans_run_one_after_the_other(queue, runs):
    tickets = [queue.request((f"h{n}",), "me") for n in range(3)]
    for ticket in tickets:
        runs.free.release()
        ended = await asyncio.wait_for(last(queue, ticket), 5)
        assert (ended.state, ended.done, ended.total) == (ScanState.DONE, 1, 2)
    assert runs.begun == [("h0",), ("h1",), ("h2",)]


async def test_the_same_hosts_in_any_order_are_one_scan(queue, runs):
    first = queue.request(("b", "a"), "me")
    await asyncio.sleep(0)
    again = queue.request(("a", "b"), "you")
    assert (again.id, again.joined, first.joined) == (first.id, True, False)
    other = queue.request(("a",), "you")
    assert other.id != first.id
    assert queue.request(("a",), "you").id == other.id


async def test_more_than_can_wait_are_refused_until_there_is_room(queue, runs):
    running = queue.request(("x",), "me")
    while not runs.begun:
        await asyncio.sleep(0)
    waiting = [queue.request((f"h{n}",), "me") for n in range(MAX_WAITING)]
    assert all(ticket.state is ScanState.WAITING for ticket in waiting)
    refused = queue.request(("y",), "me")
    assert isinstance(refused, Refusal)
    assert refused.retry_after_s
    runs.free.release()
    await asyncio.wait_for(last(queue, running), 5)
    while len(runs.begun) < 2:
        await asyncio.sleep(0)
    assert not isinstance(queue.request(("y",), "me"), Refusal)


async def test_a_scan_that_fails_says_so_and_the_next_one_runs(queue, runs):
    runs.failing = True
    first, second = queue.request(("a",), "me"), queue.request(("b",), "me")
    runs.free.release()
    assert (await asyncio.wait_for(last(queue, first), 5)).detail == "RuntimeError: no route"
    runs.failing = False
    runs.free.release()
    assert (await asyncio.wait_for(last(queue, second), 5)).state is ScanState.DONE


async def test_closing_ends_every_ticket(queue, runs):
    tickets = [queue.request((f"h{n}",), "me") for n in range(3)]
    following = [asyncio.create_task(last(queue, ticket)) for ticket in tickets]
    await asyncio.sleep(0)
    await queue.close()
    ended = await asyncio.wait_for(asyncio.gather(*following), 5)
    assert {ticket.state for ticket in ended} == {ScanState.FAILED}
    assert isinstance(queue.request(("z",), "me"), Refusal)


async def test_old_tickets_are_forgotten_and_running_ones_never(queue, runs):
    first = queue.request(("first",), "me")
    runs.free.release()
    await asyncio.wait_for(last(queue, first), 5)
    for n in range(MAX_REMEMBERED + 5):
        ticket = queue.request((f"h{n}",), "me")
        runs.free.release()
        await asyncio.wait_for(last(queue, ticket), 5)
    assert queue.ticket(first.id) is None
    assert [seen async for seen in queue.events(first.id)] == []
    assert queue.ticket(ticket.id) is not None
