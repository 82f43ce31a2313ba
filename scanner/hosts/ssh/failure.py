"""Every way in which reaching a host ends, as one of the closed list of reasons."""

from __future__ import annotations

import errno
import os
import re
import socket
from dataclasses import replace
from typing import TYPE_CHECKING

import asyncssh

from scanner.descriptors import shortage
from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.remedy.logins import SECOND_FACTOR
from scanner.errors import EXHAUSTED
from scanner.hosts.ssh.trust import KeylessError, TrustError

if TYPE_CHECKING:
    from scanner.hosts.ssh.jump import Route

MAX_DETAIL_CHARS = 300
"""A host's own words go into a table cell."""

_KEY_WORDS = {
    Reason.HOST_KEY_UNKNOWN: "known_hosts has no key for it",
    Reason.HOST_KEY_CHANGED: "it shows another key than known_hosts has for it",
}
"""What asyncssh says in words of its own."""

OWN_KEYS = "IdentityFile"
"""The setting of a person who asks as their own ssh would, with no key: what ssh itself calls it."""

_SETTINGS = {Reason.HOST_TIMEOUT: "ssh.connect_timeout", Reason.HOST_PROTOCOL: "ssh.algorithms"}
"""What would permit a host that is as slow, or speaks as it does."""

_TURNED_AWAY = {"Exceeded MaxStartups", "Not allowed at this time"}
"""What sshd says in place of its version: too many logins at once (MaxStartups), too many bad ones (PerSourcePenalties)."""

