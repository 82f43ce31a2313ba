"""A pool of one transport's connections in which a request costs the same however many are kept.

httpcore's own pool asks every kept connection, by a system call each, whether it still stands, at the beginning and at
the end of each request: with twenty of them that is more than the request itself. Here a request asks the one that it
takes. Requests, answers and errors are httpcore's.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

import httpcore

from scanner.registry.http.connection import Connection

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from typing import Self

    from scanner.registry.http.connection_limit import ConnectionLimit
    from scanner.registry.http.proxy import Proxy
    from scanner.registry.http.sockets import AsyncioBackend


class Connections:
    """At most ``most`` connections, to any origins, each through the ``proxy`` if there is one; those that are idle wait to be taken again, the newest first."""

    def __init__(  # noqa: PLR0913 -- each is one independent thing about a pool
        self,
        backend: AsyncioBackend,
        context: ssl.SSLContext,
        *,
        most: int,
        keep_for_s: float,
        places: ConnectionLimit,
        proxy: Proxy | None = None,
    ) -> None:
        self._backend, self._places, self._proxy = backend, places, proxy
        places.watch(self)
        self._context = context
        self._most = most
        self._keep_for_s = keep_for_s
        self._free = asyncio.Semaphore(most)
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send over a kept connection, else over a new one, once fewer than ``most`` are at work.

        Raises:
            httpcore.PoolTimeout: None was free within the request's own pool time-out.
        """
        if self._free.locked():
            await self._wait(request.extensions.get("timeout", {}).get("pool"))
        else:
            await self._free.acquire()
        try:
            return await self._sent(request)
        except BaseException:
            self._free.release()
            raise

    async def _wait(self, within_s: float | None) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._free.acquire()
        except TimeoutError as error:
            raise httpcore.PoolTimeout from error

    async def _sent(self, request: httpcore.Request) -> httpcore.Response:
        connection = await self._taken(request.url.origin)
        self._busy.add(connection)
        try:
            status, headers, extensions = await connection.send(request)
        except BaseException as error:
            if isinstance(error, httpcore.TimeoutException | asyncio.CancelledError):
                self._places.was_slow(self._backend, is_slow=True)
            self._busy.discard(connection)
            raise
        self._places.was_slow(self._backend, is_slow=False)
        body = _Body(self, connection, request.extensions.get("timeout", {}).get("read"))
        return httpcore.Response(status, headers=headers, content=body, extensions=extensions)

    async def _taken(self, origin: httpcore.Origin) -> Connection:
        """The newest idle connection to ``origin`` that still stands, else a new one in the oldest idle one's place."""
        while (connection := self._newest_idle(origin)) is not None:
            if connection.still_stands:
                return connection
            await connection.aclose()  # meanwhile somebody else may take another one
        while self._idle and len(self._idle) + len(self._busy) >= self._most:
            await self._idle.popleft().aclose()
        return Connection(origin, self._backend, self._context, self._keep_for_s, self._proxy)

    def _newest_idle(self, origin: httpcore.Origin) -> Connection | None:
        """The newest idle connection to ``origin``, which is idle no longer."""
        found = next((each for each in reversed(self._idle) if each.origin == origin), None)
        if found is not None:
            self._idle.remove(found)
        return found

    async def given_back(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end; close any other."""
        self._free.release()
        is_kept = connection in self._busy  # else the pool was closed meanwhile, be it before this one was made
        self._busy.discard(connection)
        if is_kept and connection.is_idle and not self._places.are_short:
            self._idle.append(connection)
        else:
            await connection.aclose()

    async def give_up_one(self) -> bool:
        """Close the connection that is idle for longest; whether there was one (``Resting``)."""
        if not self._idle:
            return False
        await self._idle.popleft().aclose()
        return True

    async def aclose(self) -> None:
        """Close every connection, idle or not."""
        every = [*self._idle, *self._busy]
        self._idle.clear()
        self._busy.clear()
        for connection in every:
            await connection.aclose()

    async def __aenter__(self) -> Self:
        """As httpx opens a transport."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """As httpx closes one."""
        await self.aclose()


class _Body:
    """An answer's body, which gives its connection back once."""

    def __init__(self, connections: Connections, connection: Connection, within_s: float | None) -> None:
        self._connections, self._connection, self._within_s = connections, connection, within_s
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._connection.body(self._within_s):
                yield piece
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        try:
            await self._connection.done()
        finally:
            await self._connections.given_back(self._connection)
