"""Metrics of the trail, as one picture: a scrape never sees the size of one head with the root of another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from scanner.metrics import families as c
from scanner.trail.outside import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.metrics.family import Family


@dataclass(frozen=True, slots=True)
class _Head:
    origin: str
    size: int
    root: bytes
    at: float


@dataclass(eq=False)
class TrailMetrics(Collector):
    """Watches the trail from any thread; shows nothing until there is one."""

    head: _Head | None = None
    failing: bool | None = None
    errors: int = 0
    witnessed: dict[str, int] = field(default_factory=dict)
    witness_errors: dict[str, int] = field(default_factory=dict)

    def trail_head(self, origin: str, size: int, root: bytes, at: float) -> None:
        """This head was signed at ``at`` (Unix seconds)."""
        self.head = _Head(origin, size, root, at)

    def trail_failing(self, *, failing: bool) -> None:
        """Whether entries cannot be written."""
        self.failing = failing

    def trail_failed(self) -> None:
        """Entries were lost to the trail."""
        self.errors += 1

    def trail_witnessed(self, witness: str, size: int | None) -> None:
        """A witness has cosigned the head of this size; ``None``: it did not answer as it should."""
        if size is None:
            self.witness_errors[witness] = self.witness_errors.get(witness, 0) + 1
        else:
            self.witnessed[witness] = size

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """The library asks at each exposition."""
        if self.failing is None:
            return
        yield _gauge(c.TRAIL_FAILING, {(): float(self.failing)})
        yield _counter(c.TRAIL_ERRORS, {(): self.errors})
        head = self.head
        if head is not None:
            roots: dict[tuple[str, ...], float] = {
                (head.origin, str(number)): float(word) for number, word in enumerate(words(head.root))
            }
            yield _gauge(c.TRAIL_SIZE, {(head.origin,): float(head.size)})
            yield _gauge(c.TRAIL_ROOT, roots)
            yield _gauge(c.TRAIL_CHECKPOINT, {(head.origin,): head.at})
        yield _gauge(c.TRAIL_WITNESSED, {(name,): float(size) for name, size in self.witnessed.items()})
        yield _counter(c.TRAIL_WITNESS_ERRORS, {(name,): count for name, count in self.witness_errors.items()})


def _gauge(family: Family, samples: Mapping[tuple[str, ...], float]) -> GaugeMetricFamily:
    made = GaugeMetricFamily(family.stem, family.help, labels=family.labels)
    for labels, value in samples.items():
        made.add_metric(labels, value)
    return made


def _counter(family: Family, samples: Mapping[tuple[str, ...], float]) -> CounterMetricFamily:
    made = CounterMetricFamily(family.stem, family.help, labels=family.labels)
    for labels, value in samples.items():
        made.add_metric(labels, value)
    return made
