"""HTTP/1.1 that closes connections on which no request arrives in time.

uvicorn stops its keep-alive timer at the first byte, so that a client sending one byte a minute stays for ever
(the slow-loris attack); this timer stops only once the head of a request is complete.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_WITHIN_S = 10.0
"""From the connection, or from the last answer, to the end of the next request's head."""


class PunctualProtocol(H11Protocol):
    """uvicorn's protocol with a deadline for the head of each request."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the first deadline."""
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """No deadline outlives its connection."""
        self._stop_deadline()
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Start the next deadline."""
        self._set_deadline()
        super().on_response_complete()

    def _set_deadline(self) -> None:
        self._stop_deadline()
        self._deadline = self.loop.call_later(HEAD_WITHIN_S, self._too_late)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        # A request under way has its own deadlines: its body while it is read, its work while it is done.
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()
