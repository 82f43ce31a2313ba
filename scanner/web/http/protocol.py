"""HTTP/1.1 that closes connections on which no request arrives in time, or no answer is taken.

uvicorn stops its keep-alive timer at the first byte, so that a client sending one byte a minute stays for ever
(the slow-loris attack); this timer stops only once the head of a request is complete. A body in pieces of one byte
would keep the event loop for seconds, a client that reads nothing would keep its answer in memory for ever.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from scanner.web.http.limits import HEAD_TOO_LARGE, MAX_HEAD_BYTES, SECURITY_HEADERS
from scanner.web.http.problem import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

CROWDED = "archscan.crowded"
"""The key of a request's scope that tells that there are more connections than are served."""

HEAD_WITHIN_S = 10.0
"""From the connection, or from the first byte after an answer, to the end of the request's head."""


TAKEN_WITHIN_S = 20.0
"""From a full buffer to one that is nearly empty, some 64 KiB: whoever is slower than that does not read at all."""

MAX_PIECES = 1024
"""Of one body, however it is cut: 64 bytes each of the largest. Each costs the event loop some 25 microseconds."""


class PunctualProtocol(H11Protocol):
    """uvicorn's protocol with deadlines for the head of each request and for the taking of its answer."""

    conn: _Connection
    _deadline: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None
    _since = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conn = _Connection(h11.SERVER, MAX_HEAD_BYTES)

    @property
    def waits_since(self) -> float | None:
        """Since when nobody but the client can go on (of the loop's clock); ``None`` while we are at work for it."""
        waits = self._is_idle or self.cycle.more_body or self.flow.write_paused
        return self._since if waits else None

    def crowd(self) -> None:
        """There are too many connections: this one is only told how things are."""
        self.app = _Crowded(self.app)

    def end(self) -> None:
        """Close it at once; it counts no more."""
        self.connections.discard(self)
        self.transport.abort()

    def send_400_response(self, msg: str) -> None:
        """What cannot be read as a request is refused with a problem document, as everything else is."""
        answer = Problem(400, *(HEAD_TOO_LARGE if self.conn.is_head_too_large else ("malformed", msg))).response()
        answer.headers.update({**SECURITY_HEADERS, "connection": "close"})
        head = h11.Response(status_code=400, headers=answer.raw_headers, reason=HTTPStatus.BAD_REQUEST.phrase)
        # No answer to HEAD has a body; to what is answered already, or half, nothing is said.
        with suppress(h11.LocalProtocolError):
            for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
        self.transport.close()

    def connection_made(self, transport: Any) -> None:
        """Start the first deadline."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """No deadline outlives its connection."""
        self._stop_deadline()
        self._taken()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The first byte after an answer starts the next deadline; an idle connection has uvicorn's timer."""
        if self._deadline is None and self._is_idle:
            self._set_deadline()
        for at in range(0, len(data), MAX_HEAD_BYTES):  # a head is refused only if it comes in pieces
            if self.transport.is_closing():
                return
            super().data_received(data[at : at + MAX_HEAD_BYTES])

    def pause_writing(self) -> None:
        """The client does not take its answer as fast as it is made; not at all, if it still does not in a while."""
        super().pause_writing()
        if self._stalled is None:
            self._stalled = self.loop.call_later(TAKEN_WITHIN_S, self.end)

    def resume_writing(self) -> None:
        """It took it."""
        super().resume_writing()
        self._taken()

    def _taken(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def on_response_complete(self) -> None:
        """The request is done; the next one, which may have begun already, has its own deadline."""
        self._stop_deadline()
        self._since = self.loop.time()
        super().on_response_complete()
        if self._is_idle and self.conn.trailing_data[0]:
            self._set_deadline()

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _set_deadline(self) -> None:
        self._stop_deadline()
        self._deadline = self.loop.call_later(HEAD_WITHIN_S, self._too_late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        # A request under way has its own deadlines: its body while it is read, its work while it is done.
        self._deadline = None
        if self._is_idle:
            self.transport.abort()


class _Connection(h11.Connection):
    """Counts the pieces of each body; keeps whether it was a head's length for which a request could not be read."""

    is_head_too_large = False
    _pieces = 0

    def next_event(self) -> Any:
        """The next part of a request.

        Raises:
            h11.RemoteProtocolError: a body in too many pieces.
        """
        reads_head = self.their_state is h11.IDLE
        try:
            event = super().next_event()
            self._count(event)
        except h11.RemoteProtocolError as error:
            too_large = error.error_status_hint == HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self.is_head_too_large = reads_head and too_large
            raise
        return event

    def _count(self, event: Any) -> None:
        if isinstance(event, h11.Request):
            self._pieces = 0
        elif isinstance(event, h11.Data):
            self._pieces += 1
            if self._pieces > MAX_PIECES:
                raise h11.RemoteProtocolError(f"a body in more than {MAX_PIECES} pieces")


class _Crowded:
    """Marks requests as too many; what they ask for decides what that means (``GuardedRoute``)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._app({**scope, CROWDED: True}, receive, send)
