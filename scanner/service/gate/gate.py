"""The deploy gate: may these images go there?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from scanner.domain.decision import STOPS, decided, rulings
from scanner.domain.failure import Failure
from scanner.scan.aside import aside
from scanner.scan.plans import plans as scan_plans
from scanner.scan.scan import silent
from scanner.service.answers import Checked, Refusal, RefusalReason
from scanner.service.configuration import limits
from scanner.service.gate.facts import GateFacts
from scanner.service.gate.instead import Alternatives
from scanner.service.gate.pins import pins
from scanner.service.gate.policy import demands
from scanner.service.gate.question import Destination, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scanner.domain.decision import Policies, Ruling
    from scanner.domain.host import Host
    from scanner.domain.image.reference import ImageReference
    from scanner.domain.plan import Plan
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Report
    from scanner.scan.ports import ScanListener
    from scanner.scan.scan import Scanner
    from scanner.service.gate.memory import GateMemory
    from scanner.service.gate.overrides import Overrides
    from scanner.service.gate.policy import Demands
    from scanner.service.ports import Adapters, Observer
    from scanner.service.publication import Publication
    from scanner.service.recording import Recording
    from scanner.service.reloading import Reloading
    from scanner.service.surveys import Surveys

log = structlog.get_logger(__name__)


class Gate:
    """Judges with what is known of the hosts, which are read anew where that is too old; what is not known holds."""

    def __init__(  # noqa: PLR0913, PLR0917 -- a decision rests on all of them
        self,
        reloading: Reloading,
        publication: Publication,
        surveys: Surveys,
        observer: Observer,
        clock: Callable[[], float],
        recording: Recording,
        overrides: Overrides,
        memory: GateMemory,
    ) -> None:
        self._reloading, self._publication, self._surveys = reloading, publication, surveys
        self._observer, self._recording, self._overrides = observer, recording, overrides
        self._memory = memory
        self._facts = GateFacts(publication, clock)

    async def check(
        self, images: tuple[str, ...], hosts: tuple[str, ...], platform: Platform | None, by: str
    ) -> Checked | Refusal:
        """May these images go to the inventory hosts that match, or to a plain host of ``platform``?"""
        destination = Destination(hosts, () if platform is None else (platform,))
        return await self.ask(Question.of(images), destination, by)

    async def ask(self, question: Question, destination: Destination, by: str) -> Checked | Refusal:
        """May what is asked about go there? The answer counts once it stands in the trail."""
        asked = {
            "images": list(question.written),
            "hosts": list(destination.hosts),
            "platform": ",".join(map(str, destination.platforms)),
        }
        answer = await self._recording.decided(await self._answered(question, destination, by), asked, by)
        if isinstance(answer, Checked):
            await self._memory.remember(answer)
        return answer

    async def ask_files(
        self, images: tuple[Plan, ...], files: Mapping[str, bytes], destination: Destination, by: str
    ) -> Checked | Refusal:
        """The same about images beside what ``files``, by path, plan."""
        if not files:
            return await self.ask(Question(images), destination, by)
        adapters = self._reloading.current[1]
        with self._reloading.using(adapters):
            read = await adapters.read_files(files)
        return await self.ask(Question(images, read), destination, by)

    async def close(self) -> None:
        """Give up what is under way."""
        await self._facts.close()

    async def _answered(self, question: Question, destination: Destination, by: str) -> Checked | Refusal:
        if refused := self._refused(question.references):
            return refused
        chosen = () if destination.platforms else self._reloading.matching(destination.hosts)
        if isinstance(chosen, Refusal):
            return chosen
        configuration, adapters = self._reloading.current
        asked = demands(configuration.settings, chosen)
        with self._reloading.using(adapters), adapters.one_check():
            scanner = self._scanner(adapters, asked, question, chosen)
            try:
                report = await judged(scanner, question, chosen, destination.platforms)
            except ValueError as error:
                return Refusal(RefusalReason.PLATFORM_INVALID, str(error))
            by_digest = await self._pins(scanner, question.references, report)
            ruled = await self._ruled(report, asked.policies)
            count = configuration.settings.gate.alternatives
            search = Alternatives(scanner, adapters, count, self._publication.report())
            instead = await search.of(ruled, {host.name: host for host in chosen})
        decision = decided(report, ruled)
        log.info("gate_decided", by=by, decision=str(decision), images=list(question.written))
        return Checked(report, decision, rulings=ruled, pins=by_digest, instead=instead)

    async def _ruled(self, report: Report, policies: Policies) -> tuple[Ruling, ...]:
        """What is decided of each finding; who answers for it against the gate is asked where that could make a difference."""
        ruled = await aside(len(report.findings), lambda: rulings(report, policies))
        if not any(ruling.decision in STOPS for ruling in ruled) and not self._overrides.has_ended:
            return ruled
        overrides = await self._overrides.in_force()
        return await aside(len(report.findings), lambda: rulings(report, policies, overrides))

    async def _pins(
        self, scanner: Scanner, images: Mapping[str, ImageReference | Failure], report: Report
    ) -> dict[str, str]:
        """What was judged, by digest; a bug costs no more than that."""
        try:
            return await pins(scanner.registry, images, report)
        except Exception:
            log.exception("gate_bug", images=list(images))
            return {}

    def _scanner(self, adapters: Adapters, asked: Demands, question: Question, hosts: Sequence[Host]) -> Scanner:
        settings = self._reloading.settings
        return adapters.scanner(
            limits(settings, asked.depth),
            read=self._facts.reader(adapters.read, asked.max_ages_s, settings.gate.reprobe),
            on_bug=lambda _where: self._observer.internal_error(),
            plans=scan_plans.given(question.planned_files, hosts, self._reloading.hosts()),
            survey_now=True,
            want_survey=self._surveys.want,
        )

    def _refused(self, images: Mapping[str, ImageReference | Failure]) -> Refusal | None:
        if self._publication.store_error:
            return Refusal(RefusalReason.STORE_FAILED, self._publication.store_error, 60)
        registries = self._reloading.settings.registries
        for image, found in images.items():
            name = image if isinstance(found, Failure) else found.registry
            if registries.only_listed and name not in registries.listed:
                return Refusal(RefusalReason.REGISTRY_NOT_ALLOWED, f"{name} is not a listed registry")
        return None


async def judged(
    scanner: Scanner,
    question: Question,
    hosts: Sequence[Host],
    platforms: Sequence[Platform] = (),
    listen: ScanListener = silent,
) -> Report:
    """What is asked about, judged against a plain host of each platform or, without one, against what is known of hosts.

    What files plan for ``hosts`` is what the scanner was given as plans.

    Raises:
        ValueError: there are no hosts of such a platform.
    """
    if platforms:
        return await scanner.against(platforms, tuple(question.plans), question.gaps)
    planned = [replace(host, planned=question.images) for host in hosts]
    return await scanner.scan(planned, only_plans=True, listen=listen)
