"""Accepts connections: as many as there are descriptors for, making room by ending who keeps the server waiting."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from scanner.descriptors import EXTRA_CLIENTS, for_clients
from scanner.errors import EXHAUSTED

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from scanner.web.http.protocol import PunctualProtocol

log = structlog.get_logger(__name__)

AT_ONCE = 16
"""Connections accepted before the event loop gets its turn, at most."""

TURNS = 8
"""Of the event loop, which a connection is left at least: what its client has sent already is read in the fourth."""

HANDSHAKE_WITHIN_S = 10.0
"""From the connection to the end of the TLS handshake."""

PAUSE_S = 0.1
"""Nothing is accepted for so long where the system has no descriptor left."""

TELL_EVERY_S = 60.0
"""At most one line in the log of what strangers provoke."""


@dataclass(slots=True, eq=False)
class _Handshake:
    """A connection without a protocol yet."""

    accepted: socket.socket
    since: float
    task: asyncio.Task[None] | None = None


class Acceptor:
    """Takes connections from ``listener`` and gives each a protocol; ``context`` counts from the next connection on.

    ``connections`` are the protocols that are open, which add and remove themselves.
    """

    def __init__(
        self,
        listener: socket.socket,
        make: Callable[[], PunctualProtocol],
        connections: AbstractSet[PunctualProtocol],
        context: ssl.SSLContext | None,
    ) -> None:
        self._listener, self._make, self._connections, self.context = listener, make, connections, context
        self._limit = for_clients()
        self._at_once = max(1, min(AT_ONCE, self._limit // TURNS))
        self._handshakes: set[_Handshake] = set()
        self._loop = asyncio.get_running_loop()
        self._resume: asyncio.TimerHandle | None = None
        self._complaint = Complaint(self._loop.time)
        listener.setblocking(False)  # noqa: FBT003 -- the library's own signature

    def start(self) -> None:
        """Accept from now on."""
        self._resume = None
        self._loop.add_reader(self._listener, self._accept)

    def stop(self) -> None:
        """Accept nothing more; end what has no protocol yet."""
        self._loop.remove_reader(self._listener)
        if self._resume is not None:
            self._resume.cancel()
        for handshake in list(self._handshakes):
            self._drop(handshake)

    @property
    def _open(self) -> int:
        return len(self._connections) + len(self._handshakes)

    def _accept(self) -> None:
        for _ in range(self._at_once):
            try:
                accepted, _peer = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._exhausted(error)
                return
            self._take(accepted)

    def _take(self, accepted: socket.socket) -> None:
        if self._open >= self._limit and not self._make_room() and self._open >= self._limit + EXTRA_CLIENTS:
            self._complaint.tell("connections_refused", f"more than {self._limit} are open, all of them at work")
            accepted.close()
            return
        accepted.setblocking(False)  # noqa: FBT003 -- the library's own signature
        with contextlib.suppress(OSError):  # an answer in two packets would wait 40 ms for the first one's receipt
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        handshake = _Handshake(accepted, self._loop.time())
        self._handshakes.add(handshake)
        handshake.task = self._loop.create_task(self._connect(handshake))

    async def _connect(self, handshake: _Handshake) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._protocol,
                handshake.accepted,
                ssl=self.context,
                ssl_handshake_timeout=HANDSHAKE_WITHIN_S if self.context else None,
            )
        except (OSError, asyncio.CancelledError):  # a client that left, or speaks no TLS, is no news
            handshake.accepted.close()
        finally:
            self._handshakes.discard(handshake)

    def _protocol(self) -> PunctualProtocol:
        protocol = self._make()
        if len(self._connections) >= self._limit:
            protocol.crowd()
        return protocol

    def _make_room(self) -> bool:
        """End the connection that keeps us waiting longest; False where none does."""
        waiting = [(since, each) for each in self._connections if (since := each.waits_since) is not None]
        oldest = min(waiting, key=lambda one: one[0], default=None)
        handshake = min(self._handshakes, key=lambda one: one.since, default=None)
        if handshake is not None and (oldest is None or handshake.since < oldest[0]):
            self._drop(handshake)
        elif oldest is not None:
            oldest[1].end()
        else:
            return False
        self._complaint.tell("connections_ended", f"{self._limit} are open: those end that keep us waiting longest")
        return True

    def _drop(self, handshake: _Handshake) -> None:
        self._handshakes.discard(handshake)
        if handshake.task is not None:
            handshake.task.cancel()

    def _exhausted(self, error: OSError) -> None:
        """No descriptor is left: end somebody who waits, and wait a moment ourselves."""
        if error.errno not in EXHAUSTED:
            self._complaint.tell("accept_failed", error.strerror or str(error))
        else:
            self._complaint.tell("descriptors_exhausted", "raise the limit of open files (LimitNOFILE)")
            self._make_room()
        self._loop.remove_reader(self._listener)
        self._resume = self._loop.call_later(PAUSE_S, self.start)


class Complaint:
    """Tells the log that something happened, once an interval, with how often it did."""

    def __init__(self, clock: Callable[[], float], every_s: float = TELL_EVERY_S) -> None:
        self._clock, self._every_s = clock, every_s
        self._said: dict[str, tuple[float, int]] = {}

    def tell(self, event: str, why: str) -> None:
        """One more of these."""
        now = self._clock()
        at, unsaid = self._said.get(event, (now - self._every_s, 0))
        if now - at < self._every_s:
            self._said[event] = (at, unsaid + 1)
            return
        self._said[event] = (now, 0)
        log.warning(event, why=why, times=unsaid + 1)
