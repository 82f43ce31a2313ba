"""A proxy in front of a registry that notes each request with the bytes of its answer."""

from __future__ import annotations

import asyncio
import socket
from contextlib import closing, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

CHUNK_BYTES = 1 << 18
"""Passed on at once: large enough that the proxy costs less than the programs behind and in front of it."""
SEND_BUFFER_BYTES = 1 << 16
"""What the kernel may take before the client reads it; all of it counts as downloaded."""


@dataclass
class Request:
    """One request; ``received`` is what came back so far, head included."""

    method: str
    path: str
    received: int = 0

    @property
    def is_layer_or_config(self) -> bool:
        """Whether it asks for a blob."""
        return "/blobs/" in self.path


@dataclass
class CountingProxy:
    """Passes requests without bodies on to ``port``; ``requests`` grows as they come."""

    upstream: int
    requests: list[Request] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        """``host:port``, the first part of a reference."""
        return f"127.0.0.1:{self.port}"

    @property
    def received(self) -> int:
        """Bytes of all answers."""
        return sum(request.received for request in self.requests)

    def count(self, method: str, part: str = "") -> int:
        """Requests with this method and this part of a path."""
        return sum(request.method == method and part in request.path for request in self.requests)

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK_BYTES)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut every connection."""
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        writer.transport.set_write_buffer_limits(high=SEND_BUFFER_BYTES)
        with suppress(OSError), closing(writer):
            behind, ahead = await asyncio.open_connection("127.0.0.1", self.upstream, limit=CHUNK_BYTES)
            with closing(ahead):
                asked: list[Request] = []
                pumps = [
                    asyncio.create_task(self._asks(reader, ahead, asked)),
                    asyncio.create_task(_answers(behind, writer, asked)),
                ]
                try:
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for pump in pumps:
                        pump.cancel()
                    await asyncio.gather(*pumps, return_exceptions=True)

    async def _asks(self, reader: asyncio.StreamReader, ahead: asyncio.StreamWriter, asked: list[Request]) -> None:
        """Heads only: nobody who pulls sends a body."""
        while True:
            try:
                head = await reader.readuntil(b"\r\n\r\n")
            except asyncio.IncompleteReadError:
                return
            method, path, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
            asked.append(Request(method, path))
            self.requests.append(asked[-1])
            ahead.write(head)
            await ahead.drain()


async def _answers(behind: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: list[Request]) -> None:
    """Every byte belongs to the request that was asked last: nobody asks again before the answer is there."""
    while chunk := await behind.read(CHUNK_BYTES):
        asked[-1].received += len(chunk)
        writer.write(chunk)
        await writer.drain()


@pytest.fixture(scope="session")
def counting_proxy_before() -> Callable[[int], CountingProxy]:
    """``async with counting_proxy_before(registry.port) as proxy``: the same registry under ``proxy.address``."""
    return CountingProxy
