"""A program: the service in one process, its hosts answered from memory or over SSH, scanned again and again."""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import json
import logging
import os
import resource
import sys
import tempfile
import time
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from pathlib import Path

import structlog

from scanner import descriptors
from scanner.app.adapters import AdapterContext, Adapters
from scanner.app.collector import calm_collector
from scanner.app.memory import give_back
from scanner.app.serve import SWITCH_S
from scanner.hosts.source import SourceKind
from scanner.hosts.turns import TurnsLoop
from scanner.metrics.metrics import Metrics
from scanner.registry.client import last_seen
from scanner.service.configuration import Configuration
from scanner.service.service import Service
from scanner.settings.schema import Settings
from scanner.store.store import Store
from tests.bench import family, made_up
from tests.bench.loopback_fleet import USER, LoopbackFleet
from tests.bench.own_process import registry_of


class FromMemory:
    """A source that need not ask."""

    def __init__(self, answers):
        self.answers = answers

    async def read(self, host):
        await asyncio.sleep(0)
        return self.answers[host.name]

    async def close(self):
        """Nothing is open."""


class Recorded(Adapters):
    """Adapters whose hosts have answered already."""

    answers: dict[str, bytes]

    def __init__(self, settings, around):
        super().__init__(settings, around)
        self.hosts.sources = dict.fromkeys(SourceKind, FromMemory(self.answers))


async def scanned(running: Service) -> None:
    """One scan of everything, from the request to its publication."""
    request = await running.scans.request((), "bench")
    async for change in running.scans.watch(request.id):
        last = change
    assert last.state == "done", last


async def main(
    hosts: int, workloads: int, again: int, profile: str | None = None, *, ssh: bool = False, workers: int = 0
) -> dict[str, object]:
    """Scan once, then ``again`` times; what each took. With ``ssh`` each host is a real connection to a cheap server,
    made by so many ``workers``, or by the scanner itself where there are none."""
    descriptors.raise_granted()
    sys.setswitchinterval(SWITCH_S)
    shelf, images = made_up.stock()
    with registry_of(shelf) as registry, tempfile.TemporaryDirectory() as folder, ExitStack() as running_too:
        Recorded.answers = made_up.answers(hosts, workloads, registry, images)
        inventory = made_up.inventory(list(Recorded.answers))
        answer_bytes = len(Recorded.answers["host-0"])
        told = {
            "registries": {registry: {"plain_http": True}, "cache_age": "1h"},
            "scan": {"interval": "1h", "jitter": "0s", "deadline": "30m"},
        }
        if ssh:
            fleet = running_too.enter_context(LoopbackFleet(Path(folder), list(Recorded.answers.values())))
            Recorded.answers = {}
            inventory = tuple(
                replace(host, address=address, port=fleet.port)
                for host, address in zip(inventory, fleet.addresses, strict=True)
            )
            login = {"identity_file": str(fleet.key), "known_hosts_file": str(fleet.known_hosts), "user": USER}
            told["ssh"] = login | {"connect_timeout": "60s", "probe_timeout": "60s"}
        if workers:
            told["cluster"] = f"local:{workers}"
        opened = Adapters if ssh else Recorded
        settings = Settings.model_validate(told)
        metrics = Metrics("0")
        store = await Store.open(f"sqlite:///{Path(folder)}/archscan.db")
        context = AdapterContext("0", store, metrics.registries, last_seen=last_seen())
        running = Service(
            lambda: Configuration(settings, inventory), lambda settings: opened(settings, context), store, metrics
        )
        took = []
        calm_collector()
        for turn in range(again + 1):
            lags: list[float] = []
            lag = asyncio.create_task(lateness(lags))
            with cProfile.Profile() if profile and turn == again else nullcontext() as profiler:
                began, cpu, all_cpu = time.monotonic(), time.process_time(), family.of(os.getpid())[0]
                await scanned(running)
                scan_s = time.monotonic() - began, time.process_time() - cpu
                all_cpu_s, all_rss_mb = family.of(os.getpid())
                began = time.monotonic()
                page = metrics.render(running.publication.report(), None)[1]
                render_s = time.monotonic() - began
            if profiler:
                profiler.dump_stats(profile)
            lag.cancel()
            give_back()  # as the service does each minute
            took.append({
                "wall_s": scan_s[0], "cpu_s": scan_s[1], "all_cpu_s": all_cpu_s - all_cpu, "all_rss_mb": all_rss_mb, "render_s": render_s, "page_bytes": len(page),
                "worst_lag_s": max(lags, default=0.0), "p99_lag_s": sorted(lags)[int(len(lags) * 0.99)] if lags else 0.0,
            })  # fmt: skip
        report = running.publication.report()
        assert len(report.hosts) == hosts
        assert len(report.findings) == hosts * workloads
        await running.stop()
        await store.close()
        return {
            "first": took[0],
            "again": took[1:],
            "counts": {str(status): count for status, count in report.counts.items() if count},
            "answer_bytes": answer_bytes,
            "rss_mb": resident_mb(),
            "most_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        }


def resident_mb() -> float:
    """What the process holds now; its most is that of the first scan."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


async def lateness(lags: list[float]) -> None:
    """How late the loop is, again and again."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + 0.02
        await asyncio.sleep(0.02)
        lags.append(loop.time() - due)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", type=int)
    parser.add_argument("workloads", type=int)
    parser.add_argument("--again", type=int, default=3)
    parser.add_argument("--profile", help="file for the statistics of the last scan")
    parser.add_argument("--ssh", action="store_true", help="ask every host over SSH")
    parser.add_argument("--workers", type=int, default=0, help="processes that ask them instead of the scanner")
    chosen = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with asyncio.Runner(loop_factory=TurnsLoop) as runner:  # the service's own
        done = runner.run(
            main(chosen.hosts, chosen.workloads, chosen.again, chosen.profile, ssh=chosen.ssh, workers=chosen.workers)
        )
    print(json.dumps(done))
