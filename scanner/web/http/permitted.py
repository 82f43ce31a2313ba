"""Ends an answer that is still under way once whoever gets it may have it no longer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar, cast

from scanner.web.http.problem import Problem

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.requests import Request

T = TypeVar("T")

Permitted = Callable[[], Awaitable[bool]]
"""Whether whoever made a request may still do so."""


class AccessChanges:
    """Wakes whoever waits when another access is in force."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    @property
    def next(self) -> asyncio.Event:
        """Is set by the next change."""
        return self._next

    def tell(self) -> None:
        """There is one."""
        self._next.set()
        self._next = asyncio.Event()


def permitted_of(request: Request) -> Permitted:
    """For a guarded request: a reload may have ended that meanwhile."""

    async def permitted() -> bool:
        try:
            await request.state.decide_again()
        except Problem:
            return False
        return True

    return permitted


async def while_permitted(pieces: AsyncIterator[T], changes: AccessChanges, permitted: Permitted) -> AsyncIterator[T]:
    """The pieces, until there are no more or nobody may have them: that ends them at once, whether one comes or not."""
    async with aclosing(cast("AsyncGenerator[T, None]", pieces)):
        piece: asyncio.Future[T | None] | None = None
        changed = asyncio.ensure_future(changes.next.wait())
        try:
            while await permitted():  # at first, too: that may have changed before anybody listened for it
                piece = piece or asyncio.ensure_future(anext(pieces, None))
                await asyncio.wait((piece, changed), return_when=asyncio.FIRST_COMPLETED)
                if changed.done():  # before it is asked, lest the next change is missed meanwhile
                    changed = asyncio.ensure_future(changes.next.wait())
                if not piece.done():
                    continue
                if not await permitted():
                    return
                found, piece = piece.result(), None
                if found is None:
                    return
                yield found
        finally:
            waiting = [one for one in (piece, changed) if one is not None]
            for one in waiting:
                one.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
