"""How long the page of metrics takes, beside the client library's own."""

from __future__ import annotations

import statistics
import time

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest

from scanner.domain.facts import Source, Stage, Workload
from scanner.domain.failure import Failure
from scanner.domain.platform.platform import Platform
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Verdict
from scanner.metrics import Metrics
from scanner.metrics import families as c
from scanner.metrics.exposition import exposition
from scanner.metrics.fleet_metrics import fleet

pytestmark = [pytest.mark.bench, pytest.mark.timeout(600)]

AMD64, ARM64 = Platform("linux", "amd64"), Platform("linux", "arm64")
TURNS = 5


def a_report(findings):
    """A fleet in deep trouble: that is when there are many series."""
    made = []
    for number in range(findings):
        host = f"host-{number // 20}.example.org"
        workload = Workload(
            host, f"app-{number}", Source.DOCKER, Stage.RUNNING, f"registry.example/shop/app-{number % 200}:1"
        )
        made.append(Finding(workload, Verdict(Reason.PLATFORM_MISSING, offered=(ARM64,)), AMD64, 1.5))
    names = dict.fromkeys(finding.workload.host for finding in made)
    return Report("s", 0.0, 10.0, tuple(HostReading(name, Failure(Reason.HOST_TIMEOUT)) for name in names), tuple(made))


class Library:
    """The same series as the client library is given them."""

    def __init__(self, samples):
        self.samples = samples

    def collect(self):
        for family, rows in self.samples.items():
            made = GaugeMetricFamily(family.name, family.help, labels=family.labels)
            for labels, value in rows:
                made.add_metric(labels, value)
            yield made


def median_ms(work):
    took = []
    for _ in range(TURNS):
        began = time.process_time()
        work()
        took.append((time.process_time() - began) * 1000)
    return f"{statistics.median(took):8.1f} ms CPU ({min(took):.1f} to {max(took):.1f})"


@pytest.mark.parametrize("series", [10_000, 100_000])
def test_a_page_of_many_series(series):
    report = a_report(series // 2)  # each finding has two series
    samples = {
        family: rows
        for family, rows in fleet(report, series, {}).items()
        if family in (c.FINDING, c.FINDING_FIRST_SEEN)
    }
    assert sum(map(len, samples.values())) == series
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Library(samples))
    assert exposition(samples, openmetrics=False) == generate_latest(registry)
    metrics = Metrics("0", max_findings=series)
    metrics.render(report, None)
    print(f"\n{series} series, {len(exposition(samples, openmetrics=False)) / 1e6:.1f} MB")
    print("  prometheus_client.generate_latest ", median_ms(lambda: generate_latest(registry)))
    print("  ours, samples to bytes            ", median_ms(lambda: exposition(samples, openmetrics=False)))
    print(
        "  ours, report to bytes             ",
        median_ms(lambda: exposition(fleet(report, series, {}), openmetrics=False)),
    )
    print("  ours, scrape of a published report", median_ms(lambda: metrics.render(report, None)))
