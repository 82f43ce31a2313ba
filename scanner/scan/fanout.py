"""Many items through one coroutine, a bounded number at a time, until a deadline."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

Item = TypeVar("Item")

STARTED_AT_ONCE = 16
"""Workers whose first steps are taken in a row: a connection takes a millisecond to set up."""


async def fan_out(
    items: Sequence[Item], work: Callable[[Item], Awaitable[None]], concurrency: int, deadline_s: float
) -> bool:
    """Whether every item was worked on before ``deadline_s`` seconds of monotonic time had passed.

    As many workers as ``concurrency`` take the items in order, so a fleet of 100,000 hosts costs a few hundred tasks.
    ``work`` catches what belongs to its item; anything it lets through is a bug and ends the scan.
    """
    waiting = iter(items)

    async def worker() -> None:
        for item in waiting:
            await work(item)

    try:
        async with asyncio.timeout(deadline_s), asyncio.TaskGroup() as workers:
            for number in range(min(concurrency, len(items))):
                workers.create_task(worker())
                if number % STARTED_AT_ONCE == STARTED_AT_ONCE - 1:
                    await asyncio.sleep(0)  # whoever else waits for the loop
    except TimeoutError:
        return False
    return True
