"""Connections on asyncio's transports; httpcore's own fit every loop at a quarter of a request's cost."""

from __future__ import annotations

import asyncio
import select
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import httpcore

from scanner import descriptors
from scanner.registry.http.connection_limit import ConnectionLimit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MAX_AHEAD_BYTES = 64 << 10
"""What is taken from the system before somebody asks for it: as much as is read at once of a body; asyncio may add 256 KiB."""


class AsyncioBackend:
    """Connects in the running event loop, as often at once as there are ``places``."""

    def __init__(self, places: ConnectionLimit | None = None) -> None:
        self._places = places or ConnectionLimit(descriptors.for_registries())

    async def connect_tcp(self, host: str, port: int, timeout: float | None = None) -> httpcore.AsyncNetworkStream:
        """A connection to this address."""
        loop = asyncio.get_running_loop()
        place = await _Place.of(self._places, self)
        try:
            async with _connecting(timeout):
                transport, received = await loop.create_connection(_Received, host, port)
        except BaseException:
            place.leave()
            raise
        return _Stream(transport, received, place)


class _Place:
    """One of the places, given back once."""

    def __init__(self, places: ConnectionLimit, who: AsyncioBackend) -> None:
        self._places, self._who, self._is_held = places, who, True

    @classmethod
    async def of(cls, places: ConnectionLimit, who: AsyncioBackend) -> _Place:
        """Wait for it.

        Raises:
            OSError: there was none in time.
        """
        await places.enter(who)
        return cls(places, who)

    def leave(self) -> None:
        """Whoever waits may have it."""
        if self._is_held:
            self._is_held = False
            self._places.leave(self._who)


class _Received(asyncio.Protocol):
    """What has come over one connection, at most ``MAX_AHEAD_BYTES`` and what asyncio reads at once; who waits for it."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._held = bytearray()
        self._is_full = False
        self._news: asyncio.Future[None] | None = None
        self._room: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self.ended = False

    @property
    def is_there(self) -> bool:
        """Whether a read would not wait."""
        return self.ended or bool(self._held)

    @property
    def holds(self) -> bool:
        """Whether a read would give something."""
        return bool(self._held)

    async def taken(self, max_bytes: int) -> bytes:
        """What is there, or comes; empty at the end.

        Raises:
            OSError: the connection broke before anything more came.
        """
        if not self.is_there:
            self._news = asyncio.get_running_loop().create_future()
            try:
                await self._news
            finally:
                self._news = None
        if not self._held and self._error is not None:
            raise self._error
        found = bytes(self._held[:max_bytes])
        del self._held[:max_bytes]
        if self._is_full and self._transport is not None:
            self._is_full = False
            self._transport.resume_reading()
        return found

    @property
    def has_room(self) -> bool:
        """Whether what was written is mostly sent, over a connection that stands."""
        return self._room is None and not self.ended

    async def room(self) -> None:
        """Until what was written is mostly sent.

        Raises:
            OSError: the connection is broken.
        """
        if self._room is not None:
            await asyncio.shield(self._room)
        if self.ended and self._error is not None:
            raise self._error

    # ---------------------------------------------------------------- what the transport calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """From now on it can be told to wait."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Hold it; the sender waits while nobody takes it."""
        self._held += data
        if len(self._held) > MAX_AHEAD_BYTES and not self._is_full and self._transport is not None:
            self._is_full = True
            self._transport.pause_reading()
        _wake(self._news)

    def eof_received(self) -> None:
        """Nothing more comes; asyncio closes its side too."""
        self.ended = True
        _wake(self._news)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing more comes or goes."""
        self.ended, self._error = True, exc
        _wake(self._news)
        self.resume_writing()

    def pause_writing(self) -> None:
        """What was written is not taken."""
        self._room = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        """It was."""
        _wake(self._room)
        self._room = None


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


class _Stream(httpcore.AsyncNetworkStream):
    """One connection, plain or TLS."""

    def __init__(self, transport: asyncio.Transport, received: _Received, place: _Place) -> None:
        self._transport, self._received, self._place = transport, received, place

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What is there, or comes; empty at the end."""
        if self._received.holds:
            return await self._received.taken(max_bytes)
        async with _bounded(timeout, httpcore.ReadTimeout, httpcore.ReadError):
            return await self._received.taken(max_bytes)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send it."""
        if not buffer:
            return
        self._transport.write(buffer)
        if self._received.has_room:
            return
        async with _bounded(timeout, httpcore.WriteTimeout, httpcore.WriteError):
            await self._received.room()

    async def aclose(self) -> None:
        """Let go of it at once: nobody waits for what else would be said."""
        self._transport.abort()
        try:
            await asyncio.sleep(0)  # by then the socket is closed
        finally:
            self._place.leave()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        """The same connection under TLS."""
        try:
            async with _connecting(timeout):
                return await self._under_tls(ssl_context, server_hostname)
        except BaseException:
            await self.aclose()
            raise

    async def _under_tls(self, context: ssl.SSLContext, name: str | None) -> _Stream:
        """What came before TLS is nobody's word: it is refused, and what might still come of it read by nobody."""
        if self._received.holds:
            raise ssl.SSLError("the server speaks before TLS")
        if self._received.ended:
            raise ConnectionResetError("the connection was lost")
        received = _Received()
        transport = await asyncio.get_running_loop().start_tls(self._transport, received, context, server_hostname=name)
        if transport is None:
            raise ConnectionResetError("the connection was lost")
        received.connection_made(transport)
        return _Stream(transport, received, self._place)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection."""
        match info:
            case "ssl_object" | "socket":
                return self._transport.get_extra_info(info)
            case "client_addr":
                return self._transport.get_extra_info("sockname")
            case "server_addr":
                return self._transport.get_extra_info("peername")
            case "is_readable":
                return self._received.is_there or self._transport.is_closing() or _has_more(self._transport)
        return None


def _has_more(transport: asyncio.Transport) -> bool:
    """Whether something came that the event loop has not seen yet."""
    poll = select.poll()
    poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)
    return bool(poll.poll(0))


@asynccontextmanager
async def _bounded(
    timeout: float | None, late: type[httpcore.TimeoutException], broken: type[httpcore.NetworkError]
) -> AsyncIterator[None]:
    """Within ``timeout`` seconds; what goes wrong is an error of httpcore."""
    try:
        async with asyncio.timeout(timeout):
            yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error


@asynccontextmanager
async def _connecting(timeout: float | None) -> AsyncIterator[None]:
    """The same for what reaches a server; a name that none can have (a label of 70 signs) is a ``ValueError`` there."""
    try:
        async with _bounded(timeout, httpcore.ConnectTimeout, httpcore.ConnectError):
            yield
    except ValueError as error:
        raise httpcore.ConnectError(str(error)) from error
