"""Every kind of image judged for every recorded engine at once: a made-up fleet of one host a generation."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.facts import (
    Binfmt,
    Engine,
    EngineKind,
    EngineState,
    HostFacts,
    ImageStore,
    Kernel,
)
from scanner.domain.host import Host
from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.verdict import Verdict
from scanner.registry.http import pinned_transport
from scanner.scan.scan import ScanLimits
from scanner.settings import load
from tests.real.lenient import InProcess, LenientRegistry
from tests.system.truth.build import Kind
from tests.system.truth.comparison import FAILS, STARTS
from tests.system.truth.recordings import Recorded, Recording

AMD64 = Platform("linux", "amd64")
SCAN_WITHIN_S = 600.0
VERSION = "0"
PORT = 5000
"""Where nobody listens: the registry is asked in this process."""


@dataclass(frozen=True)
class Judged:
    """One kind on one engine: what it did, what we say."""

    generation: str
    outcome: Recorded
    verdict: Verdict

    @property
    def contradiction(self) -> str:
        """Where the verdict contradicts what happened; an unknown one contradicts nothing."""
        status = str(self.verdict.status)
        if status in (FAILS if self.outcome.started else STARTS):
            said = f"{status} ({self.verdict.reason}: {self.verdict.detail})"
            return f"{self.generation}: {said}, but it {self.outcome}"
        return ""

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is claimed."""
        return str(self.verdict.status) not in STARTS | FAILS


def facts_of(recording: Recording) -> HostFacts:
    """What a host with this engine would have said."""
    generation, machine = recording.generation, recording.host
    kernel = Kernel(
        system="Linux",
        machine=machine["machine"],
        platform=AMD64,
        userland_bits=64,
        page_size=machine["page_size"],
        cpu_level=machine["cpu_level"],
        ia32=machine["ia32"],
        binfmt=Binfmt(enabled=False),
        kernel_bits=64,
    )
    engine = Engine(
        EngineKind(generation.engine), EngineState.UP, recording.version, AMD64, ImageStore(generation.store)
    )
    return HostFacts(generation.name, kernel, (engine,))


async def judge_all(
    recordings: Sequence[Recording],
    kinds: Sequence[Kind],
    folder: Path,
    *,
    surveyed: bool = False,
) -> dict[str, list[Judged]]:
    """By kind, what we say of it on each engine that ran it; as the gate does once all files were ``surveyed``."""
    registry = LenientRegistry(PORT)
    references = {kind.id: registry.push(kind.repository, "1", kind.made()) for kind in kinds}
    hosts = [_host(recording, references) for recording in recordings]
    facts = {recording.generation.name: facts_of(recording) for recording in recordings}

    async def read(host: Host) -> HostFacts:
        return facts[host.name]

    config = folder / "archscan.yml"
    config.write_text(json.dumps({"registries": {registry.address: {"plain_http": True, "rate": 1000, "burst": 1000}}}))
    adapters = Adapters(load(config, {}, need_hosts=False), AdapterContext(VERSION))
    without_a_wire = patch.object(pinned_transport, "Connections", lambda *_, **__: InProcess(registry))
    try:
        with without_a_wire:
            scanner = adapters.scanner(ScanLimits(deadline_s=SCAN_WITHIN_S), read=read, survey_now=surveyed)
            report = await scanner.scan(hosts)
    finally:
        await adapters.close()
    verdicts = {(each.workload.host, each.workload.image): each.verdict for each in report.findings}
    return {kind.id: _of_kind(kind, recordings, references, verdicts) for kind in kinds}


def _host(recording: Recording, references: Mapping[str, str]) -> Host:
    name, engine = recording.generation.name, recording.generation.engine
    planned = tuple(Plan(references[kind], engine=engine) for kind in recording.outcomes if kind in references)
    return Host(name, "host.example", planned=planned)


def _of_kind(
    kind: Kind,
    recordings: Sequence[Recording],
    references: Mapping[str, str],
    verdicts: Mapping[tuple[str, str], Verdict],
) -> list[Judged]:
    return [
        Judged(name, recording.outcomes[kind.id], verdicts[name, references[kind.id]])
        for recording in recordings
        if kind.id in recording.outcomes
        for name in (recording.generation.name,)
    ]
