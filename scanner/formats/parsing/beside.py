"""Work on strangers' bytes that counts its own steps, done in threads so that the event loop goes on."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from functools import partial
from typing import TYPE_CHECKING, ParamSpec, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_AT_ONCE = 2
"""More threads that compute would only take the interpreter's lock from the loop more often."""

_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
"""Each loop's own; who waits for a turn holds no thread, of which there are few, pages and metrics being made in them as well."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def beside(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What ``function`` returns; a task that is cancelled leaves it to its own end, which must not be far."""
    loop = asyncio.get_running_loop()
    turns = _turns.setdefault(loop, asyncio.Semaphore(MAX_AT_ONCE))
    await turns.acquire()
    try:
        work = loop.run_in_executor(None, partial(copy_context().run, function, *args, **kwargs))
    except BaseException:  # no thread can be had, and nothing will end that took the turn
        turns.release()
        raise

    def ended(_work: object) -> None:
        turns.release()
        if not work.cancelled():
            work.exception()  # nobody may be left to hear of it

    work.add_done_callback(ended)
    return await asyncio.shield(work)
