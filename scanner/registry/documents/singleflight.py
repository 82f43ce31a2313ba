"""One flight per key: whoever asks before an answer is in the hands of all who wait for it gets that one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

T = TypeVar("T")


class Singleflight(Generic[T]):
    """Shares the work of equal questions; a question that nobody waits for any more is cancelled."""

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[T]] = {}
        self._waiting: dict[asyncio.Task[T], int] = {}

    async def join(self, key: Hashable, work: Callable[[], Coroutine[object, object, T]]) -> T:
        """The result of ``work``, begun here or by somebody before; one waiter's cancellation is its own."""
        task = self._tasks.get(key)
        if task is None:
            task = asyncio.create_task(work())
            self._tasks[key] = task
            self._waiting[task] = 0
        self._waiting[task] += 1
        try:
            return await asyncio.shield(task)
        finally:
            await self._leave(key, task)

    async def _leave(self, key: Hashable, task: asyncio.Task[T]) -> None:
        self._waiting[task] -= 1
        if self._waiting[task]:
            return
        del self._waiting[task]
        if self._tasks.get(key) is task:
            del self._tasks[key]  # whoever comes now begins anew
        if not task.done():
            task.cancel()
            await asyncio.wait([task])

    async def aclose(self) -> None:
        """Cancel what is still on its way."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
