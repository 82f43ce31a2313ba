"""The trail's rows within one transaction: bytes in, bytes out, of which nothing is believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, text, update

from scanner.store import tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Connection

NOWHERE = -1
"""The place of a row whose own place is no number: SQLite keeps any type in any column."""

PIECE = 4096
"""Rows that are read at once: a trail of years does not fit into memory."""


# Made once: every decision of the gate is written by them.

_ADD_LEAVES = insert(tables.trail_leaves)
_ADD_CHECKPOINT = insert(tables.trail_checkpoints)
_PUT_TILES = text(
    "INSERT INTO trail_tiles (level, number, hashes) VALUES (:level, :number, :hashes) "
    "ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes"
)
_ENDS = text(
    "SELECT coalesce((SELECT max(position) FROM trail_leaves), -1), "
    "coalesce((SELECT max(size) FROM trail_checkpoints), 0)"
)


@dataclass(frozen=True, slots=True)
class TileRow:
    """A tile as it is stored."""

    level: int
    number: int
    hashes: bytes


class TrailRows:
    """Reads, appends; lives as long as the transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # ---------------------------------------------------------------- written

    def append(
        self,
        first: int,
        leaves: Sequence[bytes],
        tiles: Mapping[tuple[int, int], bytes],
        checkpoint: tuple[int, str],
    ) -> None:
        """Add leaves from a position on, put tiles by level and number, add the head (size, note)."""
        rows = [{"position": first + place, "body": body} for place, body in enumerate(leaves)]
        put = [{"level": level, "number": number, "hashes": hashes} for (level, number), hashes in tiles.items()]
        if rows:
            self._connection.execute(_ADD_LEAVES, rows)
        if put:
            self._connection.execute(_PUT_TILES, put)
        size, note = checkpoint
        self._connection.execute(_ADD_CHECKPOINT, {"size": size, "note": note})

    def set_note(self, size: int, note: str) -> None:
        """Replace the note of a head, for its cosignatures."""
        c = tables.trail_checkpoints
        self._connection.execute(update(c).where(c.c.size == size).values(note=note))

    # ---------------------------------------------------------------- read

    def count(self) -> int:
        """How many leaves there are."""
        return _number(self._connection.execute(text("SELECT count(*) FROM trail_leaves")).scalar())

    def last_position(self) -> int:
        """The highest position, -1 without any leaf."""
        return _number(self._connection.execute(text("SELECT coalesce(max(position), -1) FROM trail_leaves")).scalar())

    def ends(self) -> tuple[int, int]:
        """The highest position, -1 without any leaf, with the greatest size of a head, 0 without any."""
        position, size = self._connection.execute(_ENDS).one()
        return _number(position), _number(size)

    def last_checkpoint(self) -> tuple[int, str] | None:
        """The head with the greatest size."""
        row = self._connection.execute(
            text("SELECT size, note FROM trail_checkpoints ORDER BY size DESC LIMIT 1")
        ).first()
        return (_number(row.size), _text(row.note)) if row else None

    def checkpoint(self, size: int) -> str | None:
        """The note of the head of this size."""
        query = text("SELECT note FROM trail_checkpoints WHERE size = :size")
        row = self._connection.execute(query, {"size": size}).first()
        return _text(row.note) if row else None

    def checkpoints(self) -> Iterator[tuple[int, str]]:
        """All heads, the smallest first."""
        for row in self._pieces("SELECT size, note FROM trail_checkpoints ORDER BY size"):
            yield _number(row.size), _text(row.note)

    def leaves(self, first: int = 0, end: int | None = None) -> Iterator[tuple[int, bytes]]:
        """Positions with their leaves, in order, from the first up to before the end."""
        query, values = "SELECT position, body FROM trail_leaves", {}
        if first or end is not None:
            query += " WHERE position >= :first AND position < :end"
            values = {"first": first, "end": (1 << 62) if end is None else end}
        for row in self._pieces(f"{query} ORDER BY position", values):
            yield _number(row.position), _bytes(row.body)

    def tile(self, level: int, number: int) -> bytes:
        """The hashes of one tile, empty where there is none."""
        query = text("SELECT hashes FROM trail_tiles WHERE level = :level AND number = :number")
        row = self._connection.execute(query, {"level": level, "number": number}).first()
        return _bytes(row.hashes) if row else b""

    def tiles(self) -> Iterator[TileRow]:
        """All tiles, from the leaves up, from the left."""
        for row in self._pieces("SELECT level, number, hashes FROM trail_tiles ORDER BY level, number"):
            yield TileRow(_number(row.level), _number(row.number), _bytes(row.hashes))

    def _pieces(self, query: str, values: Mapping[str, Any] | None = None) -> Iterator[Any]:
        result = self._connection.execute(text(query).execution_options(yield_per=PIECE), values or {})
        for piece in result.partitions():
            yield from piece


Record = Callable[[TrailRows], Callable[[], None]]
"""Writes to the trail; what it gives back is called, in the store's thread, once that is durable."""


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else NOWHERE


def _bytes(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode("utf-8", "surrogateescape")


def _text(value: object) -> str:
    return _bytes(value).decode("utf-8", "replace")  # what was no text is no text that anybody signed
