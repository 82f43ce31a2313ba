"""Facts made of a host's answer, where a hostile one can be ended, with the login that asked for it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeGuard

from scanner.domain.facts import HostFacts, Workload
from scanner.domain.failure import Failure
from scanner.formats.parsing.offload import BudgetExceeded
from scanner.hosts.login import of_login, with_login
from scanner.probe import brief_facts
from scanner.probe.answer_budget import BUDGET, too_large
from scanner.probe.brief_facts import BriefFacts, Patterns

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.host import Host
    from scanner.formats.parsing.offload import Parsers
    from scanner.hosts.login import ProbeLogin

    _Read = Callable[[bytes, Host], BriefFacts | HostFacts | Failure]


@dataclass(frozen=True, slots=True)
class AnswerReader:
    """Reads answers in ``parsers``, of hosts that are asked by ``login``."""

    parsers: Parsers
    login: ProbeLogin
    _patterns: Patterns = field(init=False)

    def __post_init__(self) -> None:
        """Nothing was told yet."""
        object.__setattr__(self, "_patterns", Patterns(self.parsers.value))

    async def facts(self, raw: bytes, host: Host) -> HostFacts | Failure:
        """What an answer says."""
        found = await self._told(brief_facts.read, raw, host) or await self._told(brief_facts.read_anew, raw, host)
        if isinstance(found, Failure):
            return found
        if isinstance(found, BudgetExceeded):
            return too_large(found)
        if not _is_of(found, host):
            return too_large(BudgetExceeded("process", "the process that read it answered with no facts of this host"))
        return with_login(found, host, self.login)

    async def _told(self, read: _Read, raw: bytes, host: Host) -> HostFacts | Failure | BudgetExceeded | None:
        """The same; ``None`` where it speaks of a pattern that nobody has told."""
        found = await self.parsers.run(read, BUDGET, raw, host)
        if not isinstance(found, BriefFacts):
            return found
        if brief_facts.is_little(found):
            return self._patterns.whole(found)
        return await asyncio.to_thread(self._patterns.whole, found)

    def failed(self, failure: Failure, host: Host) -> Failure:
        """Why there is no answer, with who was to log in where, by which it is mended."""
        return of_login(failure, host, self.login)


def _is_of(found: object, host: Host) -> TypeGuard[HostFacts]:
    """Whether these are facts of this host, each workload among them: the process that tells them has read hostile bytes."""
    if not isinstance(found, HostFacts) or found.host != host.name or not isinstance(found.workloads, tuple):
        return False
    return all(isinstance(each, Workload) and each.host == host.name for each in found.workloads)
