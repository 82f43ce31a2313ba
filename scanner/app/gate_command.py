"""The command ``archscan check``: archives opened, files read, all of it judged."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager, closing
from typing import TYPE_CHECKING

from scanner import inventory
from scanner.app import wiring
from scanner.app.adapters import Adapters
from scanner.app.archives import is_archive, opened
from scanner.domain.decision import decided, rulings
from scanner.domain.facts import Process, Source
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.plan import Plan
from scanner.domain.verdict.plain import plain_platform
from scanner.domain.verdict.reason import Reason
from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.formats.parsing.offload import Parsers
from scanner.probe.planned.folder import FolderPlans, Gap
from scanner.probe.planned.plans import MAX_DOCUMENT_BYTES
from scanner.scan.plans import plans as scan_plans
from scanner.scan.plans.compose_given import read_compose
from scanner.scan.plans.plan_tree import TreeError
from scanner.service.answers import Checked, Refusal
from scanner.service.configuration import limits
from scanner.service.gate.gate import judged
from scanner.service.gate.instead import Alternatives
from scanner.service.gate.pins import pins
from scanner.service.gate.policy import demands
from scanner.service.gate.question import Question, named_image

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from scanner.app.adapters import AdapterContext
    from scanner.cli.operations import CheckOptions
    from scanner.domain.image.reference import ImageReference
    from scanner.domain.platform.platform import Platform
    from scanner.registry.archives.archived import Archived
    from scanner.scan.ports import ScanListener
    from scanner.settings.schema import Settings

HERE = Host("localhost", local=True)
"""The machine that is typed at, for commands that deploy on it."""


async def check(settings: Settings, asked: CheckOptions, context: AdapterContext, progress: ScanListener) -> Checked:
    """Judge what is asked about against inventory hosts, this machine, or plain platforms.

    Raises:
        UsageError: something that is named is not there, or is none of its kind.
    """
    for image in asked.images:
        if not is_archive(image):
            reference(image)
    plain = platforms(asked.platforms)
    fleet = () if plain or asked.is_here else wiring.hosts(settings).hosts
    chosen = (HERE,) if asked.is_here else () if plain else inventory.match(fleet, asked.hosts)
    wanted = demands(settings, chosen, asked.depth)
    async with AsyncExitStack() as stack:
        archives = {
            image: await stack.enter_async_context(opened(image)) for image in asked.images if is_archive(image)
        }
        question = await asyncio.to_thread(_question, asked, archives)
        adapters = await stack.enter_async_context(_adapters(settings, context, archives))
        scanner = adapters.scanner(
            limits(settings, wanted.depth),
            plans=scan_plans.given(question.planned_files, chosen, fleet or chosen),
            survey_now=True,
        )
        with adapters.one_check():
            report = await judged(scanner, question, chosen, plain, progress)
            by_digest = await pins(scanner.registry, _pullable(question, archives), report)
            ruled = rulings(report, wanted.policies)
            search = Alternatives(scanner, adapters, settings.gate.alternatives)
            instead = await search.of(ruled, {host.name: host for host in chosen})
    return Checked(report, decided(report, ruled), rulings=ruled, pins=by_digest, instead=instead)


@asynccontextmanager
async def _adapters(
    settings: Settings, context: AdapterContext, archives: dict[str, Archived]
) -> AsyncIterator[Adapters]:
    adapters = Adapters(settings, context, archives={one.reference: one for one in archives.values()})
    try:
        yield adapters
    finally:
        await adapters.close()


def _question(asked: CheckOptions, archives: dict[str, Archived]) -> Question:
    """Everything that is asked about; reads the disk."""
    said = Process(entrypoint=asked.entrypoint, cmd=asked.command)
    process = None if asked.entrypoint is None and asked.command is None else said
    images = tuple(_plan(image, archives.get(image), process) for image in asked.images)
    found = FolderPlans()
    with closing(Parsers(1)) as parsers:
        if asked.compose:
            variables = dict(os.environ)
            if asked.profiles:
                variables["COMPOSE_PROFILES"] = ",".join(asked.profiles)
            found += read_compose(asked.compose, variables, parsers, asked.env_files, asked.project_directory)
        for path in asked.manifests:
            planned = _manifests(path, parsers)
            found += planned if planned.filed or planned.gaps else _without_plan(path)
    return Question(images, found, is_built_there=asked.is_here)


def _plan(image: str, archive: Archived | None, process: Process | None) -> Plan:
    if archive is None:
        return Plan(image, process=process)
    return Plan(str(archive.reference), image, Source.ARCHIVE, process=process)


def _pullable(question: Question, archives: dict[str, Archived]) -> dict[str, ImageReference | Failure]:
    own = {one.reference for one in archives.values()}
    return {image: reference for image, reference in question.references.items() if reference not in own}


def _without_plan(path: Path) -> FolderPlans:
    """What was to be judged is not there: that is no reason to let it pass."""
    why = Failure(Reason.PART_INCOMPLETE, "there is no plan in it: no Compose project, manifest, unit, stack or job")
    return FolderPlans((), (Gap(str(path), Source.INVENTORY, why),))


def _manifests(path: Path, parsers: Parsers) -> FolderPlans:
    if files.is_folder(path):
        try:
            return scan_plans.read_whole(path, parsers)
        except TreeError as error:
            raise UsageError(f"--manifests {error}") from None
    try:
        return scan_plans.read_texts({path.name: files.read_bytes(path, MAX_DOCUMENT_BYTES)}, parsers)
    except FileError as error:
        raise UsageError(f"--manifests {error}") from None


@asynccontextmanager
async def named(text: str) -> AsyncIterator[tuple[ImageReference, dict[ImageReference, Archived]]]:
    """The image that a command names, of a registry or in a file that is open meanwhile.

    Raises:
        UsageError: it is no reference, or the file cannot be read.
    """
    if not is_archive(text):
        yield reference(text), {}
        return
    async with opened(text) as found:
        yield found.reference, {found.reference: found}


def reference(text: str) -> ImageReference:
    """The image that a command names.

    Raises:
        UsageError: it is no reference.
    """
    found = named_image(text)
    if isinstance(found, Refusal):
        raise UsageError(found.detail)
    return found


def platforms(texts: Sequence[str], option: str = "--platform") -> list[Platform]:
    """What ``option`` names.

    Raises:
        UsageError: a word that is no platform, or one of which there are no hosts.
    """
    found = []
    for text in texts:
        try:
            found.append(plain_platform(text))
        except ValueError as error:
            raise UsageError(f"{option} {text}: {error}") from None
    return found
