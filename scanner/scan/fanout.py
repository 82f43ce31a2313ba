"""Many items through one coroutine, a bounded number at a time, until a deadline."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from scanner.scan.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

Item = TypeVar("Item")

STARTED_AT_ONCE = 16
"""Workers whose first steps are taken in a row: a connection takes a millisecond to set up."""


def _nobody_waits() -> bool:
    return False


async def fan_out(
    items: Sequence[Item],
    work: Callable[[Item], Awaitable[None]],
    concurrency: int,
    deadline_s: float,
    is_awaited: Callable[[], bool] = _nobody_waits,
) -> bool:
    """Whether every item was worked on before ``deadline_s`` seconds of monotonic time had passed.

    As many workers as ``concurrency`` take the items in order, so a fleet of 100,000 hosts costs a few hundred tasks.
    While somebody ``is_awaited`` to be answered by the same event loop fewer of them work, so that it is not full.
    ``work`` catches what belongs to its item; anything it lets through is a bug and ends the scan.
    """
    waiting, pace = iter(items), Pace(concurrency, is_awaited)

    async def worker() -> None:
        while True:
            async with pace.place():
                try:
                    item = next(waiting)
                except StopIteration:
                    return
                await work(item)

    keeping = asyncio.create_task(pace.keep(), name="scan-pace")
    try:
        async with asyncio.timeout(deadline_s), asyncio.TaskGroup() as workers:
            for number in range(min(concurrency, len(items))):
                workers.create_task(worker())
                if number % STARTED_AT_ONCE == STARTED_AT_ONCE - 1:
                    await asyncio.sleep(0)  # whoever else waits for the loop
    except TimeoutError:
        return False
    finally:
        keeping.cancel()
        await asyncio.wait([keeping])
    return True
