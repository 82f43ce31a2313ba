"""Real workers: processes with dask's scheduler between; each test takes over the cluster as the one before left it."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest
import pytest_asyncio

from scanner.app import wiring
from scanner.app.adapters import AdapterContext, Adapters
from scanner.cluster import wire
from scanner.cluster.cluster import Cluster, Patience
from scanner.cluster.cluster_reader import ClusterReader
from scanner.cluster.local import LocalLink, LocalSetup, of_each
from scanner.cluster.reading_setup import ReadingSetup
from scanner.demo.environment import environment
from scanner.domain.facts import HostFacts
from scanner.domain.host import Host
from scanner.probe.answer_cache import AnswerCache
from scanner.service.configuration import limits
from scanner.settings.schema import Settings
from tests.real.leaks import nothing_is_left

pytestmark = pytest.mark.asyncio(loop_scope="module")
VERSION = f"test+{wire.fingerprint()}"
ANSWER = (Path(__file__).parent.parent / "data/hosts/no-engine.txt").read_bytes()
SLOW_S = 0.4
COUNT = 32
WORKERS = 4
AT_ONCE = 32
EACH_HAS_SOME = AT_ONCE // WORKERS * (WORKERS - 1) + 1
"""Hosts that are being read of which no three workers alone could have all."""


class Slow:
    """One SSH server that is many hosts, each of which takes a while to answer."""

    def __init__(self):
        self.port = 0
        self.answers = asyncio.Event()
        self.answers.set()
        self.waiting = 0

    async def serve(self, process):
        await process.stdin.read()
        self.waiting += 1
        await self.answers.wait()
        self.waiting -= 1
        await asyncio.sleep(SLOW_S)
        process.stdout.write(ANSWER)
        process.exit(0)

    def hosts(self, prefix, count=COUNT):
        return [Host(f"{prefix}-{number}", "127.0.0.1", self.port, "archscan") for number in range(count)]

    async def while_each_worker_reads(self, act, reading):
        """What ``reading`` comes to when ``act`` happens while every worker waits for hosts of its own."""
        self.answers.clear()
        task = asyncio.create_task(reading)
        try:
            async with asyncio.timeout(60):
                while self.waiting < EACH_HAS_SOME:
                    await asyncio.sleep(0.01)
            act()
        finally:
            self.answers.set()
            found = await task
        return found


class Kept:
    """The one cluster's link, which a test that is through with it does not close."""

    def __init__(self, link):
        self._link = link
        self.members, self.ask = link.members, link.ask

    async def open(self):
        if self._link._scheduler is None:
            await self._link.open()

    async def close(self):
        pass


class Watcher:
    def __init__(self):
        self.lost = []

    def workers(self, at_work, refused):
        self.at_work = at_work

    def worker_lost(self, readings):
        self.lost.append(readings)

    def host_told(self):
        pass


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """By a single test: workers come and go."""


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_behind_in_the_end():
    yield from nothing_is_left()


@pytest.fixture(scope="module")
def parts(nothing_is_left_behind_in_the_end):
    return {}


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def fleet(parts, tmp_path_factory):
    folder, slow = tmp_path_factory.mktemp("cluster"), Slow()
    async with environment(folder) as (document, hosts):
        more = {
            "concurrency": AT_ONCE,
            "connect_timeout": "60s",
            "probe_timeout": "120s",
        }  # as long as a test waits for the workers
        settings = Settings.model_validate({**document, "ssh": {**document["ssh"], **more}})
        login = asyncssh.read_private_key(str(settings.ssh.identity_file))
        key = asyncssh.generate_private_key("ssh-ed25519")
        server = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[key],
            authorized_client_keys=asyncssh.import_authorized_keys(login.export_public_key().decode()),
            process_factory=slow.serve,
            encoding=None,
        )
        slow.port = server.get_port()
        with settings.ssh.known_hosts_file.open("a") as known:
            known.write(f"[127.0.0.1]:{slow.port} {key.export_public_key().decode().strip()}\n")
        setup = of_each(ReadingSetup(wiring.ssh(settings)), WORKERS)
        link = LocalLink(LocalSetup(1, VERSION, setup))
        parts |= {"settings": settings, "hosts": hosts, "slow": slow, "link": link}
        yield
        await link.close()
        server.close()
        await server.wait_closed()


def cluster_of(parts, silent_s=30.0, watcher=None):
    return Cluster(Kept(parts["link"]), VERSION, Patience(20.0, silent_s), watcher)


