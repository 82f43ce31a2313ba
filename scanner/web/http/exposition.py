"""The seam by which the web asks the metrics, which it does not know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from scanner.domain.decision import Decision
from scanner.domain.report import Report


class Exposition(Protocol):
    """Pages for Prometheus, counts of what was answered."""

    def render(self, report: Report | None, accept: str | None, *, packed: bool = False) -> tuple[str, bytes]:
        """Content type and page of ``/metrics``, ``packed`` by gzip or as it is."""

    def is_ready(self, report: Report | None, accept: str | None, *, packed: bool = False) -> bool:
        """Whether that page is there, so that the event loop can answer with it."""

    def render_probe(
        self, report: Report | None, *, success: bool, duration_s: float, accept: str | None
    ) -> tuple[str, bytes]:
        """Content type and page of one probe."""

    def registry_limits(self) -> Mapping[str, tuple[int, float]]:
        """What each registry last said is left of its limit, with when it said so (Unix seconds)."""

    def http_request(self, route: str, code: int) -> None:
        """One request was answered."""

    def gate_decided(self, decision: Decision) -> None:
        """The gate answered."""

    def gate_overridden(self) -> None:
        """The gate would have answered deny or hold without an override."""

    def gate_failed_open(self) -> None:
        """A pod was admitted although the gate held."""

    def internal_error(self) -> None:
        """The last net caught a bug."""
