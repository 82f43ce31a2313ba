"""One host read by a worker: what it answers is sent on only where that is other than what was last sent."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.cluster import wire
from scanner.domain.failure import Failure
from scanner.formats.parsing.offload import BudgetExceeded
from scanner.probe.answer_budget import BUDGET, too_large
from scanner.probe.answer_cache import AnswerCache, digest_of

if TYPE_CHECKING:
    from scanner.domain.facts import HostFacts
    from scanner.domain.host import Host
    from scanner.hosts.answer_reading import AnswerReader
    from scanner.hosts.source import HostSource
    from scanner.scan.images.local_images import LocalImages


@dataclass(frozen=True, slots=True)
class SentReading:
    """What one reading came to.

    ``facts`` is the text of the facts, empty where the answer is the one that ``digest`` stands for; ``clock`` the host's
    time (Unix seconds). ``failure`` is the text of why there is nothing, empty where there is something.
    """

    digest: bytes = b""
    clock: int | None = None
    facts: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class WorkerReader:
    """Reads hosts through ``source``, their answers with ``answer_reader``.

    ``local_images`` looks into images that only a host has.
    """

    source: HostSource
    answer_reader: AnswerReader
    local_images: LocalImages | None = None
    _answers: AnswerCache = field(init=False)

    def __post_init__(self) -> None:
        """Remember answers, for hosts whose own images are looked into."""
        object.__setattr__(self, "_answers", AnswerCache(self.answer_reader.facts))

    async def read(self, host: Host, known: bytes) -> SentReading:
        """What the host says; ``known`` is the digest that was sent with what it said last, empty where it is not known."""
        raw = await self.source.read(host)
        if isinstance(raw, Failure):
            return self._failed(raw, host)
        digest, clock = digest_of(raw)
        if self.local_images is not None:
            return await self._with_images(self.local_images, raw, host, known)
        if digest == known:
            return SentReading(digest, clock)
        text = await self._offloaded(raw, host)
        return self._failed(text, host) if isinstance(text, Failure) else SentReading(digest, clock, text)

    async def close(self) -> None:
        """End every connection."""
        await self.source.close()
        self.answer_reader.parsers.close()

    async def _with_images(self, images: LocalImages, raw: bytes, host: Host, known: bytes) -> SentReading:
        """The answer with what the host's own images hold, both of which its digest is of."""
        facts = await self._answers.read(raw, host)
        if isinstance(facts, Failure):
            return self._failed(facts, host)
        said, clock = digest_of(raw)
        filled = await images.fill(host, facts)
        digest = said if filled is facts else _digest(said, filled)
        return SentReading(digest, clock, "" if digest == known else wire.facts_text(filled))

    async def _offloaded(self, raw: bytes, host: Host) -> str | Failure:
        """The text of the facts, made where they are read: they are as large as the answer."""
        own = self.answer_reader
        found = await own.parsers.run(wire.interpreted, BUDGET, raw, host, own.login)
        return too_large(found) if isinstance(found, BudgetExceeded) else found

    def _failed(self, failure: Failure, host: Host) -> SentReading:
        return SentReading(failure=wire.failure_text(self.answer_reader.failed(failure, host)))


def _digest(said: bytes, facts: HostFacts) -> bytes:
    """Of an answer together with what its images hold; what the clock alone changes is left out."""
    timeless = replace(facts, workloads=tuple(replace(workload, settled=None) for workload in facts.workloads))
    return hashlib.sha256(said + wire.facts_text(timeless).encode()).digest()
