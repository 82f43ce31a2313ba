"""One connection: dialled within its deadline, asked one question, never believed without its end."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import TYPE_CHECKING

import asyncssh

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.hosts import refusal
from scanner.hosts.ssh.client_connection import ClientConnection
from scanner.hosts.ssh.failure import GreetingError, NoSessionError, SecondFactorError

if TYPE_CHECKING:
    from collections.abc import Callable

HAPPY_EYEBALLS_S = 0.25
"""RFC 8305's delay before the next address is tried beside a silent one."""

_ENDINGS = (asyncssh.ConnectionLost, asyncssh.ProtocolError, ConnectionError, TimeoutError)
"""How a connection ends behind which there is no SSH server: it speaks first and waits, or takes our version for a mistake."""


async def dial(
    options: asyncssh.SSHClientConnectionOptions,
    tunnel: asyncssh.SSHClientConnection | None,
    abandon: Callable[[asyncssh.SSHClientConnection], None],
    within_s: float,
    wait: str = "auth",
) -> ClientConnection:
    """A connection that is logged in ``within_s``.

    With ``wait="kex"`` it is one to a server that has shown its key, with nobody logged in. What was begun when it fails
    goes to ``abandon``: waiting here for its end could hang (asyncssh#634).

    Raises:
        SecondFactorError: the key was taken, and is not enough.
        GreetingError: something answers that is no SSH server, whether it then ends the connection or waits for more.
        asyncssh.Error: or OSError or ValueError; ``failure.classify`` knows them all.
    """
    loop = asyncio.get_running_loop()
    begun: list[ClientConnection] = []

    def begin() -> ClientConnection:
        connection = ClientConnection(loop, options, wait=wait)
        begun.append(connection)
        return connection

    try:
        async with asyncio.timeout(within_s):
            if tunnel is None:
                await loop.create_connection(
                    begin, options.host, options.port, family=options.family, happy_eyeballs_delay=_delay(options.host)
                )
            else:
                await tunnel.create_connection(begin, options.host, options.port)  # type: ignore[arg-type] # a connection is a session of its tunnel
            await options.waiter  # type: ignore[misc] # set by options.for_host
    except BaseException as error:
        for connection in begun:
            abandon(connection)
        asked = next(filter(None, (connection.asked_besides for connection in begun)), b"")
        if asked and isinstance(error, Exception):  # whoever gave up, or was interrupted, is to learn of that
            raise SecondFactorError(asked) from error
        greeting = next(filter(None, (connection.said_instead for connection in begun)), b"")
        if greeting and isinstance(error, _ENDINGS):
            raise GreetingError(greeting) from error
        raise
    return begun[-1]


def _delay(address: str) -> float | None:
    """Only a name has several addresses; racing a single one gains nothing, and a cancelled race can lose its socket."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return HAPPY_EYEBALLS_S
    return None


class LoginListener(asyncssh.SSHClient):
    """Hears what a server says before anybody is logged in; the end of it is kept."""

    def __init__(self) -> None:
        self.words = b""

    def auth_banner_received(self, msg: str, lang: str) -> None:
        """A banner: the terms of use, or why the account does not let anybody in."""
        del lang
        self.words = (self.words + msg.encode("utf-8", "replace"))[-refusal.MAX_WORDS_BYTES :]


class CommandOutput(asyncssh.SSHClientSession[bytes]):
    """Standard output of one command, kept up to a limit; of standard error only the end is."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._length = 0
        self._words = b""
        self._status: int | None = None
        self._signal = ""
        self._channel: asyncssh.SSHClientChannel[bytes] | None = None
        self.ended: asyncio.Future[BaseException | None] = asyncio.get_running_loop().create_future()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        """Notes the channel, to close it when it says too much."""
        self._channel = chan

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        """Keeps standard output, never more than the limit."""
        if datatype is not None:
            self._words = (self._words + data[-refusal.MAX_WORDS_BYTES :])[-refusal.MAX_WORDS_BYTES :]
            return
        if self._length > self._limit:
            return
        self._length += len(data)
        if self._length > self._limit:
            self._parts.clear()
            self._end(None)
            if self._channel:
                self._channel.abort()
            return
        self._parts.append(data)

    def exit_status_received(self, status: int) -> None:
        """Notes how the command ended."""
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:  # noqa: FBT001 - asyncssh's signature
        """Notes what killed the command."""
        del core_dumped, msg, lang
        self._signal = signal

    def connection_lost(self, exc: Exception | None) -> None:
        """The channel is closed: only now is the answer complete."""
        self._end(exc)

    def _end(self, exc: BaseException | None) -> None:
        if not self.ended.done():
            self.ended.set_result(exc)

    @property
    def is_empty(self) -> bool:
        """Whether the host has said nothing yet."""
        return self._length == 0

    def value(self) -> bytes | Failure:
        """The whole output of a command that said that it succeeded."""
        if self._length > self._limit:
            return Failure(
                Reason.HOST_TOO_LARGE, f"the answer is longer than {self._limit} bytes", setting="ssh.max_output"
            )
        if self._signal:
            return Failure(Reason.HOST_INCOMPLETE, f"the command was killed by SIG{self._signal[:16]}")
        if self._status is None:
            return Failure(Reason.HOST_INCOMPLETE, "the command ended without an exit status")
        if self._status != 0:
            return refusal.refused(self._status, self._words, b"".join(self._parts)[-refusal.MAX_WORDS_BYTES :])
        return b"".join(self._parts)


async def open_answer(
    connection: asyncssh.SSHClientConnection, limit: int, command: str
) -> tuple[asyncssh.SSHClientChannel[bytes], CommandOutput]:
    """A channel in which the command has been started.

    Raises:
        NoSessionError: the server opens none, such as MaxSessions 0 has it.
        asyncssh.Error: or OSError, where the connection no longer works.
    """
    try:
        channel, session = await connection.create_session(
            lambda: CommandOutput(limit), command, encoding=None, request_pty=False
        )
    except asyncssh.ChannelOpenError as error:
        if connection.is_closed():
            raise
        raise NoSessionError(error.reason) from error
    if not isinstance(session, CommandOutput):  # pragma: no cover - it is what the factory made
        raise TypeError(type(session))
    return channel, session


async def ask(channel: asyncssh.SSHClientChannel[bytes], answer: CommandOutput, script: bytes) -> bytes | Failure:
    """What the command answers to the script on its standard input.

    Raises:
        Exception: what ended the connection, if it ended before the command did.
    """
    try:
        channel.write(script)
        channel.write_eof()
    except (OSError, asyncssh.Error):
        pass  # a forced command may be done before it was asked; its answer tells
    lost = await answer.ended
    if lost is not None:
        raise lost
    return answer.value()
