"""A TCP server of a test's own, on loopback, that leaves nothing behind."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field


@dataclass
class Listener:
    """Counts connections; subclasses ``talk`` on each until they return, or the peer or ``stop`` ends it."""

    port: int = field(default=0, kw_only=True)
    connections: int = field(default=0, kw_only=True)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, kw_only=True)
    _server: asyncio.Server | None = field(default=None, kw_only=True)

    @property
    def address(self) -> str:
        """``127.0.0.1:port``."""
        return f"127.0.0.1:{self.port}"

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        raise AssertionError(f"{type(self).__name__} does not say how it talks")

    async def start(self, context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._connected, host, 0, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """End every connection, then the listening."""
        assert self._server is not None
        self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self.talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError, RuntimeError):
            pass  # the peer has gone, or the test is over
        finally:
            self._tasks.discard(task)
            writer.transport.abort()
