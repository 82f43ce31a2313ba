"""Reads the directory of plans beside the event loop, within the time that a scan has for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from scanner.scan.plans.plans import NO_DEPLOYMENTS, not_read_within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.host import Host
    from scanner.scan.plans.plans import Deployments, PlanDirectory

log = structlog.get_logger(__name__)


class PlanReading:
    """One reading at a time; what is not read in time is read on, for whoever asks next."""

    def __init__(self, directory: PlanDirectory | None) -> None:
        self._directory = directory
        self._reading: asyncio.Task[Deployments] | None = None
        self._logged_problems: tuple[str, ...] = ()

    async def read(self, hosts: Sequence[Host], within_s: float) -> Deployments:
        """What the directory, if there is one, now holds for these hosts, which are the whole inventory."""
        if self._directory is None:
            return NO_DEPLOYMENTS
        reading = self._reading
        if reading is None or reading.done():
            reading = self._reading = asyncio.create_task(asyncio.to_thread(self._directory.read, hosts))
        try:
            async with asyncio.timeout(within_s):
                found = await asyncio.shield(reading)
        except TimeoutError:
            found = not_read_within(hosts, within_s)
        self._log(found.problems)
        return found

    async def close(self) -> None:
        """Wait for the thread, which nobody can end."""
        if self._reading is not None:
            await asyncio.wait([self._reading])

    def _log(self, problems: tuple[str, ...]) -> None:
        """Each set of problems once."""
        if problems != self._logged_problems:
            self._logged_problems = problems
            for problem in problems:
                log.warning("plan_problem", problem=problem)
