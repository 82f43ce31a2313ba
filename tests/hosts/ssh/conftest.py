"""Connection pools against real and scripted servers on loopback."""

import asyncio
import contextlib
from pathlib import Path

import asyncssh
import pytest

from scanner.domain.host import Host
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.connection_pool import ConnectionPool


@pytest.fixture
async def pool_of():
    """``pool_of(config)``: a pool that is closed after the test."""
    opened = []

    def make(config):
        opened.append(ConnectionPool.open(config))
        return opened[-1]

    yield make
    for pool in opened:
        await pool.close()
        assert pool.abandoned == 0


@pytest.fixture(scope="session")
def keys():
    """Keys made once: a client's, a host's, another host's, an authority's."""
    return {name: asyncssh.generate_private_key("ssh-ed25519") for name in ("client", "host", "other", "authority")}


def write_key(path: Path, key) -> Path:
    path.write_bytes(key.export_private_key())
    path.chmod(0o600)
    return path


def public(key) -> str:
    return key.export_public_key().decode().strip()


@pytest.fixture
def config_for(tmp_path, keys):
    """``config_for(line, ...)``: a configuration whose known_hosts has these lines, with time for a busy machine."""

    def make(*lines, **changes):
        known = tmp_path / "known_hosts"
        known.write_text("".join(f"{line}\n" for line in lines))
        identity = write_key(tmp_path / "id_ed25519", keys["client"])
        defaults = {"connect_timeout_s": 30.0, "probe_timeout_s": 30.0, "user": "scan"}
        return SshConfig(identity, known, **{**defaults, **changes})

    return make


class Account(asyncssh.SSHServer):
    """Lets the client key in and tells what it saw."""

    def __init__(self, fake):
        self.fake = fake

    def connection_made(self, conn):
        self.fake.connections.append(conn)

    def connection_lost(self, exc):
        self.fake.lost += 1

    def begin_auth(self, username):
        self.fake.logins.append(username)
        return True

    def public_key_auth_supported(self):
        return True

    def validate_public_key(self, username, key):
        self.fake.offered += 1
        return self.fake.accepts

    def connection_requested(self, dest_host, dest_port, orig_host, orig_port):
        if not self.fake.forwards:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED, "no forwarding here")
        return True


class FakeHost:
    """An asyncssh server whose commands run a coroutine of the test's: ``answer(process)``."""

    def __init__(self, answer, accepts=True, forwards=False):
        self.answer, self.accepts, self.forwards = answer, accepts, forwards
        self.connections, self.logins, self.offered, self.lost, self.commands = [], [], 0, 0, []
        self.port = 0
        self.running = set()

    async def handle(self, process):
        self.commands.append(process.command)
        with contextlib.suppress(asyncssh.Error, OSError, asyncssh.BreakReceived):
            await self.answer(process)


@pytest.fixture
async def fake_host(keys):
    """``await fake_host(answer)``: a listening ``FakeHost``."""
    servers = []

    async def start(answer=None, *, accepts=True, forwards=False, **options):
        fake = FakeHost(answer or echo, accepts, forwards)
        settings = {"server_host_keys": [keys["host"]], "encoding": None, "config": None, **options}
        server = await asyncssh.create_server(
            lambda: Account(fake), "127.0.0.1", 0, process_factory=fake.handle, **settings
        )
        fake.port = server.get_port()
        servers.append((server, fake))
        return fake

    yield start
    for server, fake in servers:
        server.close()
        for connection in fake.connections:
            connection.abort()
        await server.wait_closed()
        for connection in fake.connections:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(connection.wait_closed(), 2)


async def echo(process):
    """Answers what it was sent."""
    script = await process.stdin.read()
    process.stdout.write(b"<" + script + b">")
    process.exit(0)


@pytest.fixture
async def raw_host():
    """``await raw_host(coroutine)``: a TCP listener whose connections run ``coroutine(reader, writer)``."""
    servers, writers, tasks = [], [], []

    async def start(behave):
        async def run(reader, writer):
            writers.append(writer)
            tasks.append(asyncio.current_task())
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await behave(reader, writer)

        server = await asyncio.start_server(run, "127.0.0.1", 0)
        servers.append(server)
        return server.sockets[0].getsockname()[1]

    yield start
    for writer in writers:
        writer.transport.abort()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks)
    for server in servers:
        server.close()
        await server.wait_closed()


@pytest.fixture
def host_at():
    """``host_at(port, name)``: a host on loopback."""

    def make(port, name="web-1", **changes):
        return Host(name, **{"address": "127.0.0.1", "port": port, **changes})

    return make


@pytest.fixture(scope="session")
def tools():
    """The plain functions of this file."""

    class Tools:
        pass

    Tools.write_key, Tools.public, Tools.echo = staticmethod(write_key), staticmethod(public), staticmethod(echo)
    return Tools
