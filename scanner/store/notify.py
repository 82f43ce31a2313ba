"""Hears from the instance that writes to a shared PostgreSQL that something changed.

Notices are lost with a connection, so that whoever waits for them looks for itself, too, now and then.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import structlog
from sqlalchemy import func, make_url, select

from scanner.store import tables
from scanner.store.connect import CHANNEL, engine_of

if TYPE_CHECKING:
    from sqlalchemy import Connection

log = structlog.get_logger(__name__)

CONNECT_S = 5
"""A database that does not answer within this is asked again at the next wait."""


Mark = tuple[float, ...]
"""The last scan, the trail's size, the last record with how many there are."""


def mark(connection: Connection) -> Mark:
    """What is another value once something was written that every instance shows."""
    t, r = tables, tables.records
    wanted = (
        select(func.coalesce(func.max(t.scans.c.sequence), 0)),
        select(func.coalesce(func.max(t.trail_checkpoints.c.size), 0)),
        select(func.coalesce(func.max(r.c.stored_at), 0.0)),
        select(func.count()).select_from(r),
    )
    return tuple(connection.execute(select(*(one.scalar_subquery() for one in wanted))).one())


class Notices:
    """Waits for notices over a connection of its own, made anew where it breaks."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection: Any = None  # psycopg's, which is imported where there is a PostgreSQL

    async def wait(self, timeout_s: float) -> bool:
        """Whether something changed within so many seconds, as far as a notice tells."""
        began = asyncio.get_running_loop().time()
        try:
            connection = self._connection or await self._connected()
            async for _ in connection.notifies(timeout=timeout_s, stop_after=1):
                return True
        except OSError as error:
            await self._lost(error)
        except Exception as error:
            if not _is_psycopg(error):
                raise
            await self._lost(error)
        left_s = timeout_s - (asyncio.get_running_loop().time() - began)
        if left_s > 0:
            await asyncio.sleep(left_s)
        return False

    async def close(self) -> None:
        """Disconnect."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.close()

    async def _connected(self) -> Any:
        import psycopg  # noqa: PLC0415 -- installed only with the extra postgresql

        _, named = engine_of(make_url(self._url)).dialect.create_connect_args(make_url(self._url))
        named.setdefault("connect_timeout", CONNECT_S)
        connection = await psycopg.AsyncConnection.connect(**named, autocommit=True)
        self._connection = connection
        await connection.execute(f"LISTEN {CHANNEL}")
        return connection

    async def _lost(self, error: Exception) -> None:
        log.warning("notices_lost", error=" ".join(str(error).split()), why="archscan looks for itself meanwhile")
        await self.close()


def _is_psycopg(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] == "psycopg"
