"""A TCP relay in a process of its own: stopped, it is a network that loses every packet; ended, one that resets."""

from __future__ import annotations

import asyncio
import contextlib
import sys

PIECE = 1 << 16


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def relay(port: int, target: int) -> None:
    """Pass on what comes at ``port``, until this process ends."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reads, there_writes = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(_pass_on(reader, there_writes), _pass_on(there_reads, writer))

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), int(sys.argv[2])))
