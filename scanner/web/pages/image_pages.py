"""The images: all of them in pages, each with what it offers against what the fleet is."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import HTMLResponse, Response

from scanner.domain.instead import MOVABLE
from scanner.domain.platform.platform import canonical
from scanner.domain.verdict.reason import Status
from scanner.domain.verdict.verdict import NextPull
from scanner.web.http.access import Scope, needs
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute
from scanner.web.pages.fleet_index import FleetIndex
from scanner.web.pages.image_rows import ImageRow
from scanner.web.pages.page_filter import NO_PLATFORM, PageFilter, asked
from scanner.web.pages.rendering import PageRequest, render
from scanner.web.pages.viewer import Asking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.domain.decision import Decision
    from scanner.domain.instead import Instead
    from scanner.domain.report import Finding

PAGE_IMAGES = 100
"""Rows on one page."""

MAX_WORKLOADS = 200
"""Workloads in the table of one image; the rest are found by host."""

MAX_CARDS = 10
"""Findings that an image's page explains at length."""

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class ImagesPage:
    """One page of the images that fit, the worst first."""

    asked: PageFilter
    index: FleetIndex
    images: Sequence[ImageRow]
    number: int
    last: int
    total: int

    def at(self, number: int) -> str:
        """The address of another of these pages."""
        return "/images" + self.asked.query(page=number if number > 1 else "")


@dataclass(frozen=True, slots=True)
class Cell:
    """How an image fares on one platform of the fleet.

    ``hosts`` are those of the fleet, ``here`` those among them that have the image; ``fares`` is worst first, empty
    where no host of this platform has it. ``is_offered`` is what its label says.
    """

    platform: str
    hosts: int
    here: int
    is_offered: bool
    fares: Sequence[Finding]

    @property
    def is_movable(self) -> bool:
        """Whether another tag could do what this one does not."""
        if self.platform == NO_PLATFORM:
            return False
        reasons = {finding.verdict.reason for finding in self.fares}
        return bool(reasons & MOVABLE) or (not self.fares and not self.is_offered)


@dataclass(frozen=True, slots=True)
class OtherTags:
    """What the gate answered when somebody looked for a tag that starts on a platform; ``refused`` says why it did not."""

    platform: str
    decision: Decision | None = None
    instead: Instead | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class ImagePage:
    """One image with everything that the last scan found of it."""

    row: ImageRow
    digests: Sequence[str]
    cells: Sequence[Cell]
    next_pulls: Mapping[NextPull, int]
    other_tags: OtherTags | None = None

    @property
    def shown(self) -> Sequence[Finding]:
        """Its workloads, as far as the table goes."""
        return self.row.findings[:MAX_WORKLOADS]

    @property
    def troubles(self) -> Sequence[Finding]:
        """One finding for each thing that is wrong with it."""
        first: dict[tuple[str, str], Finding] = {}
        for finding in self.row.findings:
            if finding.verdict.status is not Status.OK:
                first.setdefault((str(finding.verdict.reason), finding.verdict.detail), finding)
        return list(first.values())[:MAX_CARDS]


@router.get("/images")
@needs(Scope.READ)
def images(
    asking: Asking,
    wanted: Annotated[PageFilter, Depends(asked)],
    reference: Annotated[str, Query(max_length=1024)] = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """All images, the worst first; ``reference`` is one that no path can hold."""
    if reference:
        return _one(asking, reference)
    return render(asking, "images.html", images_page(asking.index, wanted, page))


@router.get("/images/{reference:path}")
@needs(Scope.READ)
def image(reference: str, asking: Asking) -> Response:
    """One image."""
    return _one(asking, reference)


def _one(asking: PageRequest, reference: str) -> Response:
    index = asking.index
    if reference not in index.image_of:
        raise Problem(404, "image_not_found", "no workload of the latest report has this image, written like this")
    return render(asking, "image.html", image_page(index, reference))


def images_page(index: FleetIndex, wanted: PageFilter, number: int) -> ImagesPage:
    """One page of the images that fit."""
    rows = index.images
    if wanted:
        fitting = {one.image for one in index.select(wanted).parts}
        rows = tuple(row for row in rows if row.image in fitting)
    last = max(1, -(-len(rows) // PAGE_IMAGES))
    number = min(number, last)
    begin = (number - 1) * PAGE_IMAGES
    return ImagesPage(wanted, index, rows[begin : begin + PAGE_IMAGES], number, last, len(rows))


def image_page(index: FleetIndex, reference: str, other_tags: OtherTags | None = None) -> ImagePage:
    """The page of one image."""
    row = index.image_of[reference]
    digests = tuple(dict.fromkeys(f.verdict.digest for f in row.findings if f.verdict.digest))
    pulls = Counter(f.verdict.next_pull for f in row.findings if f.verdict.next_pull)
    here: dict[str, list[Finding]] = {}
    for finding in row.findings:
        here.setdefault(index.row_of[finding.workload.host].platform, []).append(finding)
    cells = [_cell(row, platform, hosts, here.get(platform, ())) for platform, hosts in index.platforms.items()]
    return ImagePage(row, digests, cells, dict(pulls), other_tags)


def _cell(row: ImageRow, platform: str, hosts: int, here: Sequence[Finding]) -> Cell:
    first: dict[tuple[str, str], Finding] = {}
    for finding in here:
        first.setdefault((str(finding.verdict.reason), finding.verdict.detail), finding)
    offered = {base_of(str(canonical(one))) for one in row.offered}
    is_offered = platform != NO_PLATFORM and base_of(platform) in offered
    return Cell(platform, hosts, len({f.workload.host for f in here}), is_offered, tuple(first.values()))


_LEVEL = re.compile(r"(?<=amd64)/v\d$|(?<=arm64)/v8.{0,64}$")


def base_of(platform: str) -> str:
    """A platform without the level of its CPU, which a label seldom says."""
    return _LEVEL.sub("", platform)
