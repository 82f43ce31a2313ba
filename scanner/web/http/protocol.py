"""HTTP/1.1 that closes connections on which no request arrives in time.

uvicorn stops its keep-alive timer at the first byte, so that a client sending one byte a minute stays for ever
(the slow-loris attack); this timer stops only once the head of a request is complete.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

CROWDED = "archscan.crowded"
"""The key of a request's scope that tells that there are more connections than are served."""

HEAD_WITHIN_S = 10.0
"""From the connection, or from the first byte after an answer, to the end of the request's head."""


class PunctualProtocol(H11Protocol):
    """uvicorn's protocol with a deadline for the head of each request."""

    _deadline: asyncio.TimerHandle | None = None
    _since = 0.0

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

    def connection_made(self, transport: Any) -> None:
        """Start the first deadline."""
        super().connection_made(transport)
        self._since = self.loop.time()
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """No deadline outlives its connection."""
        self._stop_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """The first byte after an answer starts the next deadline; an idle connection has uvicorn's timer."""
        if self._deadline is None and self._is_idle:
            self._set_deadline()
        super().data_received(data)

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


class _Crowded:
    """Marks requests as too many; what they ask for decides what that means (``GuardedRoute``)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        await self._app({**scope, CROWDED: True}, receive, send)
