"""A cluster of processes on the scanner's own machine, with their scheduler in the scanner itself."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import structlog

from scanner.cluster import dask_settings, local_worker
from scanner.cluster.link import LinkError, members_of, one_line
from scanner.cluster.tls import Tls
from scanner.cluster.worker import NOWHERE, Membership

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import Mapping

    from scanner.cluster.link import ConnectedWorker
    from scanner.cluster.reading_setup import ReadingSetup

log = structlog.get_logger(__name__)

START_WITHIN_S = 60.0
"""Of the first workers; importing takes each a second of a processor, on a busy machine much longer."""

AGAIN_AFTER_S = 1.0
"""Until a worker that ended is started again; doubled each time that it ends at once."""

MAX_PAUSE_S = 60.0

AT_ONCE_S = 10.0
"""A worker that ends within these did not work."""

END_WITHIN_S = 3.0
"""From the end of its input to the end of a worker; then it is killed."""

HERE = "127.0.0.1:0"
"""Where a worker's scheduler reaches it: nobody else does."""

LOOK_S = 0.02
"""How often it is looked whether the first workers are there."""


@dataclass(frozen=True, slots=True)
class LocalSetup:
    """How many workers, of which version of archscan, reading hosts how."""

    count: int
    version: str
    reading: ReadingSetup


class LocalLink:
    """Starts a scheduler with its workers, starts anew whichever ends."""

    def __init__(self, setup: LocalSetup) -> None:
        self._setup = setup
        self._scheduler: Any = None
        self._tls: Tls | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._keepers: list[asyncio.Task[None]] = []
        self.processes: dict[int, Process] = {}
        """The workers' processes by their place."""

    async def open(self) -> None:
        """Start everything, wait until a worker is there."""
        self._tls = await asyncio.to_thread(_prepared)
        from distributed import Scheduler  # noqa: PLC0415 -- imported by now

        self._folder = tempfile.TemporaryDirectory(prefix="archscan-workers-")
        made: Any = Scheduler(
            host="127.0.0.1",
            port=0,
            protocol="tls",
            security=self._tls.security(),
            dashboard=False,
            dashboard_address=NOWHERE,
        )
        self._scheduler = await made
        await self.grow(self._setup.count)

    async def grow(self, count: int) -> None:
        """Have so many workers, wait until all of them are there."""
        places = range(len(self._keepers), count)
        self._keepers += [asyncio.create_task(self._keep(place)) for place in places]
        try:
            async with asyncio.timeout(START_WITHIN_S):
                await self._joined(count)
        except TimeoutError:
            log.warning("workers_slow", there=len(self._scheduler.workers), wanted=count)

    async def _joined(self, count: int) -> None:
        while len(self._scheduler.workers) < count:  # noqa: ASYNC110 -- dask tells no other way
            await asyncio.sleep(LOOK_S)

    async def members(self) -> Mapping[str, ConnectedWorker]:
        """The workers by address."""
        return members_of(self._scheduler.identity()["workers"])

    async def ask(self, worker: str, message: Mapping[str, Any]) -> Any:
        """What one worker answers."""
        try:
            answers = await self._scheduler.broadcast(msg=dict(message), workers=[worker], on_error="ignore")
            return answers[worker]
        except Exception as error:
            raise LinkError(f"the worker {worker} cannot be asked: {one_line(error)}") from error

    async def close(self) -> None:
        """End every worker, then the scheduler."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        if self._scheduler is not None:
            await self._scheduler.close()
        if self._folder is not None:
            self._folder.cleanup()

    async def _keep(self, place: int) -> None:
        """One worker, started again whenever it ends."""
        pause_s = AGAIN_AFTER_S
        while True:
            began = time.monotonic()
            status = await self._run(place)
            log.warning("worker_ended", worker=place, status=status)
            pause_s = min(MAX_PAUSE_S, pause_s * 2) if time.monotonic() - began < AT_ONCE_S else AGAIN_AFTER_S
            await asyncio.sleep(pause_s)

    async def _run(self, place: int) -> int:
        """One process, from its start to its exit status."""
        assert self._folder is not None  # noqa: S101 -- opened before
        path, *arguments = local_worker.arguments(sys.path)
        process = await asyncio.create_subprocess_exec(
            path,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            env=_environment(self._folder.name),
            start_new_session=True,
        )
        self.processes[place] = process
        try:
            return await self._fed(process, place)
        finally:
            await _ended(process)

    async def _fed(self, process: Process, place: int) -> int:
        membership = Membership(
            self._scheduler.address, f"{os.getpid()}-{place}", self._setup.version, tls=self._tls, listen=HERE
        )
        assert process.stdin is not None  # noqa: S101 -- a pipe
        with contextlib.suppress(ConnectionError):  # its exit status tells more
            process.stdin.write(local_worker.request(local_worker.Start(membership, self._setup.reading)))
            await process.stdin.drain()
        return await process.wait()


def _prepared() -> Tls:
    """The certificate, dask imported, both of which take too long for the event loop."""
    dask_settings.settle()
    return Tls.for_one_run()


def _environment(folder: str) -> dict[str, str]:
    """What a worker's process gets: nothing that is a login."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "TMPDIR": folder}


async def _ended(process: Process) -> None:
    """The end of its input is the end of a worker; one that does not notice is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(END_WITHIN_S):
            await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await process.wait()


def of_each(setup: ReadingSetup, count: int) -> ReadingSetup:
    """One worker's part: together they read as many hosts at once as one would, each with a parser."""
    share = max(1, -(-setup.ssh.concurrency // count))
    return replace(setup, ssh=replace(setup.ssh, concurrency=share), parsers=1)
