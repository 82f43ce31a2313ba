"""The client library's instruments for archscan's own work, made from the catalogue."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

from scanner.domain.decision import Decision
from scanner.domain.rollback_record import ENDS
from scanner.metrics import families as c
from scanner.metrics.trail_metrics import TrailMetrics
from scanner.metrics.worker_metrics import WorkerMetrics
from scanner.probe.answer import VERSION
from scanner.probe.script import digest

if TYPE_CHECKING:
    from scanner.metrics.family import Family


class Facts(Collector):
    """Info families that may change while the process runs."""

    def __init__(self) -> None:
        self.values: dict[Family, dict[str, str]] = {}

    def collect(self) -> list[InfoMetricFamily]:
        """The library asks at each exposition."""
        return [InfoMetricFamily(family.stem, family.help, value=value) for family, value in self.values.items()]


class Moment(Collector):
    """A gauge that is not there before its moment (Unix seconds) has come."""

    def __init__(self, family: Family) -> None:
        self._family = family
        self.at: float | None = None

    def collect(self) -> list[GaugeMetricFamily]:
        """The library asks at each exposition."""
        return [] if self.at is None else [GaugeMetricFamily(self._family.name, self._family.help, value=self.at)]


def _counter(family: Family, registry: CollectorRegistry) -> Counter:
    return Counter(family.stem, family.help, family.labels, registry=registry)


def _gauge(family: Family, registry: CollectorRegistry) -> Gauge:
    return Gauge(family.name, family.help, family.labels, registry=registry)


def _histogram(family: Family, registry: CollectorRegistry) -> Histogram:
    return Histogram(family.name, family.help, family.labels, buckets=family.buckets, registry=registry)


def _registry() -> CollectorRegistry:
    # A _created series for each counter would double the page, and no query uses them.
    disable_created_metrics()  # type: ignore[no-untyped-call] # the library types only part of itself
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


class Instruments:
    """All of them in one registry of their own."""

    def __init__(self, version: str) -> None:
        self.registry = registry = _registry()
        self.scan_interval = _gauge(c.SCAN_INTERVAL, registry)
        self.first_scan = Moment(c.SCAN_FIRST_SUCCESS)
        registry.register(self.first_scan)
        self.scans = _counter(c.SCANS, registry)
        self.scans_failed = _counter(c.SCANS_FAILED, registry)
        self.scans_skipped = _counter(c.SCANS_SKIPPED, registry)
        self.registry_requests = _counter(c.REGISTRY_REQUESTS, registry)
        self.registry_duration = _histogram(c.REGISTRY_DURATION, registry)
        self.registry_rate_limit = _gauge(c.REGISTRY_RATE_LIMIT, registry)
        self.gate_decisions = _counter(c.GATE_DECISIONS, registry)
        for decision in Decision:  # each has a series from the start, so that rates see the first one
            self.gate_decisions.labels(str(decision))
        self.gate_overridden = _counter(c.GATE_OVERRIDDEN, registry)
        self.gate_failed_open = _counter(c.GATE_FAILED_OPEN, registry)
        self.gate_override = _gauge(c.GATE_OVERRIDE, registry)
        self.rollbacks = _counter(c.ROLLBACKS, registry)
        for outcome in sorted(ENDS):
            self.rollbacks.labels(str(outcome))
        self.rollbacks_pending = _gauge(c.ROLLBACKS_PENDING, registry)
        self.inventory_hosts = _gauge(c.INVENTORY_HOSTS, registry)
        self.surveys_pending = _gauge(c.SURVEYS_PENDING, registry)
        self.survey_bytes = _counter(c.SURVEY_BYTES, registry)
        self.credential_expiry = _gauge(c.CREDENTIAL_EXPIRY, registry)
        self.leader = _gauge(c.LEADER, registry)
        self.leader.set(1)
        self.store_errors = _counter(c.STORE_ERRORS, registry)
        self.internal_errors = _counter(c.INTERNAL_ERRORS, registry)
        self.http_requests = _counter(c.HTTP_REQUESTS, registry)
        self.loop_lag = _histogram(c.LOOP_LAG, registry)
        self.config_successful = _gauge(c.CONFIG_SUCCESSFUL, registry)
        self.config_success_time = _gauge(c.CONFIG_SUCCESS_TIME, registry)
        self.facts = Facts()
        self.facts.values[c.BUILD_INFO] = {"version": version, "python_version": platform.python_version()}
        self.facts.values[c.PROBE_SCRIPT] = {"version": str(VERSION), "sha256": digest()}
        registry.register(self.facts)
        self.workers = WorkerMetrics()
        registry.register(self.workers)
        self.trail = TrailMetrics()
        registry.register(self.trail)
