"""What is written within one turn goes out together, once, in its order; the server is asyncssh's own."""

import asyncio

import asyncssh
import pytest

from scanner.domain.host import Host
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.connection_pool import ConnectionPool
from scanner.hosts.ssh.fewer_writes import MSG_IGNORE, ClientConnection, GatheringTransport
from scanner.hosts.ssh.recorded import RecordedHosts

ANSWER = b"archscan\n" * 2000
SCRIPT = b"#" * 60_000


class Wire(asyncio.Transport):
    """Remembers what reached the socket."""

    def __init__(self):
        super().__init__()
        self.said = []

    def write(self, data):
        self.said.append(data)

    def close(self):
        self.said.append("closed")

    def abort(self):
        self.said.append("aborted")

    def is_closing(self):
        return bool(self.said) and self.said[-1] in {"closed", "aborted"}


@pytest.fixture
async def wire():
    """The wire with the transport before it."""
    under = Wire()
    return under, GatheringTransport(under, asyncio.get_running_loop())


async def test_what_one_turn_writes_goes_out_at_once(wire):
    under, transport = wire
    transport.write(b"a")
    transport.writelines([b"b", memoryview(b"c")])
    assert under.said == []
    await asyncio.sleep(0)
    transport.write(b"d")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert under.said == [b"abc", b"d"]


async def test_a_buffer_may_be_used_again_after_it_was_written(wire):
    under, transport = wire
    buffer = bytearray(b"first")
    transport.write(buffer)
    buffer[:] = b"other"
    await asyncio.sleep(0)
    assert under.said == [b"first"]


async def test_closing_loses_nothing(wire):
    under, transport = wire
    transport.write(b"last words")
    transport.close()
    await asyncio.sleep(0)
    assert (under.said, transport.is_closing()) == ([b"last words", "closed"], True)


async def test_aborting_says_nothing_more(wire):
    under, transport = wire
    transport.write(b"too late")
    transport.abort()
    await asyncio.sleep(0)
    assert under.said == ["aborted"]


class Counted:
    """Packets by type, writes to the socket, of every connection that is made."""

    def __init__(self, monkeypatch):
        self.packets, self.writes = [], 0
        send, flush = ClientConnection.send_packet, GatheringTransport._flush

        def sent(connection, pkttype, *args, **options):
            if pkttype != MSG_IGNORE or connection._needs_empty:
                self.packets.append(pkttype)
            send(connection, pkttype, *args, **options)

        def flushed(transport):
            self.writes += bool(transport._parts)
            flush(transport)

        monkeypatch.setattr(ClientConnection, "send_packet", sent)
        monkeypatch.setattr(GatheringTransport, "_flush", flushed)


async def test_a_host_costs_few_writes_fresh_fewer_when_kept(tmp_path, monkeypatch):
    counted = Counted(monkeypatch)
    async with RecordedHosts({"web-1": ANSWER}, tmp_path) as hosts:
        account = hosts.account
        pool = ConnectionPool.open(SshConfig(account.identity_file, account.known_hosts_file, user=account.user))
        host = Host("web-1", "127.0.0.1", hosts.ports["web-1"])
        assert await pool.read(host, SCRIPT) == ANSWER
        fresh, counted.writes = counted.writes, 0
        assert await pool.read(host, SCRIPT) == ANSWER
        kept = counted.writes
        await pool.close()
    assert fresh <= 12
    assert kept <= 6
    assert MSG_IGNORE not in counted.packets


@pytest.mark.parametrize(("cipher", "protected"), [("aes128-cbc", True), ("aes128-gcm@openssh.com", False)])
async def test_ciphers_of_cbc_mode_keep_their_empty_packets(tmp_path, monkeypatch, cipher, protected):
    counted = Counted(monkeypatch)
    host_key = asyncssh.generate_private_key("ssh-ed25519")

    def served(process):
        process.stdout.write("yes\n")
        process.exit(0)

    class Open(asyncssh.SSHServer):
        def begin_auth(self, username):
            return False

    async with await asyncssh.listen(
        "127.0.0.1", 0, server_factory=Open, server_host_keys=[host_key], process_factory=served,
        encryption_algs=[cipher],
    ) as server:  # fmt: skip
        options = asyncssh.SSHClientConnectionOptions(
            known_hosts=None, encryption_algs=[cipher], username="anybody", config=None, client_keys=None
        )
        loop = asyncio.get_running_loop()
        waiter = options.waiter = loop.create_future()
        _, connection = await loop.create_connection(
            lambda: ClientConnection(loop, options, wait="auth"), "127.0.0.1", server.get_port()
        )
        await waiter
        done = await connection.run("anything")
        connection.close()
        await connection.wait_closed()
    assert done.stdout == "yes\n"
    assert (MSG_IGNORE in counted.packets) is protected
