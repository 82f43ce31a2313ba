"""Alternatives to a denied deployment: tags that fit, hosts that fit, within bounds."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import structlog

from scanner.domain.decision import Decision
from scanner.domain.failure import Failure
from scanner.domain.image.tags import candidates
from scanner.domain.instead import MOVABLE, Instead
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import canonical
from scanner.domain.verdict.reason import Status
from scanner.scan.plans.plans import NO_DEPLOYMENTS
from scanner.service.gate.pins import pin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.domain.decision import Ruling
    from scanner.domain.host import Host
    from scanner.domain.image.reference import ImageReference
    from scanner.domain.platform.platform import Platform
    from scanner.domain.report import Finding, Report
    from scanner.scan.scan import Scanner

log = structlog.get_logger(__name__)

WITHIN_S = 20.0
"""For all alternatives of one answer: whoever waits for a denial does not wait for long."""

MAX_SUBJECTS = 8
"""Images with a kind of host each for which alternatives are looked for; a deployment of more repeats itself."""

MAX_HOSTS = 5
"""Names of fitting hosts in one answer."""


class TagLister(Protocol):
    """Asks a registry for the tags of a repository."""

    async def tags(self, reference: ImageReference) -> tuple[str, ...] | Failure:
        """The tags."""
        ...


@dataclass(frozen=True, slots=True)
class Alternatives:
    """Looks for them with what the decision was made with; at most ``alternatives`` tags of each repository are judged."""

    scanner: Scanner
    registry: TagLister
    alternatives: int
    report: Report | None = None

    async def of(self, ruled: Sequence[Ruling], hosts: Mapping[str, Host]) -> dict[tuple[str, str], Instead]:
        """By image and host, for each denied one that another build or host would mend; what takes too long is left out."""
        found: dict[tuple[str, str], Instead] = {}
        denied = [ruling.finding for ruling in ruled if ruling.decision is Decision.DENY]
        until = time.monotonic() + WITHIN_S
        known: dict[tuple[str, str], Instead] = {}
        for finding in denied:
            if finding.verdict.reason not in MOVABLE:
                continue
            alike = (finding.workload.image, str(finding.host_platform))
            if alike not in known:
                left = until - time.monotonic()
                if len(known) >= MAX_SUBJECTS or left <= 0:
                    continue
                known[alike] = await self._one(finding, hosts.get(finding.workload.host), left)
            key = (finding.workload.image, finding.workload.host)
            found[key] = replace(known[alike], host=finding.workload.host)
        return found

    async def _one(self, finding: Finding, host: Host | None, within_s: float) -> Instead:
        instead = Instead(finding.workload.image, finding.workload.host, hosts=self._fitting(finding))
        if not self.alternatives:
            return instead
        try:
            async with asyncio.timeout(within_s):
                return await self._tagged(instead, finding, host)
        except TimeoutError:
            return instead
        except Exception:
            log.exception("instead_bug", image=finding.workload.image)
            return instead

    async def _tagged(self, instead: Instead, finding: Finding, host: Host | None) -> Instead:
        """The first of the candidates that is judged to start natively, by the same evidence as the denied one."""
        reference = finding.workload.reference
        if isinstance(reference, Failure) or not reference.tag:
            return instead
        listed = await self.registry.tags(reference)
        if isinstance(listed, Failure):
            return instead
        looked_at = 0
        for tag in candidates(reference.tag, listed, self.alternatives):
            looked_at += 1
            other = replace(reference, tag=tag, digest=None)
            if await self._starts(other, finding, host):
                by_digest = await pin(self.scanner.registry, other)
                return replace(instead, tag=str(other), pin=by_digest, looked_at=looked_at)
        return replace(instead, looked_at=looked_at)

    async def _starts(self, image: ImageReference, finding: Finding, host: Host | None) -> bool:
        workload = finding.workload
        plan = Plan(
            str(image),
            workload.name,
            workload.source,
            workload.pinned,
            workload.engine,
            workload.process,
            workload.mounts,
        )
        bare = replace(self.scanner, plans=NO_DEPLOYMENTS)
        if host is not None:
            report = await bare.scan([replace(host, planned=(plan,))], only_plans=True)
        elif finding.host_platform is not None:
            report = await bare.against([finding.host_platform], [plan])
        else:
            return False
        return bool(report.findings) and all(one.verdict.status is Status.OK for one in report.findings)

    def _fitting(self, finding: Finding) -> tuple[str, ...]:
        """Hosts of the fleet whose platform the image has, as far as its labels are true."""
        if self.report is None or finding.verdict.reason not in MOVABLE:
            return ()
        offered = {str(one) for one in finding.verdict.offered}
        own = _name(finding.host_platform)
        fitting = (
            host.name
            for host in self.report.hosts
            if host.name != finding.workload.host and _name(host.platform) in offered - {own}
        )
        return tuple(fitting)[:MAX_HOSTS]


def _name(platform: Platform | None) -> str:
    return str(canonical(platform)) if platform else ""
