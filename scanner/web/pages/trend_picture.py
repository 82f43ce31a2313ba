"""The last thirty days as curves: how many workloads were not ok, by status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.domain.fleet_picture import URGENT
from scanner.domain.report_json import moment
from scanner.domain.verdict.reason import Status
from scanner.service.history import DAY_S, DAYS, Day

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WIDTH, HEIGHT = 320, 110
"""Units, as many as its place beside the table has pixels: its letters are as large as others."""

ROOM = 8
"""Units kept free around the curves, so that a line's end is whole."""

DRAWN: tuple[Status, ...] = tuple(status for status in URGENT if status is not Status.OK)


@dataclass(frozen=True, slots=True)
class Trend:
    """One curve for each status that occurred, the highest value, the same figures as rows."""

    curves: Mapping[Status, str]
    dots: Mapping[Status, tuple[float, float]]
    highest: int
    rows: tuple[tuple[str, Mapping[Status, int]], ...]
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def is_drawn(self) -> bool:
        """Whether there are days enough for a line."""
        return len(self.rows) > 1


def trend_of(days: Sequence[Day], now: float) -> Trend:
    """The curves of these days, the oldest on the left."""
    highest = max((day.counts[status] for day in days for status in DRAWN), default=0)
    begin = now - DAYS * DAY_S

    def point(day: Day, status: Status) -> tuple[float, float]:
        across = (day.at - begin) / (DAYS * DAY_S)
        up = day.counts[status] / highest if highest else 0
        x = ROOM + across * (WIDTH - 2 * ROOM)
        return round(x, 1), round(HEIGHT - ROOM - up * (HEIGHT - 2 * ROOM), 1)

    curves: dict[Status, str] = {}
    dots: dict[Status, tuple[float, float]] = {}
    for status in DRAWN:
        if any(day.counts[status] for day in days):
            points = [point(day, status) for day in days]
            curves[status] = "M" + "L".join(f"{x} {y}" for x, y in points)
            dots[status] = points[-1]
    rows = tuple(((moment(day.at) or "")[:10], day.counts) for day in reversed(days))
    return Trend(curves, dots, highest, rows)
