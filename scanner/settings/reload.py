"""Keeps the last good configuration when a new one is refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from scanner.settings.problem import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

MIN_KEPT = 0.5
"""A fleet that loses more than half of its hosts at once is more likely a broken source than a decision."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class ReloadOutcome:
    """How the latest reload went; ``at`` is Unix time in seconds, ``problems`` is empty on success."""

    successful: bool
    at: float
    problems: tuple[Problem, ...] = ()


class Reloader(Generic[Value]):
    """Holds what ``read`` last returned without an error.

    ``read`` returns settings, inventory and all that must change together; ``hosts`` counts the hosts in it; ``clock``
    is Unix time in seconds. Readers take ``current`` once per scan: one scan never sees two configurations.
    """

    def __init__(
        self,
        read: Callable[[], Value],
        hosts: Callable[[Value], int],
        allows_shrink: Callable[[Value], bool],
        clock: Callable[[], float],
    ) -> None:
        """Reads for the first time.

        Raises:
            SettingsError: there is no good configuration to start with.
        """
        self._read, self._hosts, self._allows_shrink, self._clock = read, hosts, allows_shrink, clock
        self.current = read()
        self.outcome = ReloadOutcome(successful=True, at=clock())
        self._running: asyncio.Task[ReloadOutcome] | None = None
        self._again: asyncio.Task[ReloadOutcome] | None = None

    def reload(self) -> ReloadOutcome:
        """Reads again; a refused configuration changes nothing but ``outcome``."""
        try:
            fresh = self._read()
            self._refuse_shrinking(fresh)
        except SettingsError as error:
            self.outcome = ReloadOutcome(successful=False, at=self._clock(), problems=error.problems)
        else:
            self.current = fresh
            self.outcome = ReloadOutcome(successful=True, at=self._clock())
        return self.outcome

    def _refuse_shrinking(self, fresh: Value) -> None:
        before, after = self._hosts(self.current), self._hosts(fresh)
        if before and after < before * MIN_KEPT and not self._allows_shrink(fresh):
            message = f"would leave {after} of {before} hosts; set scan.allow_shrink: true if that is meant"
            raise SettingsError([Problem("inventory", 0, "", message)])

    async def request(self) -> ReloadOutcome:
        """Reloads off the event loop; a hundred requests at once make at most two reloads, the later one seeing all."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(asyncio.to_thread(self.reload))
            return await asyncio.shield(self._running)
        if self._again is None or self._again.done():
            self._again = asyncio.create_task(self._after(self._running))
        return await asyncio.shield(self._again)

    async def _after(self, running: asyncio.Task[ReloadOutcome]) -> ReloadOutcome:
        await asyncio.wait([running])
        self._running = asyncio.create_task(asyncio.to_thread(self.reload))
        return await asyncio.shield(self._running)
