"""Hosts that are asked over SSH by a process beside this one, which has work enough with what they answer."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import structlog

from scanner.formats.parsing.offload_worker import pickled
from scanner.hosts.ssh.fetching import ASKED, MAX_WORDS_BYTES, TOLD, Told, failure_of, sentences_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.failure import Failure
    from scanner.domain.host import Host
    from scanner.hosts.source import HostSource
    from scanner.hosts.ssh.config import SshConfig

log = structlog.get_logger(__name__)

BOOT = "import sys,json;sys.path[:]=json.loads(sys.argv[1]);from scanner.hosts.ssh.fetcher_process import main;main()"

KEPT_ENVIRONMENT = (
    "PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "RES_OPTIONS", "LOCALDOMAIN", "HOSTALIASES",
)  # fmt: skip
"""How files and hosts are named here; nothing that is a login."""

START_WITHIN_S = 60.0
"""It imports in one second, on a busy machine in ten; one that hangs must not keep the command from its own deadline."""


class _GoneError(Exception):
    """The process is no more."""


class FetcherError(RuntimeError):
    """A bug in the process, told by the kind and text of its exception."""


class Fetcher:
    """A process that asks hosts over SSH (``HostSource``), started at once: it imports while whoever started it does.

    It is told where keys are, never a key. Should it end before its time, another source asks, in this process, the hosts
    that it had not answered for by then, so that each has its one reading.

    Raises:
        OSError: no process can be started.
    """

    def __init__(self, config: SshConfig) -> None:
        self._config = config
        self._instead: Callable[[], HostSource] | None = None
        self._other: HostSource | None = None
        self._link: _Link | None = None
        self._turn = asyncio.Lock()
        self._socket, theirs = socket.socketpair()
        places = [os.path.abspath(path) for path in sys.path]  # noqa: PTH100 -- text
        try:
            with theirs:
                self.process = subprocess.Popen(  # noqa: S603 -- our own interpreter
                    [sys.executable, "-I", "-S", "-c", BOOT, json.dumps(places)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,  # the log is the command's: it is told of bugs
                    env={name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ},
                    start_new_session=True,  # an interrupt from the terminal is for the command, which ends it
                )
        except OSError:
            self._socket.close()
            raise

    def open(self, instead: Callable[[], HostSource]) -> tuple[str, ...]:
        """Have it read its keys; what is wrong with them. Blocks until it has imported what it needs.

        ``instead`` gives the source that asks should the process end; one that ended by now is told as its own keys are.
        """
        self._instead = instead
        self._socket.settimeout(START_WITHIN_S)
        try:
            self._socket.sendall(_asked(0, pickled(self._config)))
            _, kind, length = TOLD.unpack(self._taken(TOLD.size))
            return sentences_of(self._taken(min(length, MAX_WORDS_BYTES))) if kind == Told.TROUBLES else ()
        except (OSError, ValueError):
            self._lose()
            return ()

    def _taken(self, length: int) -> bytes:
        found = b""
        while len(found) < length:
            if not (piece := self._socket.recv(length - len(found))):
                raise ConnectionResetError
            found += piece
        return found

    async def read(self, host: Host) -> bytes | Failure:
        """The host's answer (``HostSource``)."""
        if self._other is None:
            try:
                return await (await self._linked()).read(host)
            except _GoneError:
                self._lose()
        assert self._other is not None  # noqa: S101 -- since it was lost
        return await self._other.read(host)

    async def _linked(self) -> _Link:
        async with self._turn:
            if self._link is None:
                loop = asyncio.get_running_loop()
                most = max(self._config.max_output_bytes, MAX_WORDS_BYTES)
                _, self._link = await loop.create_connection(lambda: _Link(most), sock=self._socket)
            return self._link

    def _lose(self) -> None:
        """It has ended, or says what none of ours does: this process does its work from now on."""
        assert self._instead is not None  # noqa: S101 -- it was opened
        if self._other is None:
            self.end()
            log.warning("fetcher_ended", status=self.process.returncode)
            self._other = self._instead()

    async def close(self) -> None:
        """End it, with all its connections."""
        self.end()
        if self._link is not None:
            await self._link.closed
        if self._other is not None:
            await self._other.close()

    def end(self) -> None:
        """The same, for whoever cannot wait for what else is open."""
        if self._link is None:
            self._socket.close()
        self.process.kill()
        self.process.wait()


class _Link(asyncio.Protocol):
    """What this process asks, each question with a number, and what it is told, ``most`` bytes at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._waiting: dict[int, asyncio.Future[bytes | Failure]] = {}
        self._heard = bytearray()
        self._numbers = itertools.count(1)
        self._transport: asyncio.Transport | None = None
        self.closed = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        """Both may speak."""
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever waits learns that the process is no more."""
        del exc
        self._transport = None
        for told in self._waiting.values():
            if not told.done():
                told.set_exception(_GoneError())
        self._waiting.clear()
        self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        """Tell whoever waits for what came; a process that says anything else is as good as gone."""
        self._heard += data
        try:
            self._take()
        except ValueError:
            if self._transport is not None:
                self._transport.abort()

    def _take(self) -> None:
        heard, at = self._heard, 0
        while len(heard) - at >= TOLD.size:
            number, kind, length = TOLD.unpack_from(heard, at)
            if length > self._most:
                raise ValueError("more than any host may say")
            begins = at + TOLD.size
            if len(heard) - begins < length:
                break
            at = begins + length
            said = _said(Told(kind), bytes(memoryview(heard)[begins:at]))
            told = self._waiting.pop(number, None)
            if told is None or told.done():
                continue
            if isinstance(said, FetcherError):
                told.set_exception(said)
            else:
                told.set_result(said)
        del heard[:at]

    async def read(self, host: Host) -> bytes | Failure:
        """What the process says of a host.

        Raises:
            _GoneError: it is no more.
        """
        if self._transport is None:
            raise _GoneError
        number = next(self._numbers)
        told: asyncio.Future[bytes | Failure] = asyncio.get_running_loop().create_future()
        self._waiting[number] = told
        self._transport.write(_asked(number, pickled(replace(host, planned=()) if host.planned else host)))
        try:
            return await told
        except asyncio.CancelledError:
            self._waiting.pop(number, None)
            if self._transport is not None:
                self._transport.write(_asked(number, b""))
            raise


def _asked(number: int, payload: bytes) -> bytes:
    return ASKED.pack(number, len(payload)) + payload


def _said(kind: Told, payload: bytes) -> bytes | Failure | FetcherError:
    """What a message says of a host.

    Raises:
        ValueError: it says nothing of one.
    """
    if kind is Told.ANSWER:
        return payload
    if kind is Told.FAILURE:
        return failure_of(payload)
    if kind is not Told.BUG:
        raise ValueError("no host is read before the keys are")
    what, *where = sentences_of(payload)
    bug = FetcherError(what)
    for each in where:
        bug.add_note(each)
    return bug
