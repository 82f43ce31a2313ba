"""The page of what is wrong, the most harmful first: one bad image on many hosts is one row that opens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import HTMLResponse, Response

from scanner.domain.verdict.reason import Status
from scanner.web.http.access import Scope, needs
from scanner.web.http.route import GuardedRoute
from scanner.web.pages.fleet_index import FleetIndex
from scanner.web.pages.image_rows import MAX_SHOWN, ImageGroup, grouped, is_trouble
from scanner.web.pages.page_filter import PageFilter, asked
from scanner.web.pages.rendering import render
from scanner.web.pages.viewer import Asking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.domain.finding_groups import Likeness

PAGE_GROUPS = 30
"""Rows on one page: more than anybody reads before mending the first."""

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class FindingsPage:
    """One page of groups: ``number`` of ``last``, with how many groups and workloads there are in all."""

    asked: PageFilter
    index: FleetIndex
    groups: Sequence[ImageGroup]
    number: int
    last: int
    all_groups: int
    workloads: int
    shown: int = MAX_SHOWN

    @property
    def title(self) -> str:
        """What is listed."""
        return self.asked.status.capitalize() if self.asked.status else "What is not ok"

    def at(self, number: int) -> str:
        """The address of another of these pages."""
        return "/findings" + self.asked.query(page=number if number > 1 else "")


@router.get("/findings")
@needs(Scope.READ)
def findings(
    asking: Asking,
    wanted: Annotated[PageFilter, Depends(asked)],
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """What is not ok, or what was asked for."""
    return render(asking, "findings.html", findings_page(asking.index, wanted, page))


OK_ALONE = PageFilter(status=str(Status.OK))
"""The one filter that asks for most of a fleet; its groups are kept beside those of what is not ok."""


def _is_any(_: Likeness) -> bool:
    return True


def findings_page(index: FleetIndex, wanted: PageFilter, number: int) -> FindingsPage:
    """Without a status, what is ok is left out."""
    if not wanted:
        groups = index.groups
    elif wanted == OK_ALONE:
        groups = index.fine
    else:
        is_asked = _is_any if wanted.status or wanted.reason else is_trouble
        groups = grouped(index.select(wanted), is_asked)
    last = max(1, -(-len(groups) // PAGE_GROUPS))
    number = min(number, last)
    begin = (number - 1) * PAGE_GROUPS
    return FindingsPage(
        asked=wanted,
        index=index,
        groups=groups[begin : begin + PAGE_GROUPS],
        number=number,
        last=last,
        all_groups=len(groups),
        workloads=sum(group.count for group in groups),
    )
