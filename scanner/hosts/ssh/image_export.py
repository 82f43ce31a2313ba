"""The one other thing that a host is asked for: an image of its own store, as its engine exports it."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import asyncssh

from scanner.domain.facts import EngineKind
from scanner.domain.failure import Failure
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

PIECE_BYTES = 1 << 18

_ID = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.ASCII)
_COMMANDS = {
    EngineKind.DOCKER: "docker save sha256:",
    EngineKind.PODMAN: "podman save --format docker-archive sha256:",
}
"""Whatever a host calls its images, only hexadecimal digits of its answer ever stand in a command."""

_PROBE = b"archscan-probe "


def export_command(kind: EngineKind, image_id: str) -> str:
    """What makes an engine print one of its images.

    Raises:
        ValueError: it is no image ID, or the engine cannot print images by ID.
    """
    found = _ID.fullmatch(image_id)
    if found is None or kind not in _COMMANDS:
        raise ValueError(f"{kind} cannot export {image_id[:100]!r}")
    return _COMMANDS[kind] + found[1]


async def output(
    connection: asyncssh.SSHClientConnection, command: str, max_local_bytes: int, silence_s: float
) -> AsyncGenerator[bytes, None]:
    """What the command prints, as fast as it is taken; no more is read once the reader stops.

    Raises:
        StreamBroken: it is longer than ``max_local_bytes``, silent for ``silence_s`` seconds, or did not end well.
        asyncssh.Error: or OSError, where the connection ended.
    """
    process = await connection.create_process(
        command, encoding=None, stdin=asyncssh.DEVNULL, stderr=asyncssh.DEVNULL, request_pty=False
    )
    passed = 0
    async for piece in _pieces(process, silence_s):
        if not passed and piece.startswith(_PROBE):
            raise _not_had("the login runs nothing but the probe (a forced command)")
        passed += len(piece)
        if passed > max_local_bytes:
            raise StreamBroken(
                Failure(Reason.LAYER_LIMIT, f"the exported image is longer than {max_local_bytes} bytes")
            )
        yield piece
    await process.wait_closed()
    if process.exit_status != 0:
        raise _not_had(f"`{command.partition(' sha256')[0]}` ended with {process.exit_status}: may this login run it?")


async def _pieces(process: asyncssh.SSHClientProcess[bytes], silence_s: float) -> AsyncIterator[bytes]:
    while True:
        async with asyncio.timeout(silence_s):
            piece = await process.stdout.read(PIECE_BYTES)
        if not piece:
            return
        yield piece


def _not_had(why: str) -> StreamBroken:
    return StreamBroken(Failure(Reason.IMAGE_LOCAL_ONLY, f"only the host has the image, which cannot be had: {why}"))