async def scanned(parts, cluster=None, hosts=None, scans=1):
    """As many reports of the same adapters, one after the other."""
    adapters = Adapters(parts["settings"], AdapterContext("test"))
    if cluster is not None:
        adapters._cluster = ClusterReader(cluster, adapters.hosts.answers)
        adapters.hosts.other_reader = adapters._cluster.read
    try:
        reports = []
        for _ in range(scans):
            with adapters.one_scan():
                scanner = adapters.scanner(replace(limits(parts["settings"]), concurrency=16))
                reports.append(await scanner.scan(hosts or parts["hosts"], scan_id="same"))
        return reports
    finally:
        await adapters.close()


def shown(report):
    """Everything of a report but times."""
    findings = [repr((f.workload, f.verdict, f.host_platform, f.team)) for f in report.findings]
    return findings, [repr((reading.name, reading.reading, reading.labels)) for reading in report.hosts]


async def read_all(cluster, hosts, after=0, act=None):
    """Every host through a cluster; when ``after`` of them are there, ``act`` happens."""
    reader, found = ClusterReader(cluster, AnswerCache(None)), {}

    async def one(host):
        facts = await reader.read(host)
        assert host.name not in found
        found[host.name] = facts
        if len(found) == after:
            await act()

    try:
        await asyncio.gather(*map(one, hosts))
    finally:
        await reader.close()
    return found


def are_whole(found, hosts):
    assert found.keys() == {host.name for host in hosts}
    assert [facts for facts in found.values() if not isinstance(facts, HostFacts)] == []
    assert all(facts.host == name for name, facts in found.items())


async def test_a_worker_that_joins_in_mid_scan_reads_its_share(parts):
    hosts, cluster, slow = parts["slow"].hosts("join"), cluster_of(parts), parts["slow"]
    turns = asyncio.Semaphore(8)

    async def grow():
        slow.answers.clear()
        await parts["link"].grow(2)
        while len(cluster.members) < 2:
            await asyncio.sleep(0.05)
        slow.answers.set()

    async def read(host, known, ask=cluster.read):
        async with turns:
            return await ask(host, known)

    cluster.read = read
    cluster._lanes = _Remembered()
    are_whole(await read_all(cluster, hosts, 8, grow), hosts)
    assert len(cluster._lanes.ever) == 2


class _Remembered(dict):
    """The lanes, with all that there ever were."""

    def __init__(self):
        super().__init__()
        self.ever = set()

    def __setitem__(self, worker, lane):
        self.ever.add(worker)
        super().__setitem__(worker, lane)


async def test_one_two_and_four_workers_find_what_the_scanner_finds_alone(parts):
    alone = [shown(report) for report in await scanned(parts, scans=2)]
    assert alone[0][0]
    for count in (1, 2, 4):
        cluster = cluster_of(parts)
        if count > 1:
            await parts["link"].grow(count)
        assert [shown(report) for report in await scanned(parts, cluster, scans=2)] == alone


async def test_hosts_that_say_the_same_are_told_of_by_their_digest_alone(parts):
    cluster = cluster_of(parts)
    host = parts["hosts"][0]
    told = await cluster.read(host, b"")
    again = await cluster.read(host, told.digest)
    assert (bool(told.facts), again.facts, again.digest) == (True, "", told.digest)
    await cluster.close()


async def test_connections_stay_with_the_worker_that_made_them(parts):
    """Neither is a host read twice, nor does another worker read it the next time."""
    hosts, watcher = parts["slow"].hosts("stay")[:8], Watcher()
    cluster = cluster_of(parts, watcher=watcher)
    lanes = []
    for _ in range(2):
        await asyncio.gather(*(cluster.read(host, b"") for host in hosts))
        lanes.append({worker: lane._session for worker, lane in cluster._lanes.items()})
    assert lanes[0] == lanes[1]
    assert watcher.lost == []
    await cluster.close()


async def test_a_worker_that_is_killed_in_mid_scan_loses_nothing(parts):
    hosts, watcher = parts["slow"].hosts("kill", 2 * COUNT), Watcher()
    cluster = cluster_of(parts, watcher=watcher)

    def kill():
        os.kill(parts["link"].processes[1].pid, signal.SIGKILL)

    found = await parts["slow"].while_each_worker_reads(kill, read_all(cluster, hosts))
    are_whole(found, hosts)
    assert len(watcher.lost) == 1
    assert watcher.lost[0] > 0
    await parts["link"].grow(4)  # it is started again


async def test_a_worker_that_is_cut_off_in_mid_scan_loses_nothing(parts):
    hosts, watcher = parts["slow"].hosts("stop", 2 * COUNT), Watcher()
    cluster = cluster_of(parts, silent_s=2.0, watcher=watcher)
    stopped = parts["link"].processes[2].pid

    def stop():
        os.kill(stopped, signal.SIGSTOP)

    try:
        are_whole(await parts["slow"].while_each_worker_reads(stop, read_all(cluster, hosts)), hosts)
        assert watcher.lost
    finally:
        os.kill(stopped, signal.SIGCONT)
