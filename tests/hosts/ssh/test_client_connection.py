"""A connection to a host takes few writes, few round trips; the server is asyncssh's own."""

import asyncio

import asyncssh
import pytest

from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.verdict.reason import Reason
from scanner.hosts.ssh.client_connection import _OF_THE_LOGIN, MSG_IGNORE, ClientConnection
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.connection import dial
from scanner.hosts.ssh.connection_pool import ConnectionPool
from scanner.hosts.ssh.failure import SecondFactorError
from scanner.hosts.ssh.fewer_writes import GatheringTransport
from scanner.hosts.ssh.jump import JumpTarget
from scanner.hosts.ssh.options import for_keys
from scanner.hosts.ssh.recorded import RecordedHosts
from scanner.hosts.turns import TurnsLoop

ANSWER = b"archscan\n" * 2000
SCRIPT = b"#" * 60_000
MSG_KEXINIT, MSG_USERAUTH_REQUEST = 20, 50


class Counted:
    """Packets by type, writes to the socket, of every connection that is made."""

    def __init__(self, monkeypatch):
        self.packets, self.writes, self.logins = [], 0, []
        send, flush = ClientConnection.send_packet, GatheringTransport._flush
        log_in = asyncssh.SSHClientConnection.send_userauth_request

        def sent(connection, pkttype, *args, **options):
            if pkttype != MSG_IGNORE or connection._needs_empty:
                self.packets.append(pkttype)
            send(connection, pkttype, *args, **options)

        async def logged_in(connection, method, *args, **options):
            self.logins.append((method, *args))
            await log_in(connection, method, *args, **options)

        def flushed(transport):
            self.writes += bool(transport._parts)
            flush(transport)

        monkeypatch.setattr(ClientConnection, "send_packet", sent)
        monkeypatch.setattr(asyncssh.SSHClientConnection, "send_userauth_request", logged_in)
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
    assert fresh <= 10
    assert kept <= 6
    assert MSG_IGNORE not in counted.packets


def test_a_connection_waits_for_its_turn_until_it_is_closed(tmp_path):
    async def read():
        turns = asyncio.get_running_loop().turns
        async with RecordedHosts({"web-1": ANSWER}, tmp_path) as hosts:
            account = hosts.account
            pool = ConnectionPool.open(SshConfig(account.identity_file, account.known_hosts_file, user=account.user))
            assert await pool.read(Host("web-1", "127.0.0.1", hosts.ports["web-1"]), SCRIPT) == ANSWER
            kept = len(turns._waiting)
            await pool.close()
        return kept, len(turns._waiting)

    with asyncio.Runner(loop_factory=TurnsLoop) as runner:
        assert runner.run(read()) == (1, 0)


async def test_a_login_begins_with_its_proof(tmp_path, monkeypatch):
    counted = Counted(monkeypatch)
    async with RecordedHosts({"web-1": ANSWER}, tmp_path) as hosts:
        account = hosts.account
        pool = ConnectionPool.open(SshConfig(account.identity_file, account.known_hosts_file, user=account.user))
        assert await pool.read(Host("web-1", "127.0.0.1", hosts.ports["web-1"]), SCRIPT) == ANSWER
        await pool.close()
    assert counted.packets.count(MSG_USERAUTH_REQUEST) == 1


async def test_a_kept_connection_holds_nothing_of_its_login_and_exchanges_keys_anew(tmp_path, monkeypatch):
    counted = Counted(monkeypatch)
    async with RecordedHosts({"web-1": ANSWER}, tmp_path) as hosts:
        account = hosts.account
        pool = ConnectionPool.open(SshConfig(account.identity_file, account.known_hosts_file, user=account.user))
        host = Host("web-1", "127.0.0.1", hosts.ports["web-1"])
        assert await pool.read(host, SCRIPT) == ANSWER
        (connection,), (common,) = pool._kept.values(), pool._base.values()
        assert connection._options is common
        assert not any(getattr(connection, name) for name in _OF_THE_LOGIN)
        before = connection._send_encryption
        connection._rekey_time = 0.0
        assert await pool.read(host, SCRIPT) == ANSWER
        assert await pool.read(host, SCRIPT) == ANSWER
        assert connection._send_encryption is not before
        assert (pool.opened, pool.kept) == (1, 1)
        await pool.close()
    assert counted.packets.count(MSG_KEXINIT) > 1


async def test_a_server_that_refuses_the_key_is_asked_last_whether_it_needs_any_proof(tmp_path, monkeypatch):
    counted, other = Counted(monkeypatch), tmp_path / "other"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(other)
    other.chmod(0o600)
    async with RecordedHosts({"web-1": ANSWER}, tmp_path) as hosts:
        account = hosts.account
        pool = ConnectionPool.open(SshConfig(other, account.known_hosts_file, user=account.user))
        refused = await pool.read(Host("web-1", "127.0.0.1", hosts.ports["web-1"]), SCRIPT)
        await pool.close()
    assert isinstance(refused, Failure)
    assert refused.reason is Reason.HOST_AUTH_REJECTED
    assert [words[0] for words in counted.logins] == [b"publickey", b"none"]


@pytest.mark.parametrize(("left", "next_method"), [([], False), ([b"publickey"], True)])
def test_whatever_a_server_lists_it_is_asked_once_whether_it_needs_any_proof(monkeypatch, left, next_method):
    tried = []
    monkeypatch.setattr(
        asyncssh.SSHClientConnection,
        "try_next_auth",
        lambda connection, *, next_method: tried.append([*connection._auth_methods, next_method]),
    )
    connection = ClientConnection.__new__(ClientConnection)
    connection._auth_methods, connection._proof_first, connection._asked_without_proof = list(left), False, False
    connection.try_next_auth(next_method=next_method)
    connection._auth_methods = list(left)
    connection.try_next_auth(next_method=next_method)
    assert tried == [[*left, b"none", next_method], [*left, next_method]]


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


@pytest.mark.parametrize(
    ("ends", "told"),
    [(asyncssh.PermissionDenied("no more"), SecondFactorError), (asyncio.CancelledError(), asyncio.CancelledError)],
)
async def test_who_is_interrupted_between_two_factors_learns_of_that(ends, told):
    class Tunnel:
        async def create_connection(self, begin, *_address):
            begin().asked_besides = b"password"
            raise ends

    options = for_keys(JumpTarget("a", "127.0.0.1", 22, "scan"), ("ssh-ed25519",))
    with pytest.raises(told):
        await dial(options, Tunnel(), lambda _: None, 30)
