"""asyncssh's client connection at less cost: fewer writes, fewer round trips, no log.

asyncssh hands each packet to the socket by itself, and puts an empty one before most of them, which protects the
ciphers of CBC mode alone (RFC 4251 section 9.3.1; OpenSSH does so for none but these). It asks first whether nobody
need prove anything, then whether a key would do, then proves it: RFC 4252 section 7 lets a client begin with the proof.
It prepares the words of its log before it looks whether anybody wants them. Of 23 writes to a fresh host ten are left,
of 14 over a kept connection five; of six round trips of a login four.

The writes and the log go through public seams. What a login begins with is asyncssh's own knowledge: where a release of
it keeps that under another name, a login takes its six round trips again, a test tells. So is what a kept connection
still holds of its login, a quarter of its memory: under another name it stays.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

import asyncssh
from asyncssh.logging import SSHLogger
from asyncssh.packet import Boolean, PacketDecodeError, SSHPacket
from asyncssh.public_key import SSHLocalKeyPair

from scanner.hosts import turns
from scanner.hosts.ssh.fewer_writes import GatheringTransport

MSG_IGNORE = 2
"""RFC 4253 section 11.2."""

MSG_USERAUTH_FAILURE = 51
"""RFC 4252 section 5.1: the methods that can go on, whether the one that was tried succeeded."""

_VERSION = b"SSH-"
"""RFC 4253 section 4.2: what a server's version begins with, on a line of its own; a line before it is a greeting."""

MAX_GREETING_BYTES = 1024
"""Of what is said before it the beginning is kept: one line of it is shown."""

_NONE, _PUBLIC_KEY = b"none", b"publickey"
_OF_THE_LOGIN = {"_client_kexinit": b"", "_server_kexinit": b"", "_server_sig_algs": frozenset(), "_client_keys": ()}
"""The two proposals of the last key exchange, what the server said of signatures, our keys."""

_UNPROVEN, _PROVEN = map(Boolean, (False, True))


class Silent(SSHLogger):
    """Says nothing, at no cost: what asyncssh would log are servers' words, and we tell each ending as a value."""

    def get_child(self, child: str = "", context: str = "") -> Silent:
        """Itself."""
        del child, context
        return self

    def log(self, level: int, msg: object, *args: Any, **kwargs: Any) -> None:
        """Nothing."""

    def packet(self, pktid: int | None, packet: bytes, msg: str, *args: Any, **kwargs: Any) -> None:
        """Nothing."""


class ClientConnection(asyncssh.SSHClientConnection):
    """A client's connection that sends no empty packets where no cipher on offer needs them, and logs in with its proof."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, options: asyncssh.SSHClientConnectionOptions, *, wait: str
    ) -> None:
        super().__init__(loop, options, wait=wait)
        self._loop_of_writes = loop
        self._needs_empty = any(b"cbc" in name for name in options.encryption_algs)
        self._proof_first = any(map(_signs_at_once, options.client_keys or ()))
        self._asked_without_proof = not self._proof_first
        self._descriptor = -1
        self._is_ssh = False
        self._greeting, self._last = b"", b"\n"
        self.asked_besides = b""
        """What else the server wants of somebody whose key it took."""

    @property
    def logger(self) -> SSHLogger:
        """One that says nothing."""
        return _SILENT

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Write through a gathering transport where it is a socket's, which waits for its turn."""
        if isinstance(transport, asyncio.Transport):
            self._descriptor = turns.take_turns(self._loop_of_writes, transport)
            transport = GatheringTransport(transport, self._loop_of_writes)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None = None) -> None:
        """Its socket is closed next."""
        turns.leave(self._loop_of_writes, self._descriptor)
        super().connection_lost(exc)

    @property
    def said_instead(self) -> bytes:
        """What the server said in place of its version; of a version that was cut off nothing."""
        return b"" if self._is_ssh or _VERSION.startswith(self._greeting) else self._greeting

    def data_received(self, data: bytes, datatype: asyncssh.DataType = None) -> None:
        """Take down what is said before there is any SSH."""
        if not self._is_ssh:
            heard = self._last + data
            self._is_ssh, self._last = b"\n" + _VERSION in heard, heard[-len(_VERSION) :]
            self._greeting += data[: MAX_GREETING_BYTES - len(self._greeting)]
        super().data_received(data, datatype)

    def send_packet(self, pkttype: int, *args: bytes, **options: Any) -> None:
        """Every packet but empty ones to be ignored."""
        if pkttype != MSG_IGNORE or self._needs_empty:
            super().send_packet(pkttype, *args, **options)

    def log_sent_packet(self, *_packet: object, **_note: object) -> None:
        """Nothing."""

    def log_received_packet(self, pkttype: int, pktid: int | None, packet: bytes | SSHPacket, note: str = "") -> None:
        """Nothing; what a server asks for beside a key that it took is noted."""
        del pktid, note
        if pkttype == MSG_USERAUTH_FAILURE and isinstance(packet, SSHPacket):
            said = SSHPacket(packet.get_remaining_payload())
            with contextlib.suppress(PacketDecodeError):  # whoever reads the packet itself tells that
                methods, is_partial = said.get_namelist(), said.get_boolean()
                self.asked_besides = b",".join(methods) if is_partial else self.asked_besides

    def try_next_auth(self, *, next_method: bool = False) -> None:
        """Begin with the key; whether nobody need prove anything is asked last, where a server refused it."""
        methods = getattr(self, "_auth_methods", None)
        if methods == [_NONE] and not self._asked_without_proof and self._proof_first:
            methods[:] = [_PUBLIC_KEY]
            self._proof_first = False
        elif methods is not None and not self._asked_without_proof and len(methods) == int(next_method):
            self._asked_without_proof = True  # nothing else is left
            methods.append(_NONE)
        super().try_next_auth(next_method=next_method)

    def settle(self, common: asyncssh.SSHClientConnectionOptions) -> None:
        """Let go of what only the login needed; what sessions ask of options they ask of those ``common`` to all.

        A key exchange begins with new proposals of both sides, to the same algorithms, with the same host keys.
        """
        for name, less in ({"_options": common} | _OF_THE_LOGIN).items():
            if hasattr(self, name):
                setattr(self, name, less)

    async def send_userauth_request(self, method: bytes, *args: bytes, key: Any = None, trivial: bool = True) -> None:
        """Prove the possession of a key at once instead of asking first whether it would do."""
        pair = getattr(getattr(self, "_auth", None), "_keypair", None)
        if method == _PUBLIC_KEY and key is None and args[:1] == (_UNPROVEN,) and pair and _signs_at_once(pair):
            args, key, trivial = (_PROVEN, *args[1:]), pair, False
        await super().send_userauth_request(method, *args, key=key, trivial=trivial)


def _signs_at_once(pair: object) -> bool:
    """Whether a signature costs neither a question to an agent nor a touch of a security key."""
    return isinstance(pair, SSHLocalKeyPair) and not pair.algorithm.startswith(b"sk-")


_SILENT = Silent(logging.getLogger(__name__))
