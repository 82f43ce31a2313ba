"""The tree cut into tiles of 256 hashes, as C2SP tlog-tiles serves or stores them.

A tile of level ``t`` holds the hashes of nodes of height ``8 * t``; its number counts from the left.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from scanner.trail.merkle import HASH_BYTES, perfect_root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

HEIGHT = 8
WIDTH = 1 << HEIGHT
"""Hashes of a full tile."""

TILE_BYTES = WIDTH * HASH_BYTES

MAX_PATH_LEVEL = 63
"""The highest level that a path may name, whatever there is at it."""

MAX_ENTRY_BYTES = (1 << 16) - 1
"""What the two bytes before an entry of a bundle can count."""

KEPT_ROOTS = 64
"""Subtrees at the tree's right end, 4 KiB each at most; there are eight to a level."""

CACHED_TILES = 64
"""A proof reads at most two tiles of each level."""

_PATH = re.compile(
    r"(?P<level>0|[1-9]\d?|entries)/(?P<number>(?:x\d{3}/)*\d{3})(?:\.p/(?P<width>[1-9]\d{0,2}))?", re.ASCII
)
MAX_PATH_CHARS = 64


@dataclass(frozen=True, slots=True)
class TilePath:
    """Which tile is meant; ``level`` is ``None`` for a bundle of entries, ``width`` is 256 for a full one."""

    level: int | None
    number: int
    width: int = WIDTH

    def __str__(self) -> str:
        """The path below ``/tile/``."""
        level = "entries" if self.level is None else str(self.level)
        digits = f"{self.number:03d}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        path = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        return f"{level}/{path}" + ("" if self.width == WIDTH else f".p/{self.width}")


def parse_path(text: str) -> TilePath | None:
    """The tile that a path below ``/tile/`` names; ``None`` where it names none, or not in the one right spelling."""
    found = _PATH.fullmatch(text) if len(text) <= MAX_PATH_CHARS else None
    if found is None:
        return None
    level = None if found["level"] == "entries" else int(found["level"])
    number = int(found["number"].replace("x", "").replace("/", ""))
    path = TilePath(level, number, int(found["width"] or WIDTH))
    is_spelled_right = str(path) == text and path.width <= WIDTH
    return path if is_spelled_right and (level or 0) <= MAX_PATH_LEVEL else None


def width_of(level: int, number: int, size: int) -> int:
    """How many hashes this tile has in a tree of ``size`` leaves; 0 where there is none."""
    return max(0, min(WIDTH, (size >> (HEIGHT * level)) - number * WIDTH))


def tiles_of(size: int) -> Iterator[tuple[int, int]]:
    """Level, number of every tile of a tree of ``size`` leaves."""
    level = 0
    while count := size >> (HEIGHT * level):
        yield from ((level, number) for number in range(-(-count // WIDTH)))
        level += 1


def bundle(entries: Iterable[bytes]) -> bytes:
    """Entries one after the other, each behind its length in two bytes."""
    return b"".join(struct.pack(">H", len(entry)) + entry for entry in entries)


def hashes_in(tile: bytes) -> list[bytes]:
    """The hashes of a tile."""
    return [tile[at : at + HASH_BYTES] for at in range(0, len(tile), HASH_BYTES)]


def node_reader(tile: Callable[[int, int], bytes]) -> Callable[[int, int], bytes]:
    """Gives nodes' hashes from stored tiles, each read once; ``tile`` gets a level and a number.

    Raises:
        LookupError: the tile has not that many hashes.
    """
    read = lru_cache(CACHED_TILES)(lambda level, number: hashes_in(tile(level, number)))

    def node(level: int, number: int) -> bytes:
        tile_level, height = divmod(level, HEIGHT)
        tile_number, place = divmod(number << height, WIDTH)
        hashes = read(tile_level, tile_number)[place : place + (1 << height)]
        if len(hashes) != 1 << height:
            raise LookupError(f"tile {TilePath(tile_level, tile_number)} lacks hashes")
        return perfect_root(hashes)

    return node


class Edge:
    """The partial tile at the right end of each level: where the tree grows."""

    def __init__(self, size: int = 0, partial: Sequence[bytes] = ()) -> None:
        """``partial`` holds the bytes of each level's partial tile, from level 0 up; empty where there is none."""
        self.size = size
        self._partial = list(partial)

    @staticmethod
    def places(size: int) -> list[tuple[int, int, int]]:
        """Level, number, bytes of the partial tiles of a tree of this size; 0 bytes where a level has none."""
        levels = range(max(1, -(-size.bit_length() // HEIGHT)))
        counts = ((level, size >> (HEIGHT * level)) for level in levels)
        return [(level, count // WIDTH, count % WIDTH * HASH_BYTES) for level, count in counts]

    def grown(self, leaves: Sequence[bytes]) -> tuple[Edge, dict[tuple[int, int], bytes]]:
        """The edge with these leaves' hashes, then every tile that is new or wider, by level and number."""
        made: dict[tuple[int, int], bytes] = {}
        partial: list[bytes] = []
        rising, size, level = b"".join(leaves), self.size, 0
        while rising or level < len(self._partial):
            before = self._partial[level] if level < len(self._partial) else b""
            number, held = size // WIDTH, before + rising
            size, up = size >> HEIGHT, []
            while len(held) >= TILE_BYTES:
                full, held = held[:TILE_BYTES], held[TILE_BYTES:]
                made[level, number] = full
                up.append(perfect_root(hashes_in(full)))
                number += 1
            if held and held != before:
                made[level, number] = held
            partial.append(held)
            rising, level = b"".join(up), level + 1
        return Edge(self.size + len(leaves), partial), made

    def frontier(self) -> list[bytes]:
        """The perfect subtrees from the left, all that the root depends on."""
        found: list[bytes] = []
        for tile in reversed(self._partial):
            at = 0
            for height in reversed(range(HEIGHT)):
                width = HASH_BYTES << height
                if len(tile) & width:
                    found.append(_root_over(tile[at : at + width]))
                    at += width
        return found


@lru_cache(KEPT_ROOTS)
def _root_over(hashes: bytes) -> bytes:
    """The root over a power of two of hashes; of the next entry's tree most subtrees are those of this one's."""
    return perfect_root(hashes_in(hashes))
