"""The fleet as a picture: one cell a host, one path a status, as small for ten thousand hosts as for ten."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from scanner.domain.verdict.reason import Status
from scanner.web.pages.fleet_index import URGENT, HostRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

EMPTY = "none"
"""How a host is drawn that runs nothing."""

KINDS = (*map(str, URGENT), EMPTY)
"""What a cell may say, worst first: so lie the cells of a band."""

WIDE, NARROW = 1120, 340
"""Units across: a desk's screen, a phone's; the picture is drawn for both, and shown to one."""

LARGEST, SMALLEST = 30, 5
"""Units from cell to cell: ten hosts must not look lost, ten thousand must be cells still."""

MOST_HIGH = 420
"""Units that all bands together may be high before cells become smaller."""

HEAD, FOOT = 20, 12
"""Units above a band, for its name, and below it."""


@dataclass(frozen=True, slots=True)
class Band:
    """The hosts of one platform: ``top`` is where its name stands, ``names`` are its hosts in the order of the cells."""

    platform: str
    names: tuple[str, ...]
    counts: Mapping[str, int]
    top: int


@dataclass(frozen=True, slots=True)
class Picture:
    """An SVG's measures and paths; every cell of a status is a dash of one path, a row of them one stroke."""

    width: int
    height: int
    step: int
    columns: int
    bands: tuple[Band, ...]
    paths: Mapping[str, str]

    @property
    def cell(self) -> float:
        """How wide a cell is, without the gap beside it."""
        return self.step * 0.8 if self.step > SMALLEST else self.step - 1

    @property
    def gap(self) -> float:
        """What lies between two cells."""
        return round(self.step - self.cell, 2)


def drawn(rows: Sequence[HostRow], width: int) -> Picture:
    """The hosts, platform by platform, the most numerous first."""
    by_platform: dict[str, list[HostRow]] = {}
    for row in rows:
        by_platform.setdefault(row.platform, []).append(row)
    bands = sorted(by_platform.items(), key=lambda band: (-len(band[1]), band[0]))
    step = _step([len(hosts) for _, hosts in bands], width)
    columns = width // step
    paths: dict[str, list[str]] = {kind: [] for kind in KINDS}
    made, top = [], 0
    for platform, hosts in bands:
        ordered = sorted(hosts, key=lambda row: (KINDS.index(kind_of(row)), row.name))
        counts = {}
        begin = 0
        for kind, some in groupby(ordered, kind_of):
            counts[kind] = len(list(some))
            paths[kind] += _strokes(begin, begin + counts[kind], columns, step, top + HEAD)
            begin += counts[kind]
        made.append(Band(platform, tuple(row.name for row in ordered), counts, top))
        top += HEAD + math.ceil(len(ordered) / columns) * step + FOOT
    return Picture(width, max(top, 1), step, columns, tuple(made), {k: "".join(d) for k, d in paths.items() if d})


def kind_of(row: HostRow) -> str:
    """What a host's cell says."""
    if row.worst is None:
        return EMPTY if row.failure is None else str(Status.UNKNOWN)
    return str(row.worst)


def _step(sizes: Sequence[int], width: int) -> int:
    """The largest cells with which all bands stay low enough."""
    for step in range(LARGEST, SMALLEST, -1):
        columns = width // step
        if sum(math.ceil(size / columns) for size in sizes) * step <= MOST_HIGH:
            return step
    return SMALLEST


def _strokes(begin: int, end: int, columns: int, step: int, top: int) -> Iterator[str]:
    """A stroke for each row that cells from ``begin`` to before ``end`` lie in; dashes make cells of it."""
    half = step // 2
    while begin < end:
        row, column = divmod(begin, columns)
        length = min(end - begin, columns - column)
        yield f"M{column * step} {top + row * step + half}h{length * step}"
        begin += length
