"""Memory that a scan needed for a moment goes back to the system."""

from __future__ import annotations

import asyncio
import ctypes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_S = 60.0
"""Seconds between two times: a scan's own memory is wanted again by the next scan, minutes later."""


def give_back() -> bool:
    """Let the C library return free pages; whether it knows how to (glibc does, musl returns them by itself).

    glibc keeps what threads have freed in the midst of their heaps: a sixth of the service's memory after a first scan
    of 500 hosts.
    """
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return False
    trim(0)
    return True


async def keep_giving_back(every_s: float = EVERY_S) -> None:
    """Again and again, in a thread: it takes milliseconds for each gigabyte, without the interpreter's lock."""
    while await asyncio.to_thread(give_back):  # noqa: ASYNC110 -- no event tells when, only time
        await asyncio.sleep(every_s)
