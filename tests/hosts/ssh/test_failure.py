import socket
import ssl

import asyncssh
import pytest

from scanner.domain.facts import Failure
from scanner.domain.verdict.reason import Reason
from scanner.hosts.ssh.failure import Bastion, classify

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
    (Bastion("b:22", Failure(Reason.HOST_TIMEOUT, "no answer in time")), Reason.HOST_BASTION),
    (OSError(24, "Too many open files"), Reason.INTERNAL_BUG),
    (OSError(23, "Too many open files in system"), Reason.INTERNAL_BUG),
    (ssl.SSLError("not ours"), Reason.HOST_UNREACHABLE),
    (KeyError("ours"), Reason.INTERNAL_BUG),
    (RecursionError("ours"), Reason.INTERNAL_BUG),
]  # fmt: skip


@pytest.mark.parametrize(("error", "reason"), ROWS, ids=lambda value: repr(value)[:60])
def test_every_ending_has_its_reason(error, reason):
    assert classify(error).reason is reason


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
