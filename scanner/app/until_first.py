"""Waits for the first of two: the signal that ends a process, or what it does come to its own end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


async def until_first(stopped: Awaitable[object], working: Awaitable[object], on_end: Callable[[], None]) -> None:
    """Wait until the process is to stop, or its work has ended by itself; ``on_end`` is called first then.

    Raises:
        Exception: what the work has ended by.
    """
    both = [asyncio.ensure_future(stopped), asyncio.ensure_future(working)]
    try:
        done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if both[1] in done:
            on_end()
        for one in done:
            await one
    finally:
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)
