"""What becomes of readings when workers come, go, fall silent or talk nonsense; the workers are made up."""

import asyncio

import pytest

from scanner.cluster import cluster as cluster_module
from scanner.cluster import wire
from scanner.cluster.cluster import MAX_LOST, Cluster, Patience
from scanner.cluster.exchange import Exchanges
from scanner.cluster.host_reading import SentReading
from scanner.cluster.lane import MalformedReplyError, parsed
from scanner.cluster.link import ConnectedWorker, LinkError
from scanner.cluster.worker import EXCHANGE, REFUSE
from scanner.cluster.worker_choice import version_resource, zone_resource
from scanner.domain.host import Host

VERSION = "1"


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(cluster_module, "LOOK_EVERY_S", 0.02)


def offers(*zones, version=VERSION):
    return frozenset({version_resource(version), *map(zone_resource, zones or ("",))})


class Worker:
    def __init__(self, *zones, version=VERSION, answer=None, is_silent=False):
        self.offers = offers(*zones, version=version)
        self.read_hosts, self.refused = [], []
        self.is_silent, self.answer = is_silent, answer
        self.exchanges = Exchanges(self.read)

    async def read(self, host, known):
        self.read_hosts.append(host.name)
        return SentReading(b"digest", 1, f"facts of {host.name}")

    async def asked(self, message):
        op, said = message["op"], {key: value for key, value in message.items() if key != "op"}
        if self.is_silent:
            await asyncio.Event().wait()
        if op == REFUSE:
            return self.refused.append(said["version"])
        assert op == EXCHANGE
        return await self.exchanges.exchange(**said) if self.answer is None else self.answer


class Link:
    """A scheduler with workers by address; those in ``broken`` cannot be asked."""

    def __init__(self, **workers):
        self.workers, self.broken, self.is_down = workers, set(), False
        self.asked = []

    async def open(self):
        pass

    async def members(self):
        if self.is_down:
            raise LinkError("the scheduler tls://s:1 cannot be asked: refused")
        return {name: ConnectedWorker(name, worker.offers) for name, worker in self.workers.items()}

    async def ask(self, worker, message):
        self.asked.append(worker)
        if worker in self.broken or worker not in self.workers:
            raise LinkError(f"{worker} cannot be asked")
        return await self.workers[worker].asked(message)

    async def close(self):
        for worker in self.workers.values():
            await worker.exchanges.close()


class Watcher:
    def __init__(self):
        self.lost, self.seen = [], []

    def workers(self, at_work, refused):
        self.seen.append((at_work, refused))

    def worker_lost(self, readings):
        self.lost.append(readings)

    def host_told(self):
        pass


def host(name, zone=""):
    return Host(name, "10.0.0.1", labels={"zone": zone} if zone else {})


HOSTS = [host(f"h{number}") for number in range(40)]


async def read(link, hosts=HOSTS, patience=None, watcher=None):
    cluster = Cluster(link, VERSION, patience or Patience(0.2, 5.0), watcher)
    try:
        return await asyncio.gather(*(cluster.read(one, b"") for one in hosts))
    finally:
        await cluster.close()


def are_read(told, hosts=HOSTS):
    assert [one.facts for one in told] == [f"facts of {one.name}" for one in hosts]


async def test_every_host_is_read_once_by_the_workers_together():
    one, other = Worker(), Worker()
    are_read(await read(Link(a=one, b=other)))
    assert sorted(one.read_hosts + other.read_hosts) == sorted(each.name for each in HOSTS)
    assert one.read_hosts
    assert other.read_hosts


async def test_a_host_is_read_by_the_worker_that_read_it_before():
    link = Link(a=Worker(), b=Worker(), c=Worker())
    cluster = Cluster(link, VERSION)
    for _ in range(2):
        await asyncio.gather(*(cluster.read(one, b"") for one in HOSTS))
    await cluster.close()
    for worker in link.workers.values():
        assert {worker.read_hosts.count(name) for name in worker.read_hosts} == {2}


async def test_a_zones_hosts_are_read_by_its_workers_alone():
    inside, outside, both = Worker("dmz"), Worker(), Worker("dmz", "lab")
    hosts = [*(host(f"d{n}", "dmz") for n in range(20)), *HOSTS, host("l", "lab")]
    are_read(await read(Link(a=inside, b=outside, c=both), hosts), hosts)
    assert set(outside.read_hosts) == {one.name for one in HOSTS}
    assert set(inside.read_hosts) | set(both.read_hosts) == {one.name for one in hosts} - set(outside.read_hosts)
    assert "l" in both.read_hosts


async def test_a_zone_without_a_worker_costs_its_own_hosts_alone():
    hosts = [host("lost", "mars"), *HOSTS]
    lost, *rest = await read(Link(a=Worker()), hosts)
    are_read(rest)
    assert (lost.reason, lost.detail) == (
        "host_no_worker",
        "no worker reads hosts of the zone mars: one worker is there",
    )


