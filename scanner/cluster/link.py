"""The way to a cluster's scheduler, by which its workers are asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from scanner.cluster import dask_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.cluster.tls import Tls

ANSWER_WITHIN_S = 5.0
"""How long a scheduler may take to say who its workers are."""


class LinkError(Exception):
    """A scheduler or a worker cannot be asked."""


@dataclass(frozen=True, slots=True)
class ConnectedWorker:
    """A worker as its scheduler knows it: its own name, what it offers."""

    name: str
    offers: frozenset[str]


class Link(Protocol):
    """Reaches the workers; every method raises ``LinkError`` where it does not."""

    async def open(self) -> None:
        """Get ready; once, before anything is asked."""

    async def members(self) -> Mapping[str, ConnectedWorker]:
        """The workers by address."""

    async def ask(self, worker: str, message: Mapping[str, Any]) -> Any:
        """What one worker answers, as dask's own protocol has it: lists are tuples."""

    async def close(self) -> None:
        """Leave."""


class RemoteLink:
    """The way to a scheduler at ``tls://HOST:PORT``."""

    def __init__(self, scheduler: str, tls: Tls | None) -> None:
        self._scheduler, self._tls = scheduler, tls
        self._rpc: Any = None

    async def open(self) -> None:
        """Nothing is contacted yet."""
        dask_settings.settle()
        from distributed.core import rpc  # noqa: PLC0415 -- after dask was told how to log

        security = self._tls.security() if self._tls else None
        arguments = security.get_connection_args("client") if security else {}
        self._rpc = rpc(self._scheduler, timeout=ANSWER_WITHIN_S, connection_args=arguments)

    async def members(self) -> Mapping[str, ConnectedWorker]:
        """The workers by address."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN_S):
                told = await self._rpc.identity(n_workers=-1)
            return members_of(told["workers"])
        except Exception as error:
            raise LinkError(f"the scheduler {self._scheduler} cannot be asked: {one_line(error)}") from error

    async def ask(self, worker: str, message: Mapping[str, Any]) -> Any:
        """What one worker answers."""
        try:
            answers = await self._rpc.broadcast(msg=dict(message), workers=[worker], on_error="ignore")
            return answers[worker]
        except Exception as error:
            raise LinkError(f"the worker {worker} cannot be asked: {one_line(error)}") from error

    async def close(self) -> None:
        """Leave."""
        if self._rpc is not None:
            await self._rpc.close_rpc()


def members_of(workers: Mapping[str, Mapping[str, Any]]) -> dict[str, ConnectedWorker]:
    """The workers that are at work, out of what a scheduler says of all."""
    return {
        address: ConnectedWorker(str(one["name"]), frozenset(map(str, one["resources"])))
        for address, one in workers.items()
        if one["status"] == "running"
    }


def one_line(error: Exception) -> str:
    """What went wrong, for people."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
