"""The way back for people: a plan that one button makes, what speaks against it, a second button that confirms it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from scanner.domain.rollback_record import ACTIVE, RollbackState
from scanner.service.answers import Refusal
from scanner.service.reloading import Reloading
from scanner.service.rollback.rollbacks import Rollbacks
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute
from scanner.web.http.session import form_of
from scanner.web.pages.rendering import render
from scanner.web.pages.viewer import Asking

if TYPE_CHECKING:
    from scanner.domain.rollback_record import Rollback

MAX_NAME_CHARS = 512
"""Longer than any name of a host or workload that a report has."""

LOOK_AGAIN_S = 5
"""Between two looks of a browser at a rollback that is under way."""

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)
Known = Annotated[Rollbacks, Depends(dependencies.rollbacks)]


@dataclass(frozen=True, slots=True)
class RollbackPage:
    """One plan with what became of it; ``confirmable`` tells whether the agent would carry it out now."""

    rollback: Rollback
    confirmable: bool
    expired: bool
    enabled: bool

    @property
    def goes_on(self) -> bool:
        """Whether it is confirmed and has not ended."""
        return self.rollback.state in ACTIVE


@router.post("/rollbacks")
@needs(Scope.ROLLBACK)
async def plan(request: Request, asking: Asking, known: Known) -> Response:
    """Make the plan of one workload, then show it; nothing is done to the host."""
    fields = dict(await form_of(request))
    host, workload = (fields.get(name, "")[:MAX_NAME_CHARS] for name in ("host", "workload"))
    made = await known.plan(host, workload, "", asking.viewer.name)
    if isinstance(made, Refusal):
        raise Problem.of(made)
    return RedirectResponse(f"/rollbacks/{made.id}", 303)


@router.get("/rollbacks/{rollback_id}")
@needs(Scope.READ)
async def shown(
    rollback_id: str,
    asking: Asking,
    known: Known,
    reloading: Annotated[Reloading, Depends(dependencies.reloading)],
) -> Response:
    """The plan, or how far it is."""
    found = known.find(rollback_id)
    if found is None:
        raise Problem(404, "rollback_not_found", "there is no such rollback")
    enabled = reloading.settings.rollback.enabled
    expired = found.expired(asking.now)
    confirmable = found.state is RollbackState.PLANNED and found.by_agent and enabled and not expired
    page = RollbackPage(found, confirmable, expired, enabled)
    return await asyncio.to_thread(
        lambda: render(asking, "rollback.html", page, refresh_s=LOOK_AGAIN_S if page.goes_on else 0)
    )


@router.post("/rollbacks/{rollback_id}/confirm")
@needs(Scope.ROLLBACK)
async def confirm(rollback_id: str, request: Request, asking: Asking, known: Known) -> Response:
    """Have the agent carry it out."""
    accepted = dict(await form_of(request)).get("accept_cautions") == "yes"
    made = await known.confirm(rollback_id, asking.viewer.name, accept_cautions=accepted)
    if isinstance(made, Refusal):
        raise Problem.of(made)
    return RedirectResponse(f"/rollbacks/{made.id}", 303)
