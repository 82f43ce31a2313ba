import socket
import ssl

import asyncssh
import pytest

from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.verdict import remedy
from scanner.domain.verdict.reason import Reason
from scanner.hosts.login import ProbeLogin, of_login
from scanner.hosts.ssh.failure import Bastion, GreetingError, NoSessionError, SlowAnswerError, classify
from scanner.hosts.ssh.jump import Route
from tests.rows import each_row

MYSQL = (
    b"Y\0\0\0\n5.5.5-10.11.6-MariaDB-0+deb12u1\0\x1f\0\0\0q:A~2#`k\0\xfe\xf7\x2d\x02\0\xff\x81mysql_native_password\0"
)
"""How a MariaDB greets."""

ROWS = [
    (ConnectionRefusedError(111, "Connection refused"), Reason.HOST_REFUSED),
    (OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 22), [Errno 111] Connect call failed"), Reason.HOST_REFUSED),
    (OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 22), [Errno 113] No route"), Reason.HOST_UNREACHABLE),
    (OSError(113, "No route to host"), Reason.HOST_UNREACHABLE),
    (OSError(101, "Network is unreachable"), Reason.HOST_UNREACHABLE),
    (OSError("no number"), Reason.HOST_UNREACHABLE),
    (OSError(110, "Connection timed out"), Reason.HOST_TIMEOUT),
    (TimeoutError(), Reason.HOST_TIMEOUT),
    (TimeoutError(), Reason.HOST_TIMEOUT),
    (ConnectionResetError(104, "Connection reset by peer"), Reason.HOST_INCOMPLETE),
    (BrokenPipeError(32, "Broken pipe"), Reason.HOST_INCOMPLETE),
    (socket.gaierror(-2, "Name or service not known"), Reason.HOST_NAME),
    (socket.gaierror(-3, "Temporary failure in name resolution"), Reason.HOST_NAME),
    (UnicodeDecodeError("ascii", b"\xe4", 0, 1, "ordinal not in range"), Reason.HOST_PROTOCOL),
    (UnicodeError("label too long"), Reason.HOST_PROTOCOL),
    (asyncssh.ProtocolError("Bad packet"), Reason.HOST_PROTOCOL),
    (asyncssh.ProtocolError("Too many authentication failures"), Reason.HOST_AUTH_REJECTED),
    (asyncssh.ProtocolError("no authentication methods enabled"), Reason.HOST_AUTH_REJECTED),
    (asyncssh.ProtocolNotSupported("Unknown version"), Reason.HOST_PROTOCOL),
    (asyncssh.KeyExchangeFailed("No matching key exchange algorithm found"), Reason.HOST_PROTOCOL),
    (asyncssh.MACError("wrong"), Reason.HOST_PROTOCOL),
    (asyncssh.CompressionError("wrong"), Reason.HOST_PROTOCOL),
    (asyncssh.PermissionDenied("denied"), Reason.HOST_AUTH_REJECTED),
    (asyncssh.IllegalUserName("bad"), Reason.HOST_AUTH_REJECTED),
    (asyncssh.ConnectionLost("lost"), Reason.HOST_INCOMPLETE),
    (asyncssh.ServiceNotAvailable("none"), Reason.HOST_INCOMPLETE),
    (asyncssh.DisconnectError(11, "bye"), Reason.HOST_INCOMPLETE),
    (asyncssh.ChannelOpenError(1, "no"), Reason.HOST_INCOMPLETE),
    (asyncssh.HostKeyNotVerifiable("Host key is not trusted for host x"), Reason.HOST_KEY_UNKNOWN),
    (asyncssh.HostKeyNotVerifiable("Host key is revoked for host x"), Reason.HOST_KEY_REJECTED),
    (asyncssh.HostKeyNotVerifiable("Certificate expired for host x"), Reason.HOST_KEY_REJECTED),
    (Bastion(Route.parse("jump@b", ""), Failure(Reason.HOST_TIMEOUT, "no answer in time")), Reason.HOST_BASTION),
    (OSError(24, "Too many open files"), Reason.INTERNAL_EXHAUSTED),
    (OSError(23, "Too many open files in system"), Reason.INTERNAL_EXHAUSTED),
    (GreetingError(b"\r\nHTTP/1.1 400 Bad Request\r\n"), Reason.HOST_PROTOCOL),
    (GreetingError(b"Exceeded MaxStartups\r\n"), Reason.HOST_INCOMPLETE),
    (NoSessionError("open failed"), Reason.HOST_SHELL_REFUSED),
    (ssl.SSLError("not ours"), Reason.HOST_UNREACHABLE),
    (KeyError("ours"), Reason.INTERNAL_BUG),
    (RecursionError("ours"), Reason.INTERNAL_BUG),
]  # fmt: skip


@pytest.mark.parametrize(("error", "reason"), ROWS, ids=lambda value: repr(value)[:60])
def test_every_ending_has_its_reason(error, reason):
    assert classify(error).reason is reason


