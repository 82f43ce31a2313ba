"""Remembers what each host's last answer meant, since most hosts say the same again."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.probe import uptime

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scanner.domain.facts import HostFacts
    from scanner.domain.host import Host


@dataclass(frozen=True, slots=True)
class Held:
    """What a host's last answer was: the digest of all but its clock, its facts, from which host time on they stay so."""

    digest: bytes
    facts: HostFacts
    steady_from: float | None


class AnswerCache:
    """Reads answers by ``read``; one in which only the clock went on gives the same facts without being parsed.

    It holds the facts of every host that it was ever given, which for an inventory are those of the last report.
    """

    def __init__(self, read: Callable[[bytes, Host], Awaitable[HostFacts | Failure]]) -> None:
        self._read = read
        self._last: dict[str, Held] = {}

    async def read(self, raw: bytes, host: Host) -> HostFacts | Failure:
        """The facts in a probe's answer, byte for byte as it came."""
        digest, clock = digest_of(raw)
        held = self.held(host)
        if held is not None and held.digest == digest:
            return self.same(host, held, clock)
        facts = await self._read(raw, host)
        return facts if isinstance(facts, Failure) else self.take(host, digest, facts, clock)

    def held(self, host: Host) -> Held | None:
        """What is known of a host's last answer."""
        return self._last.get(host.name)

    def same(self, host: Host, held: Held, clock: int | None) -> HostFacts:
        """The facts of an answer that says what is held, at another time of the host's clock."""
        if clock is not None and held.steady_from is not None and clock >= held.steady_from:
            return held.facts
        return self.take(host, held.digest, held.facts, clock)

    def take(self, host: Host, digest: bytes, facts: HostFacts, clock: int | None) -> HostFacts:
        """Hold what an answer says."""
        facts = uptime.at(facts, clock)
        self._last[host.name] = Held(digest, facts, uptime.steady_from(facts))
        return facts


def digest_of(raw: bytes) -> tuple[bytes, int | None]:
    """The SHA-256 of all that an answer says but the time, then the host's time (Unix seconds)."""
    end, clock = uptime.split(raw)
    return sha256(memoryview(raw)[:end]).digest(), clock
