"""Dask as it is wanted here: no dashboard, no stealing of work, no word on the terminal."""

from __future__ import annotations

from typing import Any

import dask

WORKER_TTL = "20s"
"""A scheduler takes a worker for gone that was silent for so long; a worker speaks twice a second."""

_QUIET: dict[str, Any] = {
    "logging": {"distributed": "critical", "tornado": "critical", "tornado.application": "critical"},
    "distributed.logging": {"distributed": "critical"},
    "distributed.admin.event-loop-monitor-interval": "1s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.admin.tick.limit": "1h",
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.scheduler.http.routes": [],
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.worker-ttl": WORKER_TTL,
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
}


def settle() -> None:
    """Before anything of ``distributed`` is imported, which reads how to log as it comes."""
    dask.config.set(_QUIET)
