"""A host's facts, read by the way that leads to it: its own answer, one that it pushed, or what others read of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.hosts.pushed import NO_PLACE
from scanner.hosts.source import SourceKind, kind_of
from scanner.probe.answer_cache import AnswerCache

if TYPE_CHECKING:
    from collections.abc import Mapping

    from scanner.domain.facts import HostFacts
    from scanner.domain.host import Host
    from scanner.hosts.answer_reading import AnswerReader
    from scanner.hosts.pushed import PushedAnswers
    from scanner.hosts.source import HostSource
    from scanner.scan.images.local_images import LocalImages
    from scanner.scan.ports import HostReader


@dataclass(slots=True)
class HostFactsReader:
    """Reads hosts through ``sources``, what they answer with ``answer_reader``.

    ``pushed`` is where pushed answers lie, ``other_reader`` what reads hosts instead of this process, ``local_images`` the look into
    the hosts' own stores; each ``None`` where there is none.
    """

    sources: Mapping[SourceKind, HostSource]
    answer_reader: AnswerReader
    pushed: PushedAnswers | None = None
    local_images: LocalImages | None = None
    other_reader: HostReader | None = None
    answers: AnswerCache = field(init=False)
    _pushed_facts: dict[str, tuple[HostFacts, HostFacts]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Remember what each host said last."""
        self.answers = AnswerCache(self.answer_reader.facts)

    async def read(self, host: Host) -> HostFacts | Failure:
        """Ask one host through the source that answers for it (``HostReader``)."""
        if self.pushed is not None and kind_of(host) is SourceKind.PUSHED:
            return await self._read_pushed(self.pushed, host)
        if self.other_reader is not None and kind_of(host) is SourceKind.SSH:
            return await self.other_reader(host)
        raw = await self.sources[kind_of(host)].read(host)
        facts = raw if isinstance(raw, Failure) else await self.answers.read(raw, host)
        if isinstance(facts, Failure):
            return self.answer_reader.failed(facts, host)
        if self.local_images is None:
            return facts
        return await self.local_images.fill(host, facts)

    async def receive(self, host: Host, raw: bytes) -> Failure | None:
        """Keep the answer that a host pushed; it is parsed once, here: the next scan finds what it means."""
        if self.pushed is None:
            return NO_PLACE
        if len(raw) > self.pushed.max_output_bytes:
            detail = f"the answer is longer than {self.pushed.max_output_bytes} bytes"
            return Failure(Reason.HOST_TOO_LARGE, detail, setting="ssh.max_output")
        found = await self.answers.read(raw, host)
        return found if isinstance(found, Failure) else await self.pushed.receive(host, raw)

    async def _read_pushed(self, source: PushedAnswers, host: Host) -> HostFacts | Failure:
        """What a host pushed last, with its time; its own store of images is out of reach."""
        pushed = await source.latest(host)
        if isinstance(pushed, Failure):
            return self.answer_reader.failed(pushed, host)
        facts = await self.answers.read(pushed.raw, host)
        if isinstance(facts, Failure):
            return self.answer_reader.failed(facts, host)
        known = self._pushed_facts.get(host.name)
        if known is None or known[0] is not facts or known[1].answered_at != pushed.at:
            known = self._pushed_facts[host.name] = (facts, replace(facts, answered_at=pushed.at))
        return known[1]  # the same object for the same answer: nothing of it is judged again
