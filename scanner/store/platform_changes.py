"""Which platforms each host has had: one row for each change, long after the scans around it are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select

from scanner.store.findings import Architecture
from scanner.store.tables import platform_changes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

MAX_OF_HOST = 50
"""Two machines that answer in turn under one name would fill the store; of a host that is moved, nobody sees so many."""


def write(connection: Connection, known: Sequence[dict[str, Any]]) -> None:
    """Remember which of the new rows of ``architectures`` are changes; the oldest beyond ``MAX_OF_HOST`` are forgotten."""
    c = platform_changes.c
    changed = [row for row in known if row["changed_at"] is not None]
    for row in changed:
        newest = select(c.changed_at).where(c.host == row["host"]).order_by(c.changed_at.desc())
        kept = connection.execute(newest.limit(MAX_OF_HOST - 1)).scalars().all()
        outdated = c.changed_at == row["changed_at"]  # a clock that was set back comes to the same moment again
        if len(kept) == MAX_OF_HOST - 1:
            outdated |= c.changed_at < kept[-1]
        connection.execute(
            delete(platform_changes).where(c.host == bindparam("named"), outdated), {"named": row["host"]}
        )
    if changed:
        connection.execute(insert(platform_changes), changed)


def of_host(connection: Connection, host: str) -> list[Architecture]:
    """What one host has been, the newest change first."""
    c = platform_changes.c
    query = select(c.platform, c.before, c.changed_at).where(c.host == host).order_by(c.changed_at.desc())
    return [Architecture(*row) for row in connection.execute(query)]
