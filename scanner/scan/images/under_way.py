"""Finds out for all who ask the same at the same time once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from scanner.scan.aside import AT_ONCE
from scanner.scan.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable, Iterable

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class UnderWay(Generic[Found]):
    """What is being found out, by what was asked."""

    _tasks: dict[Hashable, asyncio.Task[Found]] = field(default_factory=dict)
    _pace: Pace = field(default_factory=lambda: Pace(AT_ONCE))

    async def of(self, asked: Hashable, find: Callable[[], Coroutine[None, None, Found]]) -> Found:
        """What ``find`` comes to, begun by the first who asks; one who is cancelled takes it from nobody else."""
        task = self._tasks.get(asked)
        if task is None:
            task = self._tasks[asked] = asyncio.create_task(find())
            task.add_done_callback(lambda _: self._tasks.pop(asked, None))
        found = await asyncio.shield(task)
        await self._pace.wait()  # thousands may have waited for it
        return found

    async def close(self) -> None:
        """Give up what is under way."""
        await give_up(self._tasks.values())


async def give_up(under_way: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel tasks, then wait until each of them has ended."""
    tasks = list(under_way)
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
