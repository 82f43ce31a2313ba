"""The Prometheus view of the latest report, of ourselves too."""

from scanner.metrics.loop import watch_loop
from scanner.metrics.metrics import Metrics
from scanner.metrics.registries import RegistryObserver

__all__ = ["Metrics", "RegistryObserver", "watch_loop"]