_NO_WAY = {errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
_RESET = {errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED}
_OF_LOGINS = re.compile("authentication failures|no authentication methods")
"""How sshd says it after MaxAuthTries, or where nobody can do what AuthenticationMethods wants."""

_NUMBER = re.compile(r"\[Errno (\d+)\]")
_DIALLED = re.compile(r"\[Errno (\d+)\] Connect call failed \('([^']*)', (\d++)[\d, ]*\)")
_TEXT = re.compile(rb"[ -~]{6,}")
"""As strings(1) finds texts, but longer: six letters are seldom there by chance."""
_ANY_NUMBER = re.compile(r"\[Errno -?\d+\] ")


class Bastion(Exception):  # noqa: N818 - it carries a failure, and never leaves this package
    """A bastion of the route could not be used: its last one, or one before it of which ``failure`` tells."""

    def __init__(self, route: Route, failure: Failure) -> None:
        super().__init__(str(route))
        detail = f"{route}: {failure.reason}: {failure.detail}"
        if failure.reason is Reason.HOST_BASTION:
            self.failure = replace(failure, detail=detail)
            return
        hop = route.hops[-1]
        self.failure = replace(
            failure, reason=Reason.HOST_BASTION, detail=detail, host=hop.address, user=hop.user, port=hop.port,
            cause=failure.reason, jump=str(route.before),
        )  # fmt: skip


class ServerRefused(Exception):  # noqa: N818 - it carries a failure, and never leaves this package
    """The server said itself why it lets nobody in."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class NoSessionError(Exception):
    """A server let us in, and then refuses whatever would run a command."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        detail = f"sshd opens no session for this login: {printable(words, MAX_DETAIL_CHARS)}"
        self.failure = Failure(Reason.HOST_SHELL_REFUSED, detail)


class SecondFactorError(Exception):
    """A server took our key, and asks for something else besides."""

    def __init__(self, methods: bytes) -> None:
        asked = printable(methods.replace(b",", b" or "), MAX_DETAIL_CHARS)
        super().__init__(asked)
        detail = f"the key was taken, and sshd asks for more: {asked}"
        self.failure = Failure(Reason.HOST_AUTH_REJECTED, detail, setting=SECOND_FACTOR)


class SlowAnswerError(TimeoutError):
    """A host that let us in did not answer the probe in time."""


class GreetingError(Exception):
    """A server said something and no version of SSH before the connection, or our patience, ended."""

    def __init__(self, greeting: bytes) -> None:
        lines = (line.strip() for line in greeting.split(b"\n"))
        first = next(filter(None, lines), b"")
        said = printable(first, MAX_DETAIL_CHARS)
        super().__init__(said if said and min(first) >= ord(" ") else _no_text(greeting))

    @property
    def failure(self) -> Failure:
        """What that means: sshd says so itself where it turns somebody away."""
        if str(self) in _TURNED_AWAY:
            return Failure(Reason.HOST_INCOMPLETE, f"its sshd lets nobody else in for now: {self}")
        return Failure(Reason.HOST_PROTOCOL, f"no SSH server answers there: {self}")


def _no_text(greeting: bytes) -> str:
    """What is said of bytes, with the longest text among them: a database's version is one."""
    longest = max(_TEXT.findall(greeting), key=len, default=b"")
    among = f", among them {printable(longest, MAX_DETAIL_CHARS)}" if longest else ""
    return f"bytes that are no text{among}"


def classify(error: BaseException, *, key_known: bool = False) -> Failure:
    """The reason behind an exception; ``key_known`` tells whether known_hosts has a plain key for the host."""
    if isinstance(error, socket.gaierror) and (short := shortage()):
        return classify(short)  # glibc does not tell it from a name that nobody knows
    if isinstance(error, ServerRefused | Bastion | GreetingError | NoSessionError | SecondFactorError):
        return error.failure
    if isinstance(error, KeylessError):
        return Failure(Reason.HOST_AUTH_REJECTED, str(error), setting=OWN_KEYS, is_own=True)
    reason = _reason(error, key_known=key_known)
    setting = "ssh.probe_timeout" if isinstance(error, SlowAnswerError) else _SETTINGS.get(reason, "")
    return Failure(reason, _KEY_WORDS.get(reason) or _detail(error), address=_no_way_to(error), setting=setting)


def _no_way_to(error: BaseException) -> str:
    """The address that this machine itself has no way to, as one without IPv6; empty where something else is wrong."""
    if not isinstance(error, OSError) or not (numbers := _numbers(error)) or not numbers <= _NO_WAY:
        return ""
    found = _DIALLED.search(str(error))
    return found[2] if found else ""


def _detail(error: BaseException) -> str:
    if isinstance(error, TimeoutError) and not str(error):
        return "no answer in time"
    text = str(error) or type(error).__name__
    return printable(_without_numbers(text) if isinstance(error, OSError) else text, MAX_DETAIL_CHARS)


def _without_numbers(text: str) -> str:
    """What Python says of a system's error, as ssh says it: the address, the port, the system's words."""
    said = _DIALLED.sub(lambda m: f"{m[2]} port {m[3]}: {os.strerror(int(m[1]))}", text)
    return _ANY_NUMBER.sub("", said).removeprefix("Multiple exceptions: ")


def _reason(error: BaseException, *, key_known: bool) -> Reason:
    match error:
        case TrustError():
            return Reason.HOST_AUTH_REJECTED  # a key that the inventory names cannot be used
        case asyncssh.HostKeyNotVerifiable():
            return _key_reason(str(error), key_known=key_known)
        case asyncssh.ChannelOpenError():
            return Reason.HOST_INCOMPLETE
        case asyncssh.DisconnectError():
            return _disconnect_reason(error)
        case socket.gaierror():
            return Reason.HOST_NAME
        case OSError():
            return _system_reason(error)
        case ValueError() | asyncssh.Error() | asyncssh.ChannelListenError():
            return Reason.HOST_PROTOCOL
    return Reason.INTERNAL_BUG


def _key_reason(text: str, *, key_known: bool) -> Reason:
    """Not trusted means unknown or changed; anything else is a key that must not be believed (revoked, expired)."""
    if "not trusted" not in text:
        return Reason.HOST_KEY_REJECTED
    return Reason.HOST_KEY_CHANGED if key_known else Reason.HOST_KEY_UNKNOWN


def _disconnect_reason(error: asyncssh.DisconnectError) -> Reason:
    match error:
        case asyncssh.PermissionDenied() | asyncssh.IllegalUserName():
            return Reason.HOST_AUTH_REJECTED
        case asyncssh.ProtocolError() if _OF_LOGINS.search(str(error)):
            return Reason.HOST_AUTH_REJECTED
        case (
            asyncssh.KeyExchangeFailed()
            | asyncssh.ProtocolError()
            | asyncssh.ProtocolNotSupported()
            | asyncssh.MACError()
            | asyncssh.CompressionError()
        ):
            return Reason.HOST_PROTOCOL
    return Reason.HOST_INCOMPLETE


def _system_reason(error: OSError) -> Reason:
    """Several addresses may have been tried; being refused by all of them is being refused."""
    numbers = _numbers(error)
    if isinstance(error, TimeoutError) or numbers == {errno.ETIMEDOUT}:
        return Reason.HOST_TIMEOUT
    if numbers & EXHAUSTED:
        return Reason.INTERNAL_EXHAUSTED  # our own shortage says nothing about the host
    if numbers == {errno.ECONNREFUSED}:
        return Reason.HOST_REFUSED
    if numbers and numbers <= _RESET:
        return Reason.HOST_INCOMPLETE
    return Reason.HOST_UNREACHABLE


def _numbers(error: OSError) -> set[int]:
    return {error.errno} if error.errno else {int(number) for number in _NUMBER.findall(str(error))}
