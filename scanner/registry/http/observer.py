"""Who watches the traffic with registries."""

from __future__ import annotations

from typing import Protocol


class RegistryObserver(Protocol):
    """Hears of every request, for metrics."""

    def request(self, registry: str, code: str, seconds: float) -> None:
        """One request ended with an HTTP status, or with the reason why it has none."""

    def rate_limit(self, registry: str, remaining: int) -> None:
        """A registry announced what remains of its limit."""


class Nobody:
    """Watches nothing."""

    def request(self, registry: str, code: str, seconds: float) -> None:
        """Hear nothing."""

    def rate_limit(self, registry: str, remaining: int) -> None:
        """Hear nothing."""
