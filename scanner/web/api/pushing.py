"""The endpoint to which hosts push their answers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from scanner.domain.report_json import moment
from scanner.service.answers import Refusal
from scanner.service.pushing import Pushing
from scanner.web.api import schemas
from scanner.web.http import dependencies
from scanner.web.http.access import Access, Scope, needs
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute

router = APIRouter(prefix="/api/v1", route_class=GuardedRoute, tags=["fleet"])


_BODY = {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


@router.post(
    "/hosts/{name}/facts", status_code=202, response_model=schemas.Received, openapi_extra={"requestBody": _BODY}
)
@needs(Scope.PUSH)
async def facts(
    name: str,
    pushing: Annotated[Pushing, Depends(dependencies.pushing)],
    by: Annotated[str, Depends(dependencies.caller)],
    access: Annotated[Access, Depends(dependencies.access)],
    request: Request,
) -> Response:
    """Take the probe's answer, byte for byte, from the host itself; the next scan judges it."""
    if access.pushes_for(request.headers.get("authorization")) != name:
        raise Problem(403, "host_not_yours", "the token pushes for another host")
    received = await pushing.receive(name, await request.body(), by)
    if isinstance(received, Refusal):
        raise Problem.of(received)
    return JSONResponse({"host": received.host, "received_at": moment(received.at)}, 202)
