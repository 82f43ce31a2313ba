"""Gives the gate its facts of hosts: the published report while it is fresh, else what they say now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.domain.facts import HostFacts
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.scan.images.under_way import give_up

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.domain.host import Host
    from scanner.scan.ports import HostReader
    from scanner.service.publication import Publication

MAX_REMEMBERED = 20_000
"""Hosts whose own answer is kept until it is too old: a fleet, twice."""


_Machine = tuple[str, str, int, str, bool, str]


def _machine(host: Host) -> _Machine:
    """What makes a host the machine that it is: its name may mean another one after a reload."""
    return (host.name, host.address, host.port, host.jump, host.local, host.user)


@dataclass(frozen=True, slots=True)
class _Read:
    """What a host said, when (Unix seconds)."""

    facts: HostFacts
    taken_at: float


class GateFacts:
    """Facts no older than the gate's settings allow. A host is read once for all who ask at the same time.

    What is read here is kept, but not published: only scans say what the fleet looks like.
    """

    def __init__(self, publication: Publication, clock: Callable[[], float]) -> None:
        self._publication, self._clock = publication, clock
        self._known: dict[_Machine, _Read] = {}
        self._under_way: dict[_Machine, asyncio.Task[HostFacts | Failure]] = {}

    def reader(self, read: HostReader, max_ages_s: Mapping[str, float], within_s: float) -> HostReader:
        """Who tells what is known of a host; ``read`` asks it, for at most ``within_s`` seconds, 0 for never."""

        async def facts(host: Host) -> HostFacts | Failure:
            known = self._fresh(host, max_ages_s[host.name])
            if isinstance(known, HostFacts) or not within_s or known.reason is not Reason.HOST_STALE:
                return known
            found = await self._asked(host, read, within_s)
            if isinstance(found, Failure):
                return replace(found, detail=f"{known.detail}; asked now: {found.detail or found.reason}")
            return self._if_fresh(found, max_ages_s[host.name])

        return facts

    async def close(self) -> None:
        """Give up what is under way."""
        await give_up(self._under_way.values())

    def _fresh(self, host: Host, max_age_s: float) -> HostFacts | Failure:
        """What is known already, unless that is too old to decide on, or of another machine."""
        now = self._clock()
        own = self._known.get(_machine(host))
        published = self._publication.reading(host)
        is_newest = own is not None and (published is None or published.taken_at <= own.taken_at)
        if own is not None and is_newest and 0 <= now - own.taken_at <= max_age_s:
            return own.facts
        if published is None:
            return Failure(Reason.HOST_STALE, "the host has not been scanned yet, as the configuration names it now")
        age_s = now - published.taken_at
        if age_s < 0:
            return Failure(Reason.HOST_STALE, "the clock stepped back behind the host's last reading")
        if age_s > max_age_s:
            return Failure(Reason.HOST_STALE, f"the host was last read {age_s:.0f} s ago")
        return published.reading

    def _if_fresh(self, found: HostFacts, max_age_s: float) -> HostFacts | Failure:
        """What was answered now; a host that pushes has answered when it did, however often it is asked."""
        age_s = 0.0 if found.answered_at is None else self._clock() - found.answered_at
        if age_s > max_age_s:
            why = f"the host pushed its last answer {age_s:.0f} s ago"
            return Failure(Reason.HOST_STALE, why, setting="push.max_age")
        return found

    async def _asked(self, host: Host, read: HostReader, within_s: float) -> HostFacts | Failure:
        machine = _machine(host)
        task = self._under_way.get(machine)
        if task is None:
            task = asyncio.create_task(self._read(host, read, within_s), name="gate-facts")
            self._under_way[machine] = task
            task.add_done_callback(lambda _: self._under_way.pop(machine, None))
        return await asyncio.shield(task)  # whoever else waits for it still does when this one is cancelled

    async def _read(self, host: Host, read: HostReader, within_s: float) -> HostFacts | Failure:
        asked_at = self._clock()
        try:
            async with asyncio.timeout(within_s):
                found = await read(host)
        except TimeoutError:
            return Failure(Reason.HOST_TIMEOUT, f"no answer within {within_s:g} s")
        if isinstance(found, HostFacts):
            if len(self._known) >= MAX_REMEMBERED:
                self._known.clear()
            self._known[_machine(host)] = _Read(found, asked_at if found.answered_at is None else found.answered_at)
        return found