async def test_a_worker_that_cannot_be_asked_any_more_loses_nothing():
    link, watcher = Link(a=Worker(), b=Worker()), Watcher()
    link.broken = {"a"}
    are_read(await read(link, watcher=watcher))
    assert watcher.lost
    assert sum(watcher.lost) < len(HOSTS)


async def test_a_worker_that_its_scheduler_has_no_more_loses_nothing():
    link, watcher = Link(a=Worker(is_silent=True), b=Worker()), Watcher()

    async def leave():
        while "a" not in link.asked:
            await asyncio.sleep(0.01)
        del link.workers["a"]

    told, _ = await asyncio.gather(read(link, patience=Patience(5.0, 60.0), watcher=watcher), leave())
    are_read(told)
    assert len(watcher.lost) == 1


async def test_a_worker_that_falls_silent_loses_nothing():
    watcher = Watcher()
    are_read(await read(Link(a=Worker(is_silent=True), b=Worker()), patience=Patience(5.0, 2.0), watcher=watcher))
    assert len(watcher.lost) == 1


@pytest.mark.parametrize("answer", [5, "told", [1], [(1, b"", None, "")], [("1", b"", None, "", "")], {"a": 1}])
async def test_a_worker_that_talks_nonsense_loses_nothing(answer):
    with pytest.raises(MalformedReplyError):
        parsed(answer)
    are_read(await read(Link(a=Worker(answer=answer), b=Worker())))


async def test_a_host_over_which_workers_are_lost_one_after_the_other_is_given_up():
    told = await read(Link(a=Worker(answer=5)), HOSTS[:3], Patience(5.0, 5.0))
    assert {(one.reason, one.detail) for one in told} == {
        ("host_no_worker", f"{MAX_LOST} workers were lost while they read it")
    }


async def test_a_worker_of_another_version_is_told_so_and_reads_nothing():
    link, watcher = Link(a=Worker(version="2"), b=Worker()), Watcher()
    are_read(await read(link, watcher=watcher))
    assert link.workers["a"].refused == [VERSION]
    assert link.workers["a"].read_hosts == []
    assert watcher.seen[0] == (1, 1)


async def test_hosts_tell_that_their_only_worker_is_of_another_version():
    (told,) = await read(Link(a=Worker(version="2")), HOSTS[:1])
    assert told.detail == (
        "no worker reads hosts without a zone: one worker is there; "
        "one that runs archscan 2 was refused, as this is archscan 1"
    )


async def test_hosts_wait_for_a_worker_that_is_yet_to_join():
    link, worker = Link(), Worker()

    async def join():
        await asyncio.sleep(0.1)
        link.workers["late"] = worker

    told, _ = await asyncio.gather(read(link, patience=Patience(10.0, 5.0)), join())
    are_read(told)


async def test_a_scheduler_that_cannot_be_reached_is_the_reason_that_hosts_have():
    link = Link(a=Worker())
    link.is_down = True
    (told,) = await read(link, HOSTS[:1])
    assert (told.reason, told.detail) == ("host_no_worker", "the scheduler tls://s:1 cannot be asked: refused")


async def test_a_scheduler_that_comes_back_in_time_costs_nothing():
    link = Link(a=Worker())
    link.is_down = True

    async def come_back():
        await asyncio.sleep(0.1)
        link.is_down = False

    told, _ = await asyncio.gather(read(link, patience=Patience(10.0, 5.0)), come_back())
    are_read(told)


async def test_whoever_does_not_wait_any_more_has_the_reading_ended():
    begun, ended = asyncio.Event(), asyncio.Event()

    class Slow(Worker):
        async def read(self, host, known):
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                ended.set()

    cluster = Cluster(Link(a=Slow()), VERSION)
    reading = asyncio.create_task(cluster.read(HOSTS[0], b""))
    await begun.wait()
    reading.cancel()
    await asyncio.wait([reading])
    await asyncio.wait_for(ended.wait(), 60)
    await cluster.close()


async def test_nothing_is_asked_of_anybody_while_no_host_is_read():
    link = Link(a=Worker())
    cluster = Cluster(link, VERSION)
    await cluster.read(HOSTS[0], b"")
    await asyncio.sleep(0.1)
    link.asked.clear()
    await asyncio.sleep(0.1)
    assert link.asked == []
    await cluster.close()


def test_the_text_of_a_host_is_made_once_for_as_long_as_it_stays_the_same():
    cluster = Cluster(Link(), VERSION)
    text = cluster._text(HOSTS[0])
    assert cluster._text(HOSTS[0]) is text
    assert wire.host_of(cluster._text(host("h0", "dmz"))).labels == {"zone": "dmz"}
