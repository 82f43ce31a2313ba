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

from scanner.formats.parsing.offload import value_of
from scanner.formats.parsing.offload_worker import pickled
from scanner.hosts.ssh.fetching import ASKED, TOLD, Told

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.failure import Failure
    from scanner.domain.host import Host
    from scanner.hosts.source import HostSource
    from scanner.hosts.ssh.config import SshConfig

log = structlog.get_logger(__name__)

BOOT = "import sys,json;sys.path[:]=json.loads(sys.argv[1]);from scanner.hosts.ssh.fetcher_process import main;main()"

KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG")
"""Nothing that is a login."""


class _GoneError(Exception):
    """The process is no more."""


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
                    env={name: os.environ[name] for name in KEPT_ENVIRONMENT if name in os.environ},
                    start_new_session=True,  # an interrupt from the terminal is for the command, which ends it
                )
        except OSError:
            self._socket.close()
            raise

    def open(self, instead: Callable[[], HostSource]) -> tuple[str, ...]:
        """Have it read its keys; what is wrong with them. Blocks until it has imported what it needs.

        ``instead`` gives the source that asks should the process end.
        """
        self._instead = instead
        try:
            self._socket.sendall(_asked(0, pickled(self._config)))
            _, kind, length = TOLD.unpack(self._taken(TOLD.size))
            troubles: tuple[str, ...] = value_of(self._taken(length)) if kind == Told.TROUBLES else ()
        except OSError:
            return ()  # it ended: whoever is asked next asks otherwise
        return troubles

    def _taken(self, length: int) -> bytes:
        found = self._socket.recv(length, socket.MSG_WAITALL)
        if len(found) < length:
            raise ConnectionResetError
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
                _, self._link = await loop.create_connection(_Link, sock=self._socket)
            return self._link

    def _lose(self) -> None:
        """It has ended: this process does its work from now on."""
        assert self._instead is not None  # noqa: S101 -- it was opened
        if self._other is None:
            log.warning("fetcher_ended", status=self.process.poll())
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
    """What this process asks, each question with a number, and what it is told."""

    def __init__(self) -> None:
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
        """Tell whoever waits for what came."""
        heard, at = self._heard, 0
        heard += data
        while len(heard) - at >= TOLD.size:
            number, kind, length = TOLD.unpack_from(heard, at)
            begins = at + TOLD.size
            if len(heard) - begins < length:
                break
            at = begins + length
            told = self._waiting.pop(number, None)
            if told is not None and not told.done():
                payload = bytes(memoryview(heard)[begins:at])
                told.set_result(payload if kind == Told.ANSWER else value_of(payload))
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
