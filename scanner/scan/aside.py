"""Long work without a wait goes to a thread, so that the event loop answers others meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Made = TypeVar("Made")

FEW = 32
"""Workloads that are not worth a thread: a millisecond, in which a host's usual twenty are made, placed, told of."""

AT_ONCE = 16
"""Workloads that are judged in the loop: 2 ms. Two hundred hosts may be told at one moment; one may have thousands of them."""


async def aside(workloads: int, work: Callable[[], Made]) -> Made:
    """What ``work`` makes of so many workloads; few are not worth a thread."""
    return work() if workloads <= FEW else await asyncio.to_thread(work)
