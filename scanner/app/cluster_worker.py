"""A worker that reads hosts for a scanner elsewhere, with keys of its own."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
from typing import TYPE_CHECKING

import structlog

from scanner import descriptors
from scanner.app import cluster_wiring, secret_settings, wiring
from scanner.cluster import wire
from scanner.cluster.exchange import Exchanges
from scanner.cluster.reading_setup import ReadingSetup
from scanner.cluster.worker import Membership, NotJoinedError, join
from scanner.errors import ServiceError, UsageError
from scanner.hosts.ssh.trust import TrustError
from scanner.settings.problem import Problem, SettingsError

if TYPE_CHECKING:
    from scanner.cluster.host_reading import WorkerReader
    from scanner.settings.schema import Settings

log = structlog.get_logger(__name__)

AGAIN_AFTER_S = 2.0
"""Until a worker whose scheduler is gone, or is not there yet, tries again."""


async def run_worker(settings: Settings, version: str, zones: tuple[str, ...], listen: str, name: str) -> None:
    """Read hosts until SIGTERM or SIGINT; connections to them outlive the scheduler.

    Raises:
        UsageError: there is no scheduler elsewhere, no key, or one that cannot be used.
        ServiceError: the scanner is of another version.
    """
    own, config = settings.cluster, wiring.ssh(settings)
    if not own.is_remote:
        raise UsageError("a worker needs a scheduler: --scheduler tls://HOST:PORT, or cluster.scheduler")
    if config is None:
        raise UsageError("ssh.identity_file and ssh.known_hosts_file are not set: a worker has a key of its own")
    secret_settings.refuse_exposed(settings)
    tls = cluster_wiring.tls_of(settings)
    exact = f"{version}+{wire.fingerprint()}"
    name = name or f"{socket.gethostname()}-{os.getpid()}"
    membership = Membership(str(own.scheduler), name, exact, zones, tls, listen)
    try:
        reading = ReadingSetup(config, cluster_wiring.local_bytes(settings)).open()
    except TrustError as error:
        raise SettingsError([Problem("ssh", 0, "", str(error))]) from None
    descriptors.raise_granted()
    gc.freeze()
    await _Worker(membership, reading).run()


class _Worker:
    """Joins again and again, until it is told to stop or of another version."""

    def __init__(self, membership: Membership, reading: WorkerReader) -> None:
        self._membership, self._reading = membership, reading
        self._exchanges = Exchanges(reading.read)
        self._stop = asyncio.Event()
        self._refused = ""

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        try:
            while not self._stop.is_set():
                await self._once()
        finally:
            await self._exchanges.close()
            await self._reading.close()
        if self._refused:
            raise ServiceError(
                f"the scanner runs archscan {self._refused}, this worker {self._membership.version}: "
                "install the same version on both"
            )

    async def _once(self) -> None:
        told = {"scheduler": self._membership.scheduler, "name": self._membership.name}
        try:
            await join(
                self._membership,
                self._exchanges,
                self._stop,
                self._on_refused,
                lambda: log.info("worker_joined", **told),
            )
        except NotJoinedError as error:
            log.warning("worker_not_joined", **told, error=str(error))
        if self._stop.is_set():
            log.info("worker_stopped", **told)
            return
        log.warning("worker_joins_again", **told)
        try:
            async with asyncio.timeout(AGAIN_AFTER_S):
                await self._stop.wait()
        except TimeoutError:
            return

    def _on_refused(self, version: str) -> None:
        self._refused = version
        self._stop.set()
