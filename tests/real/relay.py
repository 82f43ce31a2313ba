"""A TCP relay in a process of its own: stopped, it is a network that loses every packet; ended, one that resets; it may be slow."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

PIECE = 1 << 16


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay_s: float) -> None:
    later = _at_once if delay_s == 0 else functools.partial(asyncio.get_running_loop().call_later, delay_s)
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            later(writer.write, piece)
            await writer.drain()
    later(writer.close)


def _at_once(act: Callable[..., object], *given: object) -> None:
    act(*given)


async def relay(port: int, target: int, delay_s: float) -> None:
    """Pass on what comes at ``port``, each piece so much later, until this process ends."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reads, there_writes = await asyncio.open_connection("127.0.0.1", target)
        await asyncio.gather(_pass_on(reader, there_writes, delay_s), _pass_on(there_reads, writer, delay_s))

    server = await asyncio.start_server(accept, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(relay(int(sys.argv[1]), int(sys.argv[2]), float("".join(sys.argv[3:4]) or 0)))
