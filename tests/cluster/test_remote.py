"""Dask's own scheduler with workers of ours over TLS, each a process with files of its own."""

import asyncio
import contextlib
import signal
import subprocess
import sys
from pathlib import Path

import asyncssh
import pytest
import pytest_asyncio

from scanner.app import cluster_wiring, wiring
from scanner.app.adapters import AdapterContext, Adapters
from scanner.app.version import VERSION
from scanner.cluster.cluster import Cluster, Patience
from scanner.cluster.link import LinkError, RemoteLink
from scanner.cluster.tls import Tls
from scanner.domain.facts import HostFacts
from scanner.domain.host import Host
from scanner.service.configuration import limits
from scanner.settings.load import interpret
from scanner.settings.schema import Settings
from scanner.settings.yaml_source import parse
from tests.cluster.certificates import authority
from tests.real.leaks import nothing_is_left
from tests.real.process import free_port

pytestmark = pytest.mark.asyncio(loop_scope="module")
ANSWER = (Path(__file__).parent.parent / "data/hosts/no-engine.txt").read_bytes()
UP_WITHIN_S = 120


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """By a single test: workers come and go."""


@pytest.fixture(scope="module", autouse=True)
def nothing_is_left_behind_in_the_end():
    yield from nothing_is_left()


class Members:
    """The cluster's processes."""

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.scheduler = f"tls://127.0.0.1:{self.port}"
        self.running = {}

    def start(self, name, *arguments):
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *arguments], stdout=log, stderr=log, cwd=Path(__file__).parent.parent.parent
            )

    def start_scheduler(self):
        ca, cert, key = (str(self.folder / name) for name in ("ca.pem", "member.pem", "member.key"))
        self.start(
            "scheduler", "dask", "scheduler", "--host", "127.0.0.1", "--port", str(self.port), "--protocol", "tls",
            "--tls-ca-file", ca, "--tls-cert", cert, "--tls-key", key, "--no-dashboard", "--no-show",
            "--dashboard-address", "127.0.0.1:0",
        )  # fmt: skip

    def start_worker(self, name, *arguments):
        file = str(self.folder / "worker.yml")
        self.start(
            name, "scanner", "worker", "--config", file, "--scheduler", self.scheduler, "--name", name, *arguments
        )

    def log(self, name):
        return (self.folder / f"{name}.log").read_text()

    def end(self, name, number=signal.SIGTERM):
        process = self.running.pop(name)
        process.send_signal(number)
        return process.wait(60)

    async def there(self, *names):
        link = RemoteLink(self.scheduler, tls_in(self.folder))
        await link.open()
        try:
            async with asyncio.timeout(UP_WITHIN_S):
                while True:
                    with contextlib.suppress(LinkError):
                        if {member.name for member in (await link.members()).values()} == set(names):
                            return
                    await asyncio.sleep(0.2)
        finally:
            await link.close()


def tls_in(folder, name="member"):
    return Tls(str(folder / "ca.pem"), str(folder / f"{name}.pem"), str(folder / f"{name}.key"))


@pytest.fixture(scope="module")
def members(tmp_path_factory, nothing_is_left_behind_in_the_end):
    folder = tmp_path_factory.mktemp("remote")
    authority(folder, "ca", "member")
    authority(folder, "other-ca", "stranger")
    return Members(folder)


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def fleet(members):
    login, key = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))

    async def serve(process):
        await process.stdin.read()
        process.stdout.write(ANSWER)
        process.exit(0)

    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[key],
        authorized_client_keys=asyncssh.import_authorized_keys(login.export_public_key().decode()),
        process_factory=serve,
        encoding=None,
    )
    folder, port = members.folder, server.get_port()
    (folder / "id").write_bytes(login.export_private_key())
    (folder / "id").chmod(0o600)
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key.export_public_key().decode()}")
    tls = "cluster: {ca_file: ca.pem, cert_file: member.pem, key_file: member.key}"
    (folder / "worker.yml").write_text(f"ssh: {{identity_file: id, known_hosts_file: known_hosts}}\n{tls}\n")
    members.ssh_port = port
    members.start_scheduler()
    members.start_worker("open")
    members.start_worker("inside", "--zone", "dmz")
    try:
        await members.there("open", "inside")
        yield
    finally:
        for name in list(members.running):
            members.end(name)
        server.close()
        await server.wait_closed()


