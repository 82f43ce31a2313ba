"""The fleet as a picture: one cell a host, one path a status, as small for ten thousand hosts as for ten."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.domain.facts import HostFacts
    from scanner.domain.report import Report

URGENT = (Status.MISMATCH, Status.BROKEN, Status.UNKNOWN, Status.DEGRADED, Status.EMULATED, Status.OK)
"""What does not start stands first, what merely could be better last."""

EMPTY = "none"
"""How a host is drawn that runs nothing."""

KINDS = (*map(str, URGENT), EMPTY)
"""What a cell may say, worst first: so lie the cells of a band."""

_RANK = {kind: number for number, kind in enumerate(KINDS)}

WIDE, NARROW = 1120, 340
"""Units across: a desk's screen, a phone's; the picture is drawn for both, and shown to one."""

LARGEST, SMALLEST = 30, 5
"""Units from cell to cell: ten hosts must not look lost, ten thousand must be cells still."""

MOST_HIGH = 420
"""Units that all bands together may be high before cells become smaller."""

HEAD, FOOT = 20, 12
"""Units above a band, for its name, and below it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One host: what it is called, which platform it is, of which kind its worst workload is."""

    name: str
    platform: str
    kind: str

    @property
    def rank(self) -> tuple[int, str]:
        """Its place among the cells of its band."""
        return (_RANK[self.kind], self.name)


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


def drawn(cells: Iterable[Cell], width: int) -> Picture:
    """The hosts, platform by platform, the most numerous first."""
    return _drawn(_ordered(cells), width)


def drawn_for_both(cells: Iterable[Cell]) -> tuple[Picture, Picture]:
    """The same for a desk and for a phone."""
    bands = _ordered(cells)
    return _drawn(bands, WIDE), _drawn(bands, NARROW)


_Bands = Sequence[tuple[str, tuple[str, ...], "Mapping[str, int]"]]


def _ordered(cells: Iterable[Cell]) -> _Bands:
    """Of each platform its hosts in their order, how many are of which kind; the most numerous first."""
    by_platform: dict[str, dict[str, list[str]]] = {}
    for cell in cells:
        by_platform.setdefault(cell.platform, {}).setdefault(cell.kind, []).append(cell.name)
    bands = []
    for platform, kinds in by_platform.items():
        names = tuple(chain.from_iterable(sorted(kinds[kind]) for kind in KINDS if kind in kinds))
        bands.append((platform, names, {kind: len(kinds[kind]) for kind in KINDS if kind in kinds}))
    return sorted(bands, key=lambda band: (-len(band[1]), band[0]))


def _drawn(bands: _Bands, width: int) -> Picture:
    step = _step([len(names) for _, names, _ in bands], width)
    columns = width // step
    paths: dict[str, list[str]] = {kind: [] for kind in KINDS}
    made, top = [], 0
    for platform, names, counts in bands:
        begin = 0
        for kind, count in counts.items():
            paths[kind] += _strokes(begin, begin + count, columns, step, top + HEAD)
            begin += count
        made.append(Band(platform, names, counts, top))
        top += HEAD + math.ceil(len(names) / columns) * step + FOOT
    return Picture(width, max(top, 1), step, columns, tuple(made), {k: "".join(d) for k, d in paths.items() if d})


def cells_of(report: Report) -> Iterator[Cell]:
    """A cell for each host of a report."""
    worst: dict[str, Status] = {}
    rank = {status: number for number, status in enumerate(URGENT)}
    for finding in report.findings:
        status, host = finding.verdict.status, finding.workload.host
        if host not in worst or rank[status] < rank[worst[host]]:
            worst[host] = status
    for reading in report.hosts:
        platform = str(reading.platform or Status.UNKNOWN)
        yield Cell(reading.name, platform, kind_of(worst.get(reading.name), reading.reading))


def kind_of(worst: Status | None, reading: HostFacts | Failure) -> str:
    """What a host's cell says: one that was not read is unknown, unless it is known to be worse."""
    if isinstance(reading, Failure):
        return str(worst) if worst in {Status.MISMATCH, Status.BROKEN} else str(Status.UNKNOWN)
    return EMPTY if worst is None else str(worst)


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
