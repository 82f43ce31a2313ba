"""Bastions, each reached once for all the hosts behind it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.hosts.ssh.failure import Bastion

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import asyncssh

    from scanner.hosts.ssh.jump import Route

RETRY_AFTER_S = 30.0
"""How long a bastion that failed is not tried again: its thousand hosts share one attempt, not one time-out each."""


@dataclass(slots=True)
class _Attempt:
    task: asyncio.Task[asyncssh.SSHClientConnection | Failure]
    failed_at: float | None = None


class Bastions:
    """The open connections to bastions; ``connect`` makes one."""

    def __init__(self, connect: Callable[[Route], Awaitable[asyncssh.SSHClientConnection | Failure]]) -> None:
        self._connect = connect
        self._attempts: dict[Route, _Attempt] = {}

    async def reach(self, route: Route) -> asyncssh.SSHClientConnection:
        """The connection to the last bastion of the route.

        Raises:
            Bastion: it could not be reached, now or a moment ago.
        """
        attempt = self._attempts.get(route)
        if attempt is None or self._is_over(attempt):
            attempt = self._attempts[route] = _Attempt(asyncio.create_task(self._try(route)))
        made = await asyncio.shield(attempt.task)
        if isinstance(made, Failure):
            raise Bastion(route, made)
        return made

    async def _try(self, route: Route) -> asyncssh.SSHClientConnection | Failure:
        made = await self._connect(route)
        if isinstance(made, Failure) and route in self._attempts:
            self._attempts[route].failed_at = asyncio.get_running_loop().time()
        return made

    def _is_over(self, attempt: _Attempt) -> bool:
        """Whether the connection has ended, or its failure is old enough to try again."""
        if not attempt.task.done():
            return False
        if attempt.failed_at is not None:
            return asyncio.get_running_loop().time() - attempt.failed_at >= RETRY_AFTER_S
        if attempt.task.cancelled() or attempt.task.exception():
            return True
        made = attempt.task.result()
        return not isinstance(made, Failure) and made.is_closed()

    async def drain(self) -> list[asyncssh.SSHClientConnection]:
        """Forgets every bastion, ending what is under way; the connections that were open are the caller's to close."""
        attempts, self._attempts = list(self._attempts.values()), {}
        for attempt in attempts:
            attempt.task.cancel()
        made = await asyncio.gather(*(attempt.task for attempt in attempts), return_exceptions=True)
        return [one for one in made if not isinstance(one, Failure | BaseException)]
