"""Counts what is asked of registries."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client import Counter, Gauge, Histogram

WELL_KNOWN = frozenset({
    "docker.io", "gcr.io", "ghcr.io", "mcr.microsoft.com", "public.ecr.aws", "quay.io", "registry.k8s.io",
})  # fmt: skip
"""Named without being configured. Any other name comes from a host, which could make up thousands (CVE-2022-21698)."""

OTHER = "other"

_HTTP_STATUSES = range(100, 600)


class RegistryObserver:
    """What the registry client reports to; any registry may be given, only known ones become labels."""

    def __init__(
        self, requests: Counter, durations: Histogram, remaining: Gauge, clock: Callable[[], float] = time.time
    ) -> None:
        self._requests, self._durations, self._remaining = requests, durations, remaining
        self._known, self._clock = WELL_KNOWN, clock
        self._left: dict[str, tuple[int, float]] = {}

    @property
    def left(self) -> Mapping[str, tuple[int, float]]:
        """What each registry last said is left of its limit, with when it said so (Unix seconds)."""
        return dict(self._left)

    def configured(self, registries: Iterable[str]) -> None:
        """These registries are in the configuration, hence have a name in metrics."""
        self._known = WELL_KNOWN | frozenset(registries)

    def request(self, registry: str, code: int | str, seconds: float) -> None:
        """One request ended with this HTTP status, or without an answer (any other ``code``)."""
        label = self._label(registry)
        known = str(code).isdecimal() and int(code) in _HTTP_STATUSES
        self._requests.labels(label, str(int(code)) if known else "error").inc()
        self._durations.labels(label).observe(max(seconds, 0.0))

    def rate_limit(self, registry: str, remaining: float) -> None:
        """A registry said how many pulls are left."""
        if (label := self._label(registry)) != OTHER:
            self._remaining.labels(label).set(remaining)
            self._left[label] = (int(remaining), self._clock())

    def _label(self, registry: str) -> str:
        return registry if registry in self._known else OTHER
