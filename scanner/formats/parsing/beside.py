"""Work on strangers' bytes that counts its own steps, done in threads so that the event loop goes on."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_AT_ONCE = 2
"""More threads that compute would only take the interpreter's lock from the loop more often."""

_turns = threading.Semaphore(MAX_AT_ONCE)

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def beside(function: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What ``function`` returns; a task that is cancelled leaves it to its own end, which must not be far."""

    def in_turn() -> _T:
        with _turns:
            return function(*args, **kwargs)

    return await asyncio.to_thread(in_turn)
