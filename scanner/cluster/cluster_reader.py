"""Fills a scan's seam to hosts with what the workers of a cluster read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from scanner.cluster import wire
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.cluster.cluster import Cluster
    from scanner.domain.facts import HostFacts
    from scanner.domain.host import Host
    from scanner.probe.answer_cache import AnswerCache

log = structlog.get_logger(__name__)


class ClusterReader:
    """Reads hosts through a cluster; what a host said last stays in ``answers``, from which only what changed differs."""

    def __init__(self, cluster: Cluster, answers: AnswerCache) -> None:
        self._cluster, self._answers = cluster, answers
        self._sharing = wire.Sharing()

    async def read(self, host: Host) -> HostFacts | Failure:
        """The host's facts (``HostReader``); the same object as long as it says the same."""
        held = self._answers.held(host)
        told = await self._cluster.read(host, held.digest if held else b"")
        if isinstance(told, Failure):
            return told
        try:
            if told.failure:
                return wire.failure_of(told.failure)
            if told.facts:
                facts = wire.facts_of(told.facts, host.name, self._sharing)
                return self._answers.take(host, told.digest, facts, told.clock)
        except ValueError as error:
            log.exception("worker_not_understood", host=host.name)
            return Failure(Reason.INTERNAL_BUG, f"what a worker says of the host cannot be understood: {error!s:.200}")
        if held is None or held.digest != told.digest:
            return Failure(Reason.INTERNAL_BUG, "a worker says that the host says the same, of which nothing is held")
        return self._answers.same(host, held, told.clock)

    async def close(self) -> None:
        """Leave the cluster."""
        await self._cluster.close()
