"""The page of what would run if the fleet became another platform: what is ready, what blocks, whose it is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from scanner.domain.platform.platform import Platform
from scanner.domain.readiness import OUTLOOK_MEANS, Outlook
from scanner.domain.verdict.plain import plain_platform
from scanner.service.answers import Refusal
from scanner.service.platform_moves import PlatformMoves
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute
from scanner.web.http.session import form_of
from scanner.web.pages.check_page import USUAL
from scanner.web.pages.rendering import render
from scanner.web.pages.viewer import Asking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.domain.readiness import ImageOutlook, Readiness, Tally
    from scanner.web.pages.rendering import PageRequest

MAX_IMAGES = 200
"""Rows of the table; the document of the API has all of them."""

MAX_TALLIES = 12
"""Bars of one picture, the worst of them; the table below has every image."""

BAR = 300
"""Units that the longest bar is wide."""

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class Bar:
    """One stripe of a picture: a name with its pieces, each an outlook from ``x`` on, ``width`` wide."""

    name: str
    total: int
    pieces: Sequence[tuple[Outlook, float, float, int]]


@dataclass(frozen=True, slots=True)
class ReadinessPage:
    """``found`` is ``None`` where no target is chosen yet."""

    target: str
    host: str
    found: Readiness | None
    platforms: Sequence[str]
    is_judging: bool = False

    @property
    def means(self) -> Mapping[Outlook, str]:
        """What each outlook says."""
        return OUTLOOK_MEANS

    @property
    def images(self) -> Sequence[ImageOutlook]:
        """What blocks first, as far as the table goes, on the host that was asked for."""
        return self._all[:MAX_IMAGES]

    @property
    def left_out(self) -> int:
        """How many images the table does not show."""
        return len(self._all) - len(self.images)

    @property
    def _all(self) -> Sequence[ImageOutlook]:
        every = self.found.images if self.found else ()
        return [image for image in every if not self.host or self.host in image.hosts]

    @property
    def counts(self) -> Mapping[Outlook, int]:
        """How many images have which outlook."""
        return {outlook: sum(image.outlook is outlook for image in self._all) for outlook in Outlook}

    @property
    def charts(self) -> Sequence[tuple[str, Sequence[Bar]]]:
        """The pictures: by team, by registry, by host."""
        if self.found is None:
            return ()
        tallies = (
            ("team", self.found.by_team), ("registry", self.found.by_registry), ("host", self.found.by_host),
        )  # fmt: skip
        return [(name, bars(some)) for name, some in tallies]


@router.get("/readiness")
@needs(Scope.READ)
async def readiness(
    asking: Asking,
    moves: Annotated[PlatformMoves, Depends(dependencies.moves)],
    to: Annotated[str, Query(max_length=64)] = "",
    host: Annotated[str, Query(max_length=512)] = "",
) -> Response:
    """The table for one target, of one host where it is named."""
    if host and host not in asking.index.report.readings:
        raise Problem(404, "host_not_found", "the latest report has no host of this name")
    target = _platform(to) if to else None
    judging = target is not None and moves.is_judging(target)
    return await asyncio.to_thread(_shown, asking, moves, target, host, judging=judging)


@router.post("/readiness")
@needs(Scope.GATE)
async def judge(
    request: Request, asking: Asking, moves: Annotated[PlatformMoves, Depends(dependencies.moves)]
) -> Response:
    """Open the images for a target, then go back to its table."""
    target = _platform(dict(await form_of(request)).get("to", ""))
    refused = moves.judge(target, asking.viewer.name)
    if isinstance(refused, Refusal):
        raise Problem.of(refused)
    return RedirectResponse(f"/readiness?to={target}", 303)


def _shown(asking: PageRequest, moves: PlatformMoves, target: Platform | None, host: str, *, judging: bool) -> Response:
    platforms = list(dict.fromkeys((*(name for name in asking.index.platforms if "/" in name), *USUAL)))
    found = moves.outlook(target) if target else None
    page = ReadinessPage(str(target or ""), host, found, platforms, judging)
    return render(asking, "readiness.html", page, refresh_s=3 if judging else 0)


def _platform(text: str) -> Platform:
    try:
        return plain_platform(text)
    except ValueError as error:
        raise Problem(400, "platform_invalid", str(error)) from None


def bars(tallies: Sequence[Tally]) -> Sequence[Bar]:
    """Stripes to one scale, the worst first."""
    shown = tallies[:MAX_TALLIES]
    longest = max((tally.total for tally in shown), default=1)
    made = []
    for tally in shown:
        x, pieces = 0.0, []
        for outlook, count in tally.counts.items():
            if count:
                width = round(BAR * count / longest, 2)
                pieces.append((outlook, round(x, 2), width, count))
                x += width
        made.append(Bar(tally.name, tally.total, pieces))
    return made
