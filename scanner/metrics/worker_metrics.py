"""Metrics of a cluster's workers; none where there is no cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from scanner.metrics import families as c

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.metrics.family import Family


@dataclass(eq=False)
class WorkerMetrics(Collector):
    """Watches a cluster (``ClusterObserver``); ``at_work`` is ``None`` as long as there is none."""

    at_work: int | None = None
    refused: int = 0
    lost: int = 0
    told: int = 0
    repeated: int = 0

    def workers(self, at_work: int, refused: int) -> None:
        """So many read hosts, so many may not because they are of another version."""
        self.at_work, self.refused = at_work, refused

    def worker_lost(self, readings: int) -> None:
        """A worker was lost; so many readings of its are done elsewhere."""
        self.lost += 1
        self.repeated += readings

    def host_told(self) -> None:
        """A worker told what it read of a host."""
        self.told += 1

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """The library asks at each exposition."""
        if self.at_work is None:
            return
        workers = GaugeMetricFamily(c.CLUSTER_WORKERS.name, c.CLUSTER_WORKERS.help, labels=c.CLUSTER_WORKERS.labels)
        workers.add_metric(("reading",), self.at_work)
        workers.add_metric(("refused",), self.refused)
        yield workers
        yield _counted(c.CLUSTER_LOST, self.lost)
        readings = CounterMetricFamily(
            c.CLUSTER_READINGS.name, c.CLUSTER_READINGS.help, labels=c.CLUSTER_READINGS.labels
        )
        readings.add_metric(("told",), self.told)
        readings.add_metric(("repeated",), self.repeated)
        yield readings


def _counted(family: Family, count: int) -> CounterMetricFamily:
    found = CounterMetricFamily(family.name, family.help)
    found.add_metric((), count)
    return found
