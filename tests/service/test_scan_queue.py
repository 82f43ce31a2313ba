"""Requests for scans: shared, queued, refused, watched."""

from __future__ import annotations

import asyncio

import pytest

from scanner.service.scan_queue import QueueFullError, ScanQueue, ScanState


class Work:
    """A scan that takes as long as the test wants."""

    def __init__(self):
        self.ran, self.go = [], asyncio.Event()

    async def __call__(self, request):
        self.ran.append(sorted(request.hosts))
        await self.go.wait()


@pytest.fixture
async def queue():
    work = Work()
    made = ScanQueue(work, max_waiting=2)
    made.work = work
    yield made
    await made.close()


def hosts(*names):
    return frozenset(names)


async def test_one_scan_runs_at_a_time_in_the_order_of_the_requests(queue):
    requests = [queue.request(hosts(name)) for name in "abc"[:2]]
    queue.work.go.set()
    assert [(await queue.wait(request)).state for request in requests] == [ScanState.DONE, ScanState.DONE]
    assert queue.work.ran == [["a"], ["b"]]


async def test_a_request_for_the_same_hosts_joins_the_running_scan(queue):
    first = queue.request(hosts("a", "b"))
    await asyncio.sleep(0)
    assert queue.request(hosts("b", "a")).id == first.id
    assert queue.request(hosts("a")).id != first.id


async def test_a_full_line_refuses_and_says_when_to_come_back(queue):
    queue.request(hosts("a"))
    await asyncio.sleep(0)
    queue.request(hosts("b"))
    queue.request(hosts("c"))
    with pytest.raises(QueueFullError) as refused:
        queue.request(hosts("d"))
    assert refused.value.retry_after_s == 10


async def test_the_schedule_goes_to_the_front_even_of_a_full_line(queue):
    queue.request(hosts("a"))
    await asyncio.sleep(0)
    queue.request(hosts("b"))
    queue.request(hosts("c"))
    scheduled = queue.request(hosts("everything"), scheduled=True)
    queue.work.go.set()
    await queue.wait(scheduled)
    assert queue.work.ran[:2] == [["a"], ["everything"]]


async def test_the_schedule_takes_whom_it_joins_to_the_front(queue):
    queue.request(hosts("a"))
    await asyncio.sleep(0)
    queue.request(hosts("b"))
    waiting = queue.request(hosts("everything"))
    assert queue.request(hosts("everything"), scheduled=True).id == waiting.id
    queue.work.go.set()
    await queue.wait(waiting)
    assert queue.work.ran[:2] == [["a"], ["everything"]]


async def test_a_scan_that_fails_says_why_and_the_next_one_runs():
    async def faulty(request):
        if "bad" in request.hosts:
            raise RuntimeError("no room")

    queue = ScanQueue(faulty)
    bad, good = queue.request(hosts("bad")), queue.request(hosts("good"))
    good = await queue.wait(good)
    bad = queue.find(bad.id)
    assert (bad.state, bad.detail, good.state) == (ScanState.FAILED, "RuntimeError: no room", ScanState.DONE)


async def test_closing_ends_the_running_scan_and_fails_those_who_wait(queue):
    running = queue.request(hosts("a"))
    await asyncio.sleep(0)
    waiting = queue.request(hosts("b"))
    await queue.close()
    running, waiting = queue.find(running.id), queue.find(waiting.id)
    assert (running.state, running.detail) == (ScanState.FAILED, "the scan was interrupted")
    assert (waiting.state, waiting.detail) == (ScanState.FAILED, "the service is stopping")


async def test_a_watcher_sees_every_step_until_the_end(queue):
    request = queue.request(hosts("a"))

    async def watch():
        return [str(state.state) async for state in queue.watch(request.id)]

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0)
    queue.work.go.set()
    assert await watcher == ["running", "done"]


async def test_a_watcher_that_is_slow_still_hears_of_the_end(queue):
    request, seen = queue.request(hosts("a")), []
    async for state in queue.watch(request.id):
        seen.append(str(state.state))
        queue.work.go.set()
        while not queue.find(request.id).state.ended:
            await asyncio.sleep(0)
    assert seen[-1] == "done"


async def test_only_the_last_hundred_requests_are_remembered(queue):
    queue.work.go.set()
    requests = []
    for number in range(105):
        requests.append(queue.request(hosts(str(number))))
        await queue.wait(requests[-1])
    queue.request(hosts("one more"))
    assert queue.find(requests[0].id) is None
    assert queue.find(requests[-1].id).state is ScanState.DONE
