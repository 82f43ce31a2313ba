"""One host read by a worker: what it answers is sent on only where that is other than what was last sent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.cluster import wire
from scanner.domain.facts import Failure
from scanner.formats.parsing.offload import BudgetExceeded
from scanner.hosts.login import of_login, with_login
from scanner.probe import reading
from scanner.probe.answer_budget import BUDGET, too_large
from scanner.probe.answer_cache import AnswerCache, digest_of

if TYPE_CHECKING:
    from scanner.domain.facts import HostFacts
    from scanner.domain.host import Host
    from scanner.formats.parsing.offload import Workers
    from scanner.hosts.source import HostSource
    from scanner.scan.images.local_images import LocalImages


@dataclass(frozen=True, slots=True)
class Told:
    """What one reading came to.

    ``facts`` is the text of the facts, empty where the answer is the one that ``digest`` stands for; ``clock`` the host's
    time (Unix seconds). ``failure`` is the text of why there is nothing, empty where there is something.
    """

    digest: bytes = b""
    clock: int | None = None
    facts: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class HostReading:
    """Reads hosts through ``source``, their answers in ``workers``, where a hostile one can be ended.

    ``user`` logs in where a host names none; ``setting`` is the one by which a failed login is mended, empty where a
    failure names its own. ``local_images`` looks into images that only a host has.
    """

    source: HostSource
    workers: Workers
    user: str
    setting: str = ""
    local_images: LocalImages | None = None
    _answers: AnswerCache = field(init=False)

    def __post_init__(self) -> None:
        """Remember answers, for hosts whose own images are looked into."""
        object.__setattr__(self, "_answers", AnswerCache(self._facts))

    async def read(self, host: Host, known: bytes) -> Told:
        """What the host says; ``known`` is the digest that was sent with what it said last, empty where it is not known."""
        raw = await self.source.read(host)
        if isinstance(raw, Failure):
            return self._failed(raw, host)
        digest, clock = digest_of(raw)
        if self.local_images is not None:
            return await self._with_images(self.local_images, raw, host, known)
        if digest == known:
            return Told(digest, clock)
        text = await self._offloaded(raw, host)
        return self._failed(text, host) if isinstance(text, Failure) else Told(digest, clock, text)

    async def close(self) -> None:
        """End every connection."""
        await self.source.close()
        self.workers.close()

    async def _with_images(self, images: LocalImages, raw: bytes, host: Host, known: bytes) -> Told:
        """The answer with what the host's own images hold, both of which its digest is of."""
        facts = await self._answers.read(raw, host)
        if isinstance(facts, Failure):
            return self._failed(facts, host)
        said, clock = digest_of(raw)
        filled = await images.fill(host, facts)
        digest = said if filled is facts else _digest(said, filled)
        return Told(digest, clock, "" if digest == known else wire.facts_text(filled))

    async def _facts(self, raw: bytes, host: Host) -> HostFacts | Failure:
        found = await self.workers.run(reading.read, BUDGET, raw, host)
        if isinstance(found, BudgetExceeded):
            return too_large(found)
        return found if isinstance(found, Failure) else with_login(found, host, self.user, self.setting)

    async def _offloaded(self, raw: bytes, host: Host) -> str | Failure:
        found = await self.workers.run(wire.interpreted, BUDGET, raw, host, self.user, self.setting)
        return too_large(found) if isinstance(found, BudgetExceeded) else found

    def _failed(self, failure: Failure, host: Host) -> Told:
        """The failure with who was to log in where, by which it is mended."""
        return Told(failure=wire.failure_text(of_login(failure, host, self.user, self.setting)))


def _digest(said: bytes, facts: HostFacts) -> bytes:
    """Of an answer together with what its images hold; what the clock alone changes is left out."""
    timeless = replace(facts, workloads=tuple(replace(workload, settled=None) for workload in facts.workloads))
    return hashlib.sha256(said + wire.facts_text(timeless).encode()).digest()
