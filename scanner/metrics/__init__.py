"""What Prometheus scrapes: the latest report, archscan's own health."""

from scanner.metrics.loop import watch_loop
from scanner.metrics.metrics import Metrics
from scanner.metrics.registries import RegistryObserver

__all__ = ["Metrics", "RegistryObserver", "watch_loop"]
