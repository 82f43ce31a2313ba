"""One worker of a cluster, from joining it to leaving it."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.cluster import dask_settings
from scanner.cluster.worker_choice import version_resource, zone_resource
from scanner.errors import in_words

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.cluster.exchange import Exchanges
    from scanner.cluster.tls import Tls

EXCHANGE, REFUSE = "archscan_exchange", "archscan_refuse"
"""What a worker can be asked, beside what dask asks of its own."""

JOIN_WITHIN_S = 20.0
"""Then whoever runs it tries again."""

NOWHERE = "127.0.0.1:0"
"""Where dask's web page would be: it has none here."""

SAY_GOODBYE_S = 2.0
"""How long leaving may take; a scheduler notices the end of a connection by itself."""


@dataclass(frozen=True, slots=True)
class Membership:
    """Which cluster, as who: its scheduler's address, this worker's name, the zones whose hosts it reads.

    ``version`` is of archscan, with the fingerprint of what crosses. ``listen`` is where the scheduler reaches it,
    ``ADDRESS:PORT``; an address that is found out where it is empty.
    """

    scheduler: str
    name: str
    version: str
    zones: tuple[str, ...] = ()
    tls: Tls | None = None
    listen: str = ""

    @property
    def offers(self) -> dict[str, float]:
        """What it says of itself to the scheduler."""
        zones = self.zones or ("",)
        return dict.fromkeys([version_resource(self.version), *map(zone_resource, zones)], 1.0)


class NotJoinedError(Exception):
    """The scheduler cannot be reached, or does not let this worker in."""


async def join(
    membership: Membership,
    exchanges: Exchanges,
    stop: asyncio.Event,
    on_refused: Callable[[str], None],
    on_joined: Callable[[], None] = lambda: None,
) -> None:
    """Be a worker until ``stop`` is set or the scheduler is gone; ``on_refused`` is called with another version.

    Raises:
        NotJoinedError: before it was one.
    """
    dask_settings.settle()
    from distributed import Worker  # noqa: PLC0415 -- after dask was told how to log

    async def refuse(version: str) -> None:
        on_refused(version)

    with tempfile.TemporaryDirectory(prefix="archscan-worker-") as folder:
        address, _, port = membership.listen.rpartition(":")
        try:
            worker: Any = Worker(
                membership.scheduler,
                nthreads=1,
                name=membership.name,
                security=membership.tls.security() if membership.tls else None,
                resources=membership.offers,
                memory_limit=0,
                dashboard=False,
                dashboard_address=NOWHERE,
                local_directory=folder,
                host=address.strip("[]") or None,
                port=int(port or 0),
                death_timeout=JOIN_WITHIN_S,
            )
            worker.handlers |= {EXCHANGE: exchanges.exchange, REFUSE: refuse}
            if not await _started(worker, stop):
                return
        except (OSError, TimeoutError, ValueError, RuntimeError) as error:
            raise NotJoinedError(in_words(error)) from error
        on_joined()
        try:
            await _either(worker.finished(), stop.wait())
        finally:
            await _either(worker.close(reason="archscan-leaves"), asyncio.sleep(SAY_GOODBYE_S))


async def _started(worker: Any, stop: asyncio.Event) -> bool:
    """Whether it is a member before it is to stop."""
    starting, stopping = asyncio.ensure_future(worker), asyncio.ensure_future(stop.wait())
    await asyncio.wait((starting, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if starting.done():
        await starting
        return True
    starting.cancel()
    await asyncio.gather(starting, stopping, return_exceptions=True)
    await _either(worker.close(reason="archscan-leaves"), asyncio.sleep(SAY_GOODBYE_S))
    return False


async def _either(*ways: Any) -> None:
    """Wait for the first of them."""
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
