"""The deploy gate: may these images go there?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import structlog

from scanner.domain.decision import decide
from scanner.domain.facts import Failure, HostFacts, image_reference
from scanner.domain.plan import Plan
from scanner.domain.verdict.reason import Reason
from scanner.scan.scan import silent
from scanner.service.answers import Checked, Refusal, RefusalReason
from scanner.service.configuration import limits, policy

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scanner.domain.host import Host
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Report
    from scanner.scan.ports import Listener
    from scanner.scan.scan import Scanner
    from scanner.service.ports import Observer
    from scanner.service.publication import Publication
    from scanner.service.recording import Recording
    from scanner.service.reloading import Reloading
    from scanner.service.surveys import Surveys

log = structlog.get_logger(__name__)


class Gate:
    """Judges with what the last scan knows of the hosts; what is not known, or too old, holds."""

    def __init__(  # noqa: PLR0913, PLR0917 -- a decision rests on all of them
        self,
        reloading: Reloading,
        publication: Publication,
        surveys: Surveys,
        observer: Observer,
        clock: Callable[[], float],
        recording: Recording,
    ) -> None:
        self._reloading, self._publication, self._surveys = reloading, publication, surveys
        self._observer, self._clock, self._recording = observer, clock, recording

    async def check(
        self, images: tuple[str, ...], hosts: tuple[str, ...], platform: Platform | None, by: str
    ) -> Checked | Refusal:
        """May these images go to the inventory hosts that match, or to a plain host of ``platform``?

        The answer counts once it stands in the trail.
        """
        asked = {"images": list(images), "hosts": list(hosts), "platform": str(platform or "")}
        return await self._recording.decided(await self._check(images, hosts, platform, by), asked, by)

    async def _check(
        self, images: tuple[str, ...], hosts: tuple[str, ...], platform: Platform | None, by: str
    ) -> Checked | Refusal:
        if refused := self._refused(images):
            return refused
        chosen = self._reloading.matching(hosts) if platform is None else ()
        if isinstance(chosen, Refusal):
            return chosen
        configuration, adapters = self._reloading.current
        settings = configuration.settings
        with self._reloading.using(adapters):
            scanner = adapters.scanner(
                limits(settings),
                read=self._known_facts,
                on_bug=lambda _where: self._observer.internal_error(),
                survey_now=True,
                want_survey=self._surveys.want,
            )
            try:
                report = await judged(scanner, images, chosen, () if platform is None else (platform,))
            except ValueError as error:
                return Refusal(RefusalReason.PLATFORM_INVALID, str(error))
        decision = decide(report, policy(settings))
        log.info("gate_decided", by=by, decision=str(decision), images=list(images))
        return Checked(report, decision)

    def _refused(self, images: tuple[str, ...]) -> Refusal | None:
        if self._publication.store_error:
            return Refusal(RefusalReason.STORE_FAILED, self._publication.store_error, 60)
        registries = self._reloading.settings.registries
        for image in images:
            found = image_reference(image)
            name = image if isinstance(found, Failure) else found.registry
            if registries.only_listed and name not in registries.listed:
                return Refusal(RefusalReason.REGISTRY_NOT_ALLOWED, f"{name} is not a listed registry")
        return None

    async def _known_facts(self, host: Host) -> HostFacts | Failure:
        """What the published report says of a host, unless that is too old to decide on, or of another machine."""
        found = self._publication.reading(host)
        if found is None:
            return Failure(Reason.HOST_STALE, "the host has not been scanned yet, as the configuration names it now")
        age_s = self._clock() - found.taken_at
        if age_s < 0:
            return Failure(Reason.HOST_STALE, "the clock stepped back behind the host's last reading")
        if age_s > self._reloading.settings.gate.max_facts_age:
            return Failure(Reason.HOST_STALE, f"the host was last read {age_s:.0f} s ago")
        return found.reading


async def judged(
    scanner: Scanner,
    images: Sequence[str],
    hosts: Sequence[Host],
    platforms: Sequence[Platform] = (),
    listen: Listener = silent,
) -> Report:
    """Images judged against a plain host of each platform or, where none is named, against what is known of hosts.

    Raises:
        ValueError: there are no hosts of such a platform.
    """
    if platforms:
        return await scanner.against(platforms, images)
    planned = [replace(host, planned=tuple(Plan(image) for image in images)) for host in hosts]
    return await scanner.scan(planned, only_plans=True, listen=listen)
