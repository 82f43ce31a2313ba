"""Remembers what each host's last answer meant, since most hosts say the same again."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from scanner.domain.facts import Failure, HostFacts
from scanner.probe import uptime

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scanner.domain.host import Host


class AnswerCache:
    """Reads answers by ``read``; one in which only the clock went on gives the same facts without being parsed.

    It holds the facts of every host that it was ever given, which for an inventory are those of the last report.
    """

    def __init__(self, read: Callable[[bytes, Host], Awaitable[HostFacts | Failure]]) -> None:
        self._read = read
        self._last: dict[str, tuple[bytes, HostFacts, float | None]] = {}

    async def read(self, raw: bytes, host: Host) -> HostFacts | Failure:
        """The facts in a probe's answer, byte for byte as it came."""
        end, clock = uptime.split(raw)
        digest = sha256(memoryview(raw)[:end]).digest()
        known = self._last.get(host.name)
        if known is None or known[0] != digest:
            facts = await self._read(raw, host)
        elif clock is not None and known[2] is not None and clock >= known[2]:
            return known[1]
        else:
            facts = known[1]
        if isinstance(facts, Failure):
            return facts
        facts = uptime.at(facts, clock)
        self._last[host.name] = digest, facts, uptime.steady_from(facts)
        return facts
