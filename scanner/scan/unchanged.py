"""Keeps what the last scan found of each host, for as long as nothing changed that it rests on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.facts import HostFacts
    from scanner.domain.finding_groups import HostFindings
    from scanner.domain.host import Host
    from scanner.domain.verdict.verdict import Depth
    from scanner.scan.images.images import Images
    from scanner.scan.plans.plans import HostPlans
    from scanner.scan.questions import RegistryQuestion

log = structlog.get_logger(__name__)

Basis = tuple["RegistryQuestion", ...]
"""Everything that was asked for one host's findings; hosts that run the same have the same one."""


@dataclass(frozen=True, slots=True)
class _Judged:
    """One host's findings with what they were made of."""

    host: Host
    facts: HostFacts
    plans: HostPlans
    basis: Basis
    findings: HostFindings


class LastScan:
    """Remembers every host of an inventory, for scans by the same adapters alone: their settings are not compared."""

    def __init__(self) -> None:
        self._depth: Depth | None = None
        self._hosts: dict[str, _Judged] = {}
        self._questions: dict[tuple[object, ...], RegistryQuestion] = {}
        self._bases: dict[Basis, Basis] = {}

    def begin(self, images: Images) -> Rescan:
        """A scan begins, which asks through ``images``; what was found at another depth is of no use to it."""
        if images.depth is not self._depth:
            self._depth = images.depth
            self._hosts.clear()
        return Rescan(self, images)

    def find(self, host: Host, facts: HostFacts, plans: HostPlans) -> _Judged | None:
        """What was found of a host that said and plans the same; the facts are the same object if it did."""
        known = self._hosts.get(host.name)
        if known is None or known.facts is not facts:
            return None
        same = (known.host is host or known.host == host) and (known.plans is plans or known.plans == plans)
        return known if same else None

    def keep(
        self, host: Host, facts: HostFacts, plans: HostPlans, asked: Iterable[RegistryQuestion], findings: HostFindings
    ) -> None:
        """Remember one host instead of what was known of it."""
        shared = {self._shared(question) for question in asked}
        basis = tuple(sorted(shared, key=id))
        basis = self._bases.setdefault(basis, basis)
        self._hosts[host.name] = _Judged(host, facts, plans, basis, findings)

    def forget(self, host: Host) -> None:
        """Nothing is known of this host that could be told again."""
        self._hosts.pop(host.name, None)

    def tidy(self) -> None:
        """Let go of questions that no host asks any more."""
        bases = {known.basis: known.basis for known in list(self._hosts.values())}  # another scan may add to them
        self._questions = {question.key: question for basis in bases for question in basis}
        self._bases = bases

    def _shared(self, question: RegistryQuestion) -> RegistryQuestion:
        known = self._questions.get(question.key)
        if known is None or known.answer != question.answer:
            self._questions[question.key] = known = question
        return known


class Rescan:
    """One scan over what is remembered: each question is asked once, however many hosts' findings rest on it."""

    def __init__(self, last: LastScan, images: Images) -> None:
        self._last, self._images = last, images
        self._asked: dict[RegistryQuestion, asyncio.Task[None]] = {}
        self._same: dict[RegistryQuestion, bool] = {}
        self._has_changed = False

    async def findings(self, host: Host, facts: HostFacts, plans: HostPlans) -> HostFindings | None:
        """What is known of the host, if that is what judging it again would find; ``None`` where it might not be."""
        known = self._last.find(host, facts, plans)
        if known is None:
            return None
        await self._ask_all(question for question in known.basis if question.is_of_tag)
        await self._ask_all(known.basis)  # by now what a tag leads to is known to be there, which saves a request
        return known.findings if all(map(self._same.__getitem__, known.basis)) else None

    def judged(
        self,
        host: Host,
        facts: HostFacts,
        plans: HostPlans,
        asked: Iterable[RegistryQuestion] | None,
        findings: HostFindings,
    ) -> None:
        """A host was judged; ``asked`` is ``None`` where that rests on something that could not be read."""
        self._has_changed = True
        if asked is None:
            self._last.forget(host)
        else:
            self._last.keep(host, facts, plans, asked, findings)

    def end(self) -> None:
        """The scan is over."""
        for task in self._asked.values():
            task.cancel()

    def tidy(self) -> None:
        """Let go of what no host needs any more; takes a while after a first scan, and may be done in any thread."""
        if self._has_changed:
            self._last.tidy()

    async def _ask_all(self, questions: Iterable[RegistryQuestion]) -> None:
        """Whoever is cut off while he waits leaves the questions to those who wait as well."""
        waiting = {self._task(question) for question in questions if question not in self._same}
        if waiting:
            await asyncio.wait(waiting)

    def _task(self, question: RegistryQuestion) -> asyncio.Task[None]:
        task = self._asked.get(question)
        if task is None:
            task = self._asked[question] = asyncio.create_task(self._ask(question))
        return task

    async def _ask(self, question: RegistryQuestion) -> None:
        try:
            self._same[question] = await question.is_answered_alike(self._images)
        except Exception:
            log.exception("question_bug")
            self._same[question] = False
