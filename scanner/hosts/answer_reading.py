"""Facts made of a host's answer, where a hostile one can be ended, with the login that asked for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.formats.parsing.offload import BudgetExceeded
from scanner.hosts.login import of_login, with_login
from scanner.probe import brief_facts
from scanner.probe.answer_budget import BUDGET, too_large
from scanner.probe.brief_facts import BriefFacts, Patterns

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.domain.facts import HostFacts
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
        if found is None:
            found = BudgetExceeded("process", "the process that read it speaks of what it has not told")
        if isinstance(found, BudgetExceeded):
            return too_large(found)
        return found if isinstance(found, Failure) else with_login(found, host, self.login)

    async def _told(self, read: _Read, raw: bytes, host: Host) -> HostFacts | Failure | BudgetExceeded | None:
        """The same; ``None`` where it speaks of a pattern that nobody has told."""
        found = await self.parsers.run(read, BUDGET, raw, host)
        return self._patterns.whole(found) if isinstance(found, BriefFacts) else found

    def failed(self, failure: Failure, host: Host) -> Failure:
        """Why there is no answer, with who was to log in where, by which it is mended."""
        return of_login(failure, host, self.login)
