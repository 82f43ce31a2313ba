"""Runs as a fetcher: asks hosts over SSH for the command that started it, over the one socket that it was given.

It has its own pool of connections, reads the keys itself from the paths that it is told, ends with whoever started it.
"""

from __future__ import annotations

import asyncio
import gc
import pickle
import socket
import sys
import traceback
from typing import TYPE_CHECKING, Any

from scanner import descriptors
from scanner.domain.failure import Failure
from scanner.hosts.ssh.fetching import ASKED, TOLD, Told, failure_text, sentences_text
from scanner.hosts.ssh.ssh_source import SshSource
from scanner.hosts.ssh.trust import TrustError
from scanner.probe.answer import is_of_installed_probe
from scanner.probe.script import script

if TYPE_CHECKING:
    from scanner.domain.host import Host

COLLECT_AFTER = (10_000, 4, 1250)
"""Objects between two passes of the garbage collector: connections are kept to the end."""

MAX_BUG_CHARS = 20_000
"""Of the text of an exception, and of where it is: as much as the log shows."""


def main() -> None:
    """Ask hosts until the other end of the socket is closed."""
    descriptors.raise_granted()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    asyncio.run(_work(socket.socket(fileno=sys.stdin.fileno())))


async def _work(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    try:
        _, config = await _asked(reader)
        try:
            source = SshSource.open(config, script(), 0, is_of_installed_probe)
        except TrustError as error:
            _tell(writer, 0, Told.TROUBLES, sentences_text(error.problems))
            await writer.drain()
            return
        _tell(writer, 0, Told.READY, b"")
        await _read(source, reader, writer)
    except (asyncio.IncompleteReadError, ConnectionError):
        return  # whoever asked is gone, or has all that was asked for


async def _read(source: SshSource, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Every host that is asked for, until nobody asks any more.

    Raises:
        IncompleteReadError, ConnectionError: that is so.
    """
    under_way: dict[int, asyncio.Task[None]] = {}

    async def one(number: int, host: Host) -> None:
        try:
            answer = await source.read(host)
        except Exception as bug:  # noqa: BLE001 -- the command tells of it
            what = f"{type(bug).__name__}: {bug}"[:MAX_BUG_CHARS]
            _tell(writer, number, Told.BUG, sentences_text((what, traceback.format_exc()[-MAX_BUG_CHARS:])))
            return
        finally:
            under_way.pop(number, None)
        if isinstance(answer, Failure):
            _tell(writer, number, Told.FAILURE, failure_text(answer))
        else:
            _tell(writer, number, Told.ANSWER, answer)

    while True:
        number, host = await _asked(reader)
        if host is not None:
            under_way[number] = asyncio.create_task(one(number, host))
        elif number in under_way:
            under_way[number].cancel()


async def _asked(reader: asyncio.StreamReader) -> tuple[int, Any]:
    number, length = ASKED.unpack(await reader.readexactly(ASKED.size))
    return number, pickle.loads(await reader.readexactly(length)) if length else None  # noqa: S301 -- of the parent


def _tell(writer: asyncio.StreamWriter, number: int, kind: Told, payload: bytes) -> None:
    """One message; of answers no more wait to be taken than the command has asked for."""
    writer.write(TOLD.pack(number, kind, len(payload)))
    writer.write(payload)
