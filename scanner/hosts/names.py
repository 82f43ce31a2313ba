"""An event loop that waits for no name server: neither while it does other things, nor at its end."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from scanner import ending
from scanner.descriptors import addresses

if TYPE_CHECKING:
    import selectors
    from collections.abc import Coroutine

T = TypeVar("T")

NAMES_AT_ONCE = 16
"""Names that are looked up at once; a name server that is dead keeps a thread for half a minute."""


class NamesLoop(asyncio.SelectorEventLoop):
    """As every loop, but for its names."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__(selector)
        self._name_threads = ThreadPoolExecutor(
            NAMES_AT_ONCE, ending.UNAWAITED
        )  # none is started before a name is asked

    async def getaddrinfo(self, *asked: Any, **options: Any) -> Any:
        """As every loop, but in threads of its own: metrics and pages are made in the others, whatever a name server does."""
        return await self.run_in_executor(self._name_threads, partial(addresses, *asked, **options))

    def close(self) -> None:
        """As every loop; a thread that still waits for a name server is left alone."""
        super().close()
        self._name_threads.shutdown(wait=False, cancel_futures=True)


def run(work: Coroutine[Any, Any, T]) -> T:
    """As ``asyncio.run``, in such a loop."""
    with asyncio.Runner(loop_factory=NamesLoop) as runner:
        return runner.run(work)
