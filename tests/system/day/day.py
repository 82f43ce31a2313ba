"""One day of hourly scans by the real service: hosts answer from memory, the registry without a wire, time is made up."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING
from unittest.mock import patch

from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.verdict.reason import PENDING, STATUS_OF, Reason, Status
from scanner.metrics.metrics import Metrics
from scanner.registry.client import SystemClock, last_seen
from scanner.registry.http import pinned_transport
from scanner.service.configuration import Configuration
from scanner.service.service import Service
from scanner.settings.schema import Settings
from scanner.store.store import Store
from tests.real.lenient import Answer, InProcess, LenientRegistry
from tests.system.day import pages
from tests.system.day.fleet import HOURS, Company

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import httpcore

    from scanner.domain.facts import HostFacts
    from scanner.domain.failure import Failure
    from scanner.domain.host import Host
    from scanner.domain.report import Report
    from tests.system.day.fleet import Truth

PORT = 5000
"""Of a registry that nobody asks over a wire."""
SURVEYS_WITHIN_S = 300


class Moody(LenientRegistry):
    """Answers 429 while it has enough."""

    limited = False

    def answer(self, path: str, asked_range: str = "") -> Answer:
        """What a registry says that knows limits."""
        if not self.limited:
            return super().answer(path, asked_range)
        return Answer(HTTPStatus.TOO_MANY_REQUESTS, {"Content-Length": "0", "Retry-After": "600"}, b"")


class Counting(InProcess):
    """Takes down each request, in ``asked`` by method and what it is for, in ``bytes`` what came of it."""

    def __init__(self, registry: LenientRegistry, asked: Counter[str]) -> None:
        super().__init__(registry)
        self._asked = asked

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """The answer, counted."""
        response = await super().handle_async_request(request)
        method, path = request.method.decode(), request.url.target.decode()
        self._asked[f"{method} {'blob' if '/blobs/' in path else 'manifest'}"] += 1
        if method == "GET":
            self._asked["bytes"] += next(int(value) for name, value in response.headers if name == b"Content-Length")
        return response


@dataclass(frozen=True)
class Scan:
    """What one scan came to, with its surveys; ``down`` is what really is, ``pending`` counts the surveys it asked for.

    ``asked`` counts requests to the registry by their kinds, ``tags`` what its hosts run or are to run.
    """

    reasons: Mapping[Reason, int]
    exported: dict[str, str]
    down: Truth
    cpu_s: float
    asked: Mapping[str, int]
    pending: int
    tags: int

    @property
    def unknown(self) -> float:
        """The part of all workloads of which archscan says that it does not know; what a survey will tell is apart."""
        told = [
            count
            for reason, count in self.reasons.items()
            if STATUS_OF[reason] is Status.UNKNOWN and reason not in PENDING
        ]
        return sum(told) / sum(self.reasons.values())


async def a_day(hosts: int, images: int, folder: Path) -> list[Scan]:
    """A scan each hour, the first one of a fleet that nobody has looked at before."""
    registry, asked = Moody(PORT), Counter[str]()
    company = Company(registry, hosts, images)
    with (
        patch.object(pinned_transport, "Connections", lambda *_, **__: Counting(registry, asked)),
        patch.object(SystemClock, "monotonic", staticmethod(lambda: company.now)),
        patch.object(SystemClock, "time", staticmethod(lambda: company.now)),
    ):
        return await _scans(registry, company, folder, asked)


async def _scans(registry: Moody, company: Company, folder: Path, asked: Counter[str]) -> list[Scan]:
    metrics, inventory = Metrics("0"), company.inventory()
    settings = Settings.model_validate({
        "registries": {registry.address: {"plain_http": True, "rate": 10000, "burst": 10000}},
        "scan": {"interval": "1h", "jitter": "0s"}, "metrics": {"max_findings": 5000},
    })  # fmt: skip

    class Here(Adapters):
        async def read(self, host: Host) -> HostFacts | Failure:
            return company.facts(host.name)

        def scanner(self, *about, **more):
            return replace(super().scanner(*about, **more), clock=lambda: company.now)

    store = await Store.open(f"sqlite:///{folder}/archscan.db", clock=lambda: company.now)
    context = AdapterContext("0", store, metrics.registries, last_seen=last_seen())
    service = Service(
        lambda: Configuration(settings, inventory),
        lambda given: Here(given, context),
        store,
        metrics,
        lambda: company.now,
    )
    scans = []
    try:
        for hour in range(HOURS):
            if hour:
                company.pass_to(hour)
            began = time.process_time()
            asked.clear()
            report = await _scan(service)
            exported = pages.samples(metrics.render(report, None)[1].decode())
            reasons = Counter(each.verdict.reason for each in report.findings)
            pending = service.surveys.pending
            async with asyncio.timeout(SURVEYS_WITHIN_S):
                while service.surveys.pending and not registry.limited:
                    await asyncio.sleep(0.001)
            took = time.process_time() - began
            tags = len({finding.workload.image for finding in report.findings})
            scans.append(Scan(reasons, exported, company.down, took, dict(asked), pending, tags))
    finally:
        await service.stop()
        await store.close()
    return scans


async def _scan(service: Service) -> Report:
    request = await service.scans.request((), "test")
    async for change in service.scans.watch(request.id):
        last = change
    assert last.state == "done", last
    return service.publication.report()
