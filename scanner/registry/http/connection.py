"""A connection over which one request after the other goes in HTTP/1.1, spelt by h11.

httpcore's own takes locks, though its pool hands it to one request at a time, and each lets the event loop turn; it notes
five steps of each request for a trace that nobody reads. While a fleet is scanned a turn takes milliseconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, cast

import h11
import httpcore

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence

    from scanner.registry.http.proxy import Proxy
    from scanner.registry.http.sockets import AsyncioBackend

MAX_HEAD_BYTES = 32 << 10
"""Of an answer's head, or of one piece more; that of a redirect may have 16 KiB. Lines of three bytes cost four microseconds each."""

HEAD_PIECE_BYTES = 8 << 10
"""What is taken at once of a head: a usual one is in it."""

READ_BYTES = 64 << 10
"""What is taken at once of a body."""

CHUNKED_READ_BYTES = 16 << 10
"""The same of one in chunks: lines like those of a head may stand behind it, and all that are there are read in one step."""

NOTHING_MORE = (b"", False)
"""Neither bytes nor the end, as h11 tells it."""

PARTS_A_TURN = 64
"""Parts of an answer after which others have their turn: one in pieces of a byte has a hundred thousand that are there at once."""


class Connection:
    """To one origin, be it through a proxy, made with the first request.

    Whoever has it sends one, reads its answer, then tells that it is ``done``.
    """

    def __init__(
        self,
        origin: httpcore.Origin,
        backend: AsyncioBackend,
        context: ssl.SSLContext,
        keep_for_s: float,
        proxy: Proxy | None = None,
    ) -> None:
        self.origin = origin
        self._backend, self._context, self._keep_for_s, self._proxy = backend, context, keep_for_s, proxy
        self._stream: httpcore.AsyncNetworkStream | None = None
        self._http = h11.Connection(h11.CLIENT, MAX_HEAD_BYTES)
        self._kept_until: float | None = None
        self._parts, self._read_bytes = 0, READ_BYTES

    @property
    def is_idle(self) -> bool:
        """Whether it can take another request."""
        return self._kept_until is not None

    @property
    def still_stands(self) -> bool:
        """Whether it is idle, for not too long, and the server has not ended it: it has nothing to say without a request."""
        if self._stream is None or self._kept_until is None or time.monotonic() > self._kept_until:
            return False
        return not self._stream.get_extra_info("is_readable")

    async def send(self, request: httpcore.Request) -> tuple[int, list[tuple[bytes, bytes]], dict[str, Any]]:
        """Status, headers and what else is told of the answer, once its head is there.

        Raises:
            httpcore.NetworkError: or another of httpcore's; the connection is closed then.
        """
        self._kept_until, self._parts = None, 0
        timeouts = request.extensions.get("timeout", {})
        if self._stream is None:
            self._stream = await self._connected(timeouts)
        try:
            with contextlib.suppress(httpcore.WriteError):  # a server may answer first, then listen no longer
                await self._stream.write(await self._written(request), timeouts.get("write"))
            head = await self._head(self._http, self._stream, timeouts.get("read"))
        except BaseException:
            await self.aclose()
            raise
        is_chunked = any(name == b"transfer-encoding" for name, _ in head.headers)
        self._read_bytes = CHUNKED_READ_BYTES if is_chunked else READ_BYTES
        extensions = {"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason}
        return head.status_code, head.headers.raw_items(), extensions

    async def body(self, within_s: float | None) -> AsyncIterator[bytes]:
        """The pieces of the answer's body, each within so many seconds.

        Raises:
            httpcore.NetworkError: or another of httpcore's.
        """
        assert self._stream is not None  # noqa: S101 -- its head has come
        while True:
            event = await self._event(self._http, self._stream, within_s)
            if isinstance(event, h11.Data):
                yield bytes(event.data)
            elif isinstance(event, h11.EndOfMessage) or event is h11.PAUSED:
                return

    async def done(self) -> None:
        """The answer is read, as far as anybody wants it: stay open where it ended, else close.

        What came behind its end (a body with an answer to HEAD) would be taken for the answer to the next request.
        """
        is_whole = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if is_whole and self._http.trailing_data == NOTHING_MORE:
            self._http.start_next_cycle()
            self._kept_until = time.monotonic() + self._keep_for_s
        else:
            await self.aclose()

    async def aclose(self) -> None:
        """Close it at once."""
        self._kept_until = None
        if self._stream is not None:
            await self._stream.aclose()

    async def _connected(self, timeouts: Mapping[str, float | None]) -> httpcore.AsyncNetworkStream:
        within_s = timeouts.get("connect")
        if self._proxy is None:
            stream = await self._opened(self.origin, within_s)
        else:
            stream = await self._opened(self._proxy.origin, within_s)
            if self._proxy.origin.scheme == b"https":
                stream = await _under_tls(stream, self._proxy.origin, self._proxy.context, within_s)
            if self.origin.scheme == b"https":
                await self._pass_through(self._proxy, stream, timeouts)
        if self.origin.scheme != b"https":
            return stream
        return await _under_tls(stream, self.origin, self._context, within_s)

    async def _opened(self, origin: httpcore.Origin, within_s: float | None) -> httpcore.AsyncNetworkStream:
        return await self._backend.connect_tcp(origin.host.decode("ascii"), origin.port, within_s)

    async def _pass_through(
        self, proxy: Proxy, stream: httpcore.AsyncNetworkStream, timeouts: Mapping[str, float | None]
    ) -> None:
        """Have the proxy make a tunnel to the origin."""
        try:
            refusal = await self._refusal(proxy, stream, timeouts)
        except BaseException:
            await stream.aclose()
            raise
        if refusal is not None:
            await stream.aclose()
            raise httpcore.ProxyError(refusal)

    async def _refusal(
        self, proxy: Proxy, stream: httpcore.AsyncNetworkStream, timeouts: Mapping[str, float | None]
    ) -> str | None:
        """Why there is no tunnel; what a proxy says behind its own answer is nobody's word."""
        asked = h11.Connection(h11.CLIENT, MAX_HEAD_BYTES)
        with contextlib.suppress(httpcore.WriteError):
            await stream.write(_spelt(asked, b"CONNECT", *proxy.to_connect(self.origin)), timeouts.get("write"))
        answer = await self._head(asked, stream, timeouts.get("read"))
        if asked.their_state is not h11.SWITCHED_PROTOCOL:
            return f"{answer.status_code} {answer.reason.decode('ascii', 'ignore')}"
        return None if asked.trailing_data == NOTHING_MORE else "the proxy speaks before the server does"

    async def _written(self, request: httpcore.Request) -> bytes:
        """The whole request; those of ours have no body, or a short one."""
        target, headers = request.url.target, request.headers
        if self._proxy is not None and self.origin.scheme != b"https":
            target, headers = self._proxy.to_pass_on(request)
        pieces = [piece async for piece in cast("AsyncIterable[bytes]", request.stream)]
        return _spelt(self._http, request.method, target, headers, pieces)

    async def _head(
        self, http: h11.Connection, stream: httpcore.AsyncNetworkStream, within_s: float | None
    ) -> h11.Response:
        while not isinstance(head := await self._event(http, stream, within_s), h11.Response):
            pass
        return head

    async def _event(self, http: h11.Connection, stream: httpcore.AsyncNetworkStream, within_s: float | None) -> Any:
        self._parts += 1
        if not self._parts % PARTS_A_TURN:
            await asyncio.sleep(0)
        try:
            while (event := http.next_event()) is h11.NEED_DATA:
                is_head = http.their_state is h11.SEND_RESPONSE
                data = await stream.read(HEAD_PIECE_BYTES if is_head else self._read_bytes, within_s)
                if not data and is_head:
                    raise httpcore.RemoteProtocolError("Server disconnected without sending a response.")
                http.receive_data(data)
        except h11.RemoteProtocolError as error:
            raise httpcore.RemoteProtocolError(str(error)) from error
        return event


async def _under_tls(
    stream: httpcore.AsyncNetworkStream, origin: httpcore.Origin, context: ssl.SSLContext, within_s: float | None
) -> httpcore.AsyncNetworkStream:
    context.set_alpn_protocols(["http/1.1"])
    return await stream.start_tls(context, origin.host.decode("ascii"), within_s)


def _spelt(
    http: h11.Connection, method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], pieces: Sequence[bytes] = ()
) -> bytes:
    try:
        parts = [http.send(h11.Request(method=method, target=target, headers=headers))]
        parts.extend(http.send(h11.Data(data=piece)) for piece in pieces)
        parts.append(http.send(h11.EndOfMessage()))
    except h11.LocalProtocolError as error:
        raise httpcore.LocalProtocolError(str(error)) from error
    return b"".join(part for part in parts if part)
