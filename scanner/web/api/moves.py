"""The endpoint that tells what would run on another platform."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse, Response

from scanner.domain.readiness import readiness_document
from scanner.domain.verdict.plain import plain_platform
from scanner.service.platform_moves import PlatformMoves
from scanner.web.api import schemas
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute

router = APIRouter(prefix="/api/v1", route_class=GuardedRoute, tags=["fleet"])


@router.get("/readiness", response_model=schemas.Readiness)
@needs(Scope.READ)
async def readiness(
    to: Annotated[str, Query(min_length=1, max_length=64, description="A platform, such as linux/arm64.")],
    moves: Annotated[PlatformMoves, Depends(dependencies.moves)],
    team_label: Annotated[str, Query(max_length=128, description="The label that says whose a host is.")] = "team",
) -> Response:
    """Every image of the latest report on a host of the target: what is ready, what blocks, whose it is."""
    try:
        target = plain_platform(to)
    except ValueError as error:
        raise Problem(400, "platform_invalid", str(error)) from None
    found = await asyncio.to_thread(moves.outlook, target, team_label)
    if found is None:
        raise Problem(503, "not_ready", "the first scan has not ended yet", {"Retry-After": "10"})
    return await asyncio.to_thread(lambda: JSONResponse(readiness_document(found)))
