"""Listens, serves, stops within ten seconds."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import uvicorn
from anyio import to_thread

from scanner.errors import ServiceError, in_words
from scanner.formats import certificates
from scanner.formats.files import FileError
from scanner.web.http.acceptor import Acceptor
from scanner.web.http.limits import MAX_HEAD_BYTES
from scanner.web.http.protocol import PunctualProtocol

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from scanner.web.http.web_config import TlsFiles

RENDERING = 2
"""Answers that are made in threads at once: each takes memory of several times its length, and the others' time."""

BACKLOG = 512
"""Connections that the kernel keeps for us while the loop is busy."""

GRACE_S = 3
"""Answers under way may end, then they are cancelled; a third of what a supervisor waits before it kills."""

KEEP_ALIVE_S = 75
"""Longer than Prometheus' usual scrape interval, so that it need not connect each time."""

_WHY = {
    errno.EADDRINUSE: "the port is in use: is another archscan running? Choose another port: {named}",
    errno.EADDRNOTAVAIL: "this machine has no such address: correct {named}",
    errno.EACCES: "not permitted: ports below 1024 need a privilege, choose a higher one: {named}",
}

_NO_NAME = "this leads to no address: correct {named}"
"""Of an error that getaddrinfo counts, below zero."""


class ListenError(ServiceError):
    """Why the address of ``web.listen`` cannot be used, in one line."""


class _Uvicorn(uvicorn.Server):
    """Uvicorn's server behind our own acceptor."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        super().__init__(config)
        self._listener, self._context = listener, context
        self.acceptor: Acceptor | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept connections; uvicorn's own way would log every one that the system has no descriptor for."""
        del sockets
        self.servers = []
        connections = cast("set[PunctualProtocol]", self.server_state.connections)
        self.acceptor = Acceptor(self._listener, self._protocol, connections, self._context)
        self.acceptor.start()
        self.started = True

    def _protocol(self) -> PunctualProtocol:
        return PunctualProtocol(self.config, self.server_state, self.lifespan.state)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept nothing more, let answers end."""
        if self.acceptor is not None:
            self.acceptor.stop()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The composition root handles signals."""
        yield


class Server:
    """Serves one application on one address; the port is taken when the object is made."""

    def __init__(self, app: ASGIApp, host: str, port: int, context: ssl.SSLContext | None = None) -> None:
        """Take the port (0: any free one); an empty host means every interface. With a ``context`` it speaks TLS.

        Raises:
            ListenError: the address cannot be used.
        """
        self._socket = _listen(host, port)
        config = uvicorn.Config(
            app,
            http=PunctualProtocol,
            ws="none",
            lifespan="off",
            loop="none",
            log_config=None,
            log_level="critical",  # a line for each request that is none, or that a stop cut off, is a stranger's to write
            access_log=False,
            server_header=False,
            date_header=True,
            proxy_headers=False,
            h11_max_incomplete_event_size=MAX_HEAD_BYTES,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
        )
        config.load()
        self._uvicorn = _Uvicorn(config, self._socket, context)
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port that was taken."""
        return int(self._socket.getsockname()[1])

    async def start(self) -> None:
        """Serve from now on, in a task of its own."""
        to_thread.current_default_thread_limiter().total_tokens = RENDERING
        self._serving = asyncio.create_task(self._uvicorn.serve(), name="web-server")
        while not self._uvicorn.started:
            if self._serving.done():
                await self._serving
                raise ListenError("the web server ended before it began")
            await asyncio.sleep(STARTED_POLL_S)

    async def wait(self) -> None:
        """Return when the server has ended."""
        if self._serving is not None:
            await asyncio.shield(self._serving)

    def renew(self, context: ssl.SSLContext | None) -> None:
        """Speak TLS in this context (``None``: none) with whoever connects from now on; who is connected must do so anew.

        Without TLS before and after nothing of a connection is another: a request that is just being sent is answered.
        """
        acceptor = self._uvicorn.acceptor
        if acceptor is None or (acceptor.context is None and context is None):
            return
        acceptor.context = context
        for connection in list(self._uvicorn.server_state.connections):
            connection.shutdown()

    async def stop(self) -> None:
        """Take no more requests, let answers end, cancel the slow ones; free the port."""
        self._uvicorn.should_exit = True
        if self._serving is not None:
            await self._serving
        self._socket.close()


STARTED_POLL_S = 0.005
"""uvicorn offers no event to wait for; it starts within a few of these."""


def context_of(tls: TlsFiles | None) -> ssl.SSLContext | None:
    """The context of these files.

    Raises:
        ListenError: they cannot be used.
    """
    try:
        return tls.context() if tls else None
    except FileError as error:
        raise ListenError(f"web.config_file: certificate or key cannot be used: {error}") from error
    except OSError as error:
        why = certificates.unusable(error) if isinstance(error, ssl.SSLError) else error.strerror or in_words(error)
        raise ListenError(f"web.config_file: certificate or key cannot be used: {why}") from error


def refuse_taken(host: str, port: int, named: str = "web.listen") -> None:
    """Try whether the address, which was said by what is ``named``, can be listened on.

    Raises:
        ListenError: it cannot.
    """
    _listen(host, port, named).close()


def _listen(host: str, port: int, named: str = "web.listen") -> socket.socket:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        if not host and socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        number = error.errno or 0
        said = _NO_NAME if number < 0 else _WHY.get(number, error.strerror or in_words(error))
        why = said.replace("{named}", named)
        raise ListenError(f"cannot listen on {where}: {why}") from error
