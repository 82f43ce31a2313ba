"""The first page: the whole fleet as a picture, what is wrong now, how it went lately."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends
from starlette.responses import HTMLResponse, Response

from scanner.domain.fleet_picture import KINDS, URGENT, Picture, drawn_for_both
from scanner.domain.verdict.reason import Status
from scanner.service.history import Day, History
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.route import GuardedRoute
from scanner.web.pages.fleet_index import FleetIndex, HostRow
from scanner.web.pages.image_rows import ImageGroup, grouped, is_trouble
from scanner.web.pages.page_filter import PageFilter, asked
from scanner.web.pages.rendering import PageRequest, render
from scanner.web.pages.trend_picture import Trend, trend_of
from scanner.web.pages.viewer import Asking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FIRST_GROUPS = 8
"""What is worst stands on the first page; the rest is one click away."""

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class FleetPage:
    """What the first page shows of the hosts that were asked for.

    ``matrix`` has for each platform how many hosts are of each kind: the picture's numbers as text.
    """

    asked: PageFilter
    index: FleetIndex
    hosts: Sequence[HostRow]
    counts: Mapping[Status, int]
    workloads: int
    groups: Sequence[ImageGroup]
    pictures: tuple[Picture, Picture]
    matrix: Sequence[tuple[str, Mapping[str, int], int]]
    trend: Trend

    @property
    def stuck(self) -> int:
        """How many workloads will not start."""
        return self.counts[Status.MISMATCH] + self.counts[Status.BROKEN]

    @property
    def troubles(self) -> int:
        """How many workloads are not ok."""
        return self.workloads - self.counts[Status.OK]

    @property
    def unread(self) -> int:
        """How many hosts could not be read."""
        return sum(row.failure is not None for row in self.hosts)

    @property
    def is_dark(self) -> bool:
        """Whether there are hosts, none of which could be read."""
        return 0 < len(self.hosts) == self.unread

    @property
    def first_groups(self) -> Sequence[ImageGroup]:
        """The worst of them."""
        return self.groups[:FIRST_GROUPS]

    @property
    def kinds(self) -> Sequence[str]:
        """The kinds of cell that are there."""
        return [kind for kind in KINDS if any(counts.get(kind) for _, counts, _ in self.matrix)]


@router.get("/")
@needs(Scope.READ)
async def fleet(
    asking: Asking,
    wanted: Annotated[PageFilter, Depends(asked)],
    history: Annotated[History, Depends(dependencies.history)],
) -> Response:
    """What is wrong now."""
    if asking.report is None:
        return render(asking, "waiting.html", None, refresh_s=5)
    days = await history.days()
    return await asyncio.to_thread(_rendered, asking, wanted, days)


def _rendered(asking: PageRequest, wanted: PageFilter, days: Sequence[Day]) -> Response:
    return render(asking, "fleet.html", fleet_page(asking.index, wanted, days, asking.now))


def fleet_page(index: FleetIndex, wanted: PageFilter, days: Sequence[Day], now: float) -> FleetPage:
    """The page of a report."""
    selected = index.select(wanted) if wanted else None
    hosts = index.hosts(wanted, selected)
    if selected:
        counts, groups = Counter(selected.counts), grouped(selected, is_trouble)
        pictures = drawn_for_both([index.cell_of[row.name] for row in hosts])
    else:
        counts, groups, pictures = Counter(index.report.counts), index.groups, index.pictures
    return FleetPage(
        asked=wanted,
        index=index,
        hosts=hosts,
        counts={status: counts[status] for status in URGENT},
        workloads=counts.total(),
        groups=groups,
        pictures=pictures,
        matrix=[(band.platform, Counter(band.counts), len(band.names)) for band in pictures[0].bands],
        trend=trend_of(days, now),
    )
