"""Looks into images that only a host has, where the operator allows it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from scanner.domain.facts import EngineKind, Stage
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Program
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.engine import engine_of
from scanner.domain.verdict.reason import Reason
from scanner.scan.images.images import is_local_only

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from scanner.domain.facts import Engine, HostFacts, LocalImage, Process, Workload
    from scanner.domain.host import Host
    from scanner.hosts.source import ImageExport

MAX_AT_ONCE = 4
"""Images that are read at the same time: each may bring gigabytes over the network."""

MAX_PER_HOST = 50
"""Images of one host that are read; the others stay unknown, with this as the reason."""

MAX_REMEMBERED = 20_000
"""Programs that are remembered; an image ID is a digest, so what it holds never changes."""

_READABLE = (EngineKind.DOCKER, EngineKind.PODMAN)


class ArchiveInspector(Protocol):
    """Opens the program in an exported image."""

    async def __call__(self, stream: AsyncIterator[bytes], image_id: str, override: Process | None) -> Program:
        """What argv resolves to; trouble is the program's ``problem``."""


_Key = tuple[str, str, "Process | None"]


@dataclass(slots=True)
class LocalImages:
    """Fills ``LocalImage.program`` of workloads whose image no registry has.

    ``open`` is the stream of what a host's engine exports of an image ID.
    """

    open: ImageExport
    inspect: ArchiveInspector
    _known: dict[_Key, Program] = field(default_factory=dict)
    _turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAX_AT_ONCE))

    async def fill(self, host: Host, facts: HostFacts) -> HostFacts:
        """The same facts, with the programs of local images as far as they can be had."""
        found: dict[_Key, Program] = {}
        workloads = []
        for workload in facts.workloads:
            engine = engine_of(facts, workload)
            if workload.local is None or not is_local_only(workload) or isinstance(engine, Failure):
                workloads.append(workload)
                continue
            key = (host.name, workload.local.image_id, workload.override)
            if key not in found:
                found[key] = await self._program(host, engine, workload.local, workload.override, len(found))
            workloads.append(_with(workload, workload.local, found[key]))
        return replace(facts, workloads=tuple(workloads)) if found else facts

    async def _program(
        self, host: Host, engine: Engine, local: LocalImage, override: Process | None, before: int
    ) -> Program:
        key = (host.name, local.image_id, override)
        if key in self._known:
            return self._known[key]
        if engine.kind not in _READABLE or engine.owner or host.local:
            return _unread(f"images of {engine.key} are not read")
        if before >= MAX_PER_HOST:
            return _unread(f"the host has more than {MAX_PER_HOST} images that no registry has")
        try:
            async with self._turn, self.open(host, engine.kind, local.image_id) as stream:
                program = await self.inspect(stream, local.image_id, override)
        except StreamBroken as broken:
            return Program((), problem=broken.failure)
        except ValueError as error:
            return _unread(str(error))
        if not program.problems and len(self._known) < MAX_REMEMBERED:
            self._known[key] = program
        return program


def _with(workload: Workload, local: LocalImage, program: Program) -> Workload:
    """The workload with its program; where that could not be had, one that runs is proof enough of itself."""
    unread = program.problem is not None and program.problem.reason is Reason.IMAGE_LOCAL_ONLY
    if unread and workload.stage is Stage.RUNNING:
        return workload
    return replace(workload, local=replace(local, program=program))


def _unread(why: str) -> Program:
    return Program((), problem=Failure(Reason.IMAGE_LOCAL_ONLY, f"only the host has the image: {why}"))