def settings(members, wait="20s"):
    """The scanner's own, which has no key for any host."""
    text = (
        f"cluster: {{scheduler: '{members.scheduler}', ca_file: ca.pem, cert_file: member.pem, key_file: member.key, "
        f"worker_wait: {wait}}}\n"
        "inventory: [{kind: static, hosts: {a: {address: 127.0.0.1}}}]\n"
    )
    return interpret(parse(text.encode(), str(members.folder / "archscan.yml")), Settings)


def hosts(members, *zones):
    return [
        Host(f"{zone or 'open'}-{number}", "127.0.0.1", members.ssh_port, labels={"zone": zone} if zone else {})
        for zone in zones
        for number in range(8)
    ]


async def scanned(members, fleet, wait="20s"):
    own = settings(members, wait)
    adapters = Adapters(own, AdapterContext(VERSION))
    try:
        return await adapters.scanner(limits(own)).scan(fleet)
    finally:
        await adapters.close()


async def test_workers_read_the_hosts_of_their_zones_with_keys_that_the_scanner_has_not(members):
    fleet = hosts(members, "", "dmz")
    assert wiring.ssh(settings(members)) is None
    report = await scanned(members, fleet)
    assert [reading.name for reading in report.hosts] == [host.name for host in fleet]
    assert [one.reading for one in report.hosts if not isinstance(one.reading, HostFacts)] == []


async def test_hosts_of_a_zone_without_a_worker_say_so(members):
    fleet = hosts(members, "mars")
    report = await scanned(members, fleet, wait="100ms")
    assert {reading.reading.detail for reading in report.hosts} == {
        "no worker reads hosts of the zone mars: 2 workers are there"
    }


async def test_a_host_is_not_let_choose_which_file_of_a_worker_is_its_key(members):
    """The inventory names a key for the host; on the worker that would be another file, or one that is none."""
    cluster = cluster_wiring.cluster_of(settings(members), None, VERSION)
    host = Host("a", "127.0.0.1", members.ssh_port, identity_files=("/etc/hostname",), jump_identity_files=("/x",))
    told = await cluster.read(host, b"")
    assert told.facts
    assert "/etc/hostname" not in cluster._text(host)
    await cluster.close()


async def test_nobody_joins_or_asks_without_a_certificate_of_the_clusters_own_authority(members):
    stranger = Tls(str(members.folder / "ca.pem"), *(str(members.folder / f"stranger.{end}") for end in ("pem", "key")))
    for link in (RemoteLink(members.scheduler, stranger), RemoteLink(members.scheduler.replace("tls", "tcp"), None)):
        await link.open()
        with pytest.raises(LinkError):
            await link.members()
        await link.close()


async def test_a_scheduler_that_was_lost_is_joined_again(members):
    members.end("scheduler", signal.SIGKILL)
    members.start_scheduler()
    await members.there("open", "inside")
    report = await scanned(members, hosts(members, "", "dmz"), wait="60s")
    assert [one.reading for one in report.hosts if not isinstance(one.reading, HostFacts)] == []


async def test_a_worker_that_is_told_to_stop_leaves_at_once_and_in_order(members):
    assert members.end("inside") == 0
    await members.there("open")
    assert "Traceback" not in members.log("inside")


async def test_a_worker_of_another_version_is_refused_with_a_sentence(members):
    cluster = Cluster(RemoteLink(members.scheduler, tls_in(members.folder)), "9.9.9+0", Patience(0.1, 10.0))
    told = await cluster.read(hosts(members, "")[0], b"")
    await cluster.close()
    assert "one that runs archscan 0" in told.detail
    process = members.running.pop("open")
    assert await asyncio.to_thread(process.wait, 60) == 2
    said = members.log("open").splitlines()[-1]
    assert said.startswith("archscan: the scanner runs archscan 9.9.9+0, this worker ")
    assert said.endswith(": install the same version on both")
