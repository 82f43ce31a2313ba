"""The machine that the scanner runs on, asked by the same script as every other host."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.errors import NO_PROCESS

if TYPE_CHECKING:
    from asyncio.subprocess import Process

    from scanner.domain.host import Host

SHELL = ("/bin/sh", "-s")

CHUNK_BYTES = 65536
"""One read: a pipe's usual capacity."""


@dataclass(frozen=True, slots=True)
class LocalProbe:
    """Runs ``script`` on this machine, within the limits that hosts asked over SSH have, too."""

    script: bytes
    probe_timeout_s: float
    max_output_bytes: int

    async def read(self, host: Host) -> bytes | Failure:
        """This machine's answer, whatever the inventory calls it (``HostSource``)."""
        del host
        return await read_local(self.script, self.probe_timeout_s, self.max_output_bytes)

    async def close(self) -> None:
        """Nothing is open between readings."""


async def read_local(script: bytes, probe_timeout_s: float, max_output_bytes: int) -> bytes | Failure:
    """Run the script in a shell of its own and return what it printed.

    The script's whole process group is ended when it is done, late or too talkative, and when the task is cancelled.

    Args:
        script: what the shell reads from its standard input.
        probe_timeout_s: seconds until the answer must be whole.
        max_output_bytes: the longest answer that is read; one byte more is a failure.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *SHELL,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        reason = Reason.INTERNAL_EXHAUSTED if error.errno in NO_PROCESS else Reason.HOST_PROTOCOL
        return Failure(reason, f"{SHELL[0]} does not start: {error.strerror}")
    try:
        async with asyncio.timeout(probe_timeout_s):
            return await _answer(process, script, max_output_bytes)
    except TimeoutError:
        return Failure(
            Reason.HOST_TIMEOUT, f"the probe did not end within {probe_timeout_s:g} s", setting="ssh.probe_timeout"
        )
    finally:
        await _end(process)


async def _answer(process: Process, script: bytes, max_output_bytes: int) -> bytes | Failure:
    writing = asyncio.create_task(_write(process, script))
    try:
        answer = await _read(process, max_output_bytes)
        if isinstance(answer, Failure):
            return answer
        await writing
        status = await process.wait()
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    return answer if status == 0 else Failure(Reason.HOST_INCOMPLETE, f"the probe ended with status {status}")


async def _write(process: Process, script: bytes) -> None:
    if process.stdin is None:
        return
    with contextlib.suppress(ConnectionError):  # a shell that left early tells so by its exit status
        process.stdin.write(script)
        await process.stdin.drain()
    process.stdin.close()


async def _read(process: Process, max_output_bytes: int) -> bytes | Failure:
    chunks: list[bytes] = []
    size = 0
    while process.stdout is not None and (chunk := await process.stdout.read(CHUNK_BYTES)):
        size += len(chunk)
        if size > max_output_bytes:
            return Failure(
                Reason.HOST_TOO_LARGE, f"the answer is longer than {max_output_bytes} bytes", setting="ssh.max_output"
            )
        chunks.append(chunk)
    return b"".join(chunks)


async def _end(process: Process) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # Reading on lets the pipe close: without it a full one would keep the transport, its descriptor with it.
    transport = process._transport  # type: ignore[attr-defined]  # noqa: SLF001 - asyncio offers no public close
    transport.close()
    await process.wait()