BASTIONS = [
    (Failure(Reason.HOST_KEY_UNKNOWN, "no key"), ("b", "jump", 22, Reason.HOST_KEY_UNKNOWN)),
    (Failure(Reason.HOST_KEY_CHANGED, "another"), ("b", "jump", 22, Reason.HOST_KEY_CHANGED)),
    (Failure(Reason.HOST_AUTH_REJECTED, "denied"), ("b", "jump", 22, Reason.HOST_AUTH_REJECTED)),
    (Failure(Reason.HOST_TIMEOUT, "no answer in time"), ("b", "jump", 22, Reason.HOST_TIMEOUT)),
    (Bastion(Route.parse("up@a:2222", ""), Failure(Reason.HOST_KEY_UNKNOWN)).failure, ("a", "up", 2222, Reason.HOST_KEY_UNKNOWN)),
]  # fmt: skip


@each_row("failure, expected", BASTIONS)
def test_a_bastion_at_fault_is_named_with_why_it_did_not_let_us_in(failure, expected):
    found = classify(Bastion(Route.parse("up@a:2222,jump@b", ""), failure))
    assert (found.host, found.user, found.port, found.cause) == expected
    assert found.jump == ("up@a:2222" if found.host == "b" else "")
    host = Host("web-1", "10.0.0.1", user="archscan")
    said = of_login(found, host, ProbeLogin("archscan"))
    assert (said.host, said.user) == (found.host, found.user)
    (first, *_) = remedy.fix(said.reason, remedy.Trouble("web-1", "", failure=said)).commands
    port = f" -p {found.port}" if found.port != 22 else ""
    way = f"ssh{f' -J {found.jump}' if found.jump else ''}{port}"
    assert (
        first
        == {
            Reason.HOST_KEY_UNKNOWN: "archscan trust web-1",
            Reason.HOST_KEY_CHANGED: "archscan trust web-1",
            Reason.HOST_AUTH_REJECTED: f"archscan authorized-key --bastion --install {found.user} | {way} {found.user}@{found.host} sh",
            Reason.HOST_TIMEOUT: "archscan inventory --host web-1",
        }[found.cause]
    )


@pytest.mark.parametrize(
    ("greeting", "says"),
    [
        (b"\r\nHTTP/1.1 400 Bad Request\r\nServer: x", "no SSH server answers there: HTTP/1.1 400 Bad Request"),
        (b"\x15\x03\x01\0\x02\x02F", "no SSH server answers there: bytes that are no text"),
        (MYSQL, "no SSH server answers there: bytes that are no text, among them 5.5.5-10.11.6-MariaDB-0+deb12u1"),
        (b"Not allowed at this time\r\n", "its sshd lets nobody else in for now: Not allowed at this time"),
    ],
)
def test_what_answers_in_place_of_ssh_is_shown(greeting, says):
    assert classify(GreetingError(greeting)).detail == says


@pytest.mark.parametrize(
    ("error", "address"),
    [
        (OSError(101, "Connect call failed ('2001:db8::1', 22, 0, 0)"), "2001:db8::1"),
        (OSError("Multiple exceptions: [Errno 101] Connect call failed ('2001:db8::1', 22, 0, 0), [Errno 101] x"), "2001:db8::1"),
        (OSError(113, "Connect call failed ('10.0.0.1', 22)"), ""),
    ],
)  # fmt: skip
def test_an_address_that_this_machine_has_no_way_to_is_named(error, address):
    assert classify(error).address == address


def test_a_key_that_differs_from_the_known_one_is_changed():
    error = asyncssh.HostKeyNotVerifiable("Host key is not trusted for host x")
    assert classify(error, key_known=True).reason is Reason.HOST_KEY_CHANGED


def test_a_hosts_own_words_become_one_printable_line():
    failure = classify(asyncssh.DisconnectError(11, "\x1b[31mred\nsecond\u202e {{7*7}} %s" + "x" * 1000))
    assert failure.detail.startswith("redsecond") or failure.detail.startswith("red second")
    assert len(failure.detail) <= 300
    assert failure.detail.isprintable()


def test_an_error_without_words_names_its_kind():
    assert classify(KeyError()).detail == "KeyError"


@pytest.mark.parametrize(
    ("error", "setting"),
    [
        (TimeoutError(), "ssh.connect_timeout"), (SlowAnswerError(), "ssh.probe_timeout"),
        (asyncssh.KeyExchangeFailed("no matching cipher"), "ssh.algorithms"), (ConnectionRefusedError(), ""),
    ],
)  # fmt: skip
def test_what_the_configuration_would_permit_names_its_setting(error, setting):
    failure = classify(error)
    assert failure.setting == setting
    cured = remedy.fix(failure.reason, remedy.Trouble("web-1", "", failure=failure)).summary
    assert not setting or setting in cured
