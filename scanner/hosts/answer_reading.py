"""Facts made of a host's answer, where a hostile one can be ended, with the login that asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.formats.parsing.offload import BudgetExceeded
from scanner.hosts.login import of_login, with_login
from scanner.probe import reading
from scanner.probe.answer_budget import BUDGET, too_large

if TYPE_CHECKING:
    from scanner.domain.facts import HostFacts
    from scanner.domain.host import Host
    from scanner.formats.parsing.offload import Parsers
    from scanner.hosts.login import ProbeLogin


@dataclass(frozen=True, slots=True)
class AnswerReader:
    """Reads answers in ``parsers``, of hosts that are asked by ``login``."""

    parsers: Parsers
    login: ProbeLogin

    async def facts(self, raw: bytes, host: Host) -> HostFacts | Failure:
        """What an answer says."""
        found = await self.parsers.run(reading.read, BUDGET, raw, host)
        if isinstance(found, BudgetExceeded):
            return too_large(found)
        return found if isinstance(found, Failure) else with_login(found, host, self.login)

    def failed(self, failure: Failure, host: Host) -> Failure:
        """Why there is no answer, with who was to log in where, by which it is mended."""
        return of_login(failure, host, self.login)
