"""Measures how late the event loop is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.metrics.metrics import Metrics

EVERY_S = 0.5
"""Twice a second finds a loop that is blocked for the 0.25 s that matter, for about 10 µs each time."""


async def watch_loop(metrics: Metrics) -> None:
    """Sleep, compare, report, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + EVERY_S
        await asyncio.sleep(EVERY_S)
        metrics.loop_lag(loop.time() - due)
