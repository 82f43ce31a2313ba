"""A scanner for one command, over the adapters that its configuration asks for."""

from __future__ import annotations

import os
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from scanner.app.adapters import AdapterContext, Adapters
from scanner.app.version import VERSION
from scanner.domain.plan import Plan
from scanner.domain.readiness import readiness
from scanner.domain.verdict.verdict import Depth
from scanner.formats import whose
from scanner.registry.auth.credentials import of_user
from scanner.scan.images.image_surveys import Surveying
from scanner.scan.plans.plans import NO_DEPLOYMENTS
from scanner.service.configuration import limits, owners, waivers
from scanner.service.deadline import with_plans
from scanner.service.image import InspectedImage, open_image
from scanner.service.publication import waived

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from scanner.domain.host import Host
    from scanner.domain.image.reference import ImageReference
    from scanner.domain.platform.platform import Platform
    from scanner.domain.readiness import Readiness
    from scanner.domain.report import Report
    from scanner.hosts.ssh.config import SshConfig
    from scanner.hosts.ssh.fetcher import Fetcher
    from scanner.registry.archives.archived import Archived
    from scanner.scan.scan import Scanner
    from scanner.settings.schema import Settings


def own_context(ssh: SshConfig | None = None, fetcher: Fetcher | None = None) -> AdapterContext:
    """Of a command: with the logins that the user's own docker and podman would use."""
    return AdapterContext(VERSION, ambient=of_user(os.environ, whose.home()), ssh=ssh, fetcher=fetcher)


@asynccontextmanager
async def open_scanner(  # noqa: PLR0913 -- each is an independent choice of a command
    settings: Settings,
    depth: Depth | None,
    inventory_hosts: Sequence[Host] = (),
    *,
    survey_now: bool = False,
    ssh: SshConfig | None = None,
    archives: Mapping[ImageReference, Archived] | None = None,
    fetcher: Fetcher | None = None,
) -> AsyncIterator[tuple[Scanner, Adapters]]:
    """A scanner over adapters that end with the context.

    With the whole inventory it also judges what the plan directory holds for it. With ``survey_now``, or at depth
    ``full``, what scripts decide at run time is surveyed while the command waits.
    """
    adapters = Adapters(settings, own_context(ssh, fetcher), archives=archives)
    try:
        with adapters.one_scan():
            plans, within = NO_DEPLOYMENTS, limits(settings, depth)
            if inventory_hosts:
                plans, within = await with_plans(adapters, inventory_hosts, within)
            now = survey_now or within.depth is Depth.FULL
            yield adapters.scanner(within, plans=plans, survey_now=now), adapters
    finally:
        await adapters.close()


def marked(report: Report, settings: Settings) -> Report:
    """The report with the waivers and owners that the settings name."""
    return waived(report, waivers(settings), time.time(), owners(settings))


async def inspected(wanted: ImageReference, adapters: Adapters, *, all_binaries: bool) -> InspectedImage:
    """What an image offers, down to the binary of each platform."""
    list_all = adapters.files if all_binaries else None
    surveying = Surveying(adapters.surveys, now=True)
    return await open_image(wanted, adapters.images, adapters.inspections, surveying, list_all)


async def ready_for(target: Platform, report: Report, scanner: Scanner, team_label: str) -> Readiness:
    """What of a report would run on hosts of ``target``."""
    images = dict.fromkeys(finding.workload.image for finding in report.findings)
    plans = [Plan(image) for image in images if image]
    return readiness(report, target, await scanner.against((target,), plans), team_label)
