"""Endpoints by which somebody answers for a deployment that the gate would not let through."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.responses import JSONResponse, Response

from scanner.domain.override import Override
from scanner.service.answers import Refusal
from scanner.service.check_document import override_document
from scanner.service.gate.overrides import Overrides
from scanner.web.api import schemas
from scanner.web.api.bodies import OverrideRequest
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.dependencies import WebContext
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute

router = APIRouter(prefix="/api/v1/overrides", route_class=GuardedRoute, tags=["gate"])


@router.get("", response_model=schemas.Overrides)
@needs(Scope.READ)
async def overrides(known: Annotated[Overrides, Depends(dependencies.overrides)]) -> Response:
    """Who answers for which deployments, until when."""
    return JSONResponse({"overrides": [override_document(one) for one in await known.in_force()]})


@router.post("", status_code=201, response_model=schemas.Override)
@needs(Scope.OPERATE)
async def add_override(
    wanted: OverrideRequest,
    known: Annotated[Overrides, Depends(dependencies.overrides)],
    context: Annotated[WebContext, Depends(dependencies.context)],
    by: Annotated[str, Depends(dependencies.caller)],
) -> Response:
    """Let images through that the gate denies or holds, as a warning, until a moment."""
    until = wanted.until.timestamp()
    if until <= context.clock():
        raise Problem(400, "override_invalid", "until is in the past")
    added = await known.add(Override("", wanted.owner, wanted.reason, until, wanted.image, wanted.host), by)
    if isinstance(added, Refusal):
        raise Problem.of(added)
    return JSONResponse(override_document(added), 201, {"Location": f"/api/v1/overrides/{added.id}"})


@router.delete("/{override_id}", status_code=204)
@needs(Scope.OPERATE)
async def delete_override(
    override_id: str,
    known: Annotated[Overrides, Depends(dependencies.overrides)],
    by: Annotated[str, Depends(dependencies.caller)],
) -> Response:
    """End an override."""
    deleted = await known.delete(override_id, by)
    if isinstance(deleted, Refusal):
        raise Problem.of(deleted)
    if not deleted:
        raise Problem(404, "override_not_found", "there is no such override")
    return Response(status_code=204)
