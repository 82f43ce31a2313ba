"""Endpoints that ask for scans."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Path
from starlette.responses import JSONResponse, Response, StreamingResponse

from scanner.domain.report_json import moment
from scanner.service.answers import Refusal
from scanner.service.scan_queue import ScanRequest
from scanner.service.scans import Scans
from scanner.web.api import bodies, schemas
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.dependencies import MAX_LISTENERS, WebContext
from scanner.web.http.permitted import Permitted, while_permitted
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute

if TYPE_CHECKING:
    from starlette.types import Receive, Send
    from starlette.types import Scope as ASGIScope

HEARTBEAT_S = 15.0
"""A comment line this often keeps proxies from closing a quiet stream."""

PAUSE_S = 0.2
"""As often as an eye can follow: a scan of ten thousand hosts changes its request ten thousand times."""

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Events progress, then end; each has the whole state.", "content": {"text/event-stream": {}}}
}

router = APIRouter(prefix="/api/v1/scans", route_class=GuardedRoute, tags=["scans"])


@router.post("", status_code=202, response_model=schemas.RequestedScan)
@needs(Scope.OPERATE)
async def request_scan(
    wanted: bodies.ScanRequest,
    scans: Annotated[Scans, Depends(dependencies.scans)],
    by: Annotated[str, Depends(dependencies.caller)],
) -> Response:
    """Scan inventory hosts now, or join the scan of the same hosts that is under way."""
    request = await scans.request(wanted.hosts, by)
    if isinstance(request, Refusal):
        raise Problem.of(request)
    return JSONResponse(request_document(request), 202, {"Location": f"/api/v1/scans/{request.id}"})


@router.get("/{scan_id}", response_model=schemas.RequestedScan)
@needs(Scope.READ, at_leader=True)
async def scan(
    request_id: Annotated[str, Path(alias="scan_id")], scans: Annotated[Scans, Depends(dependencies.scans)]
) -> Response:
    """How far an asked-for scan is."""
    return JSONResponse(request_document(_known(scans, request_id)))


@router.get("/{scan_id}/events", response_class=StreamingResponse, responses=_STREAM)
@needs(Scope.READ, at_leader=True)
async def events(
    request_id: Annotated[str, Path(alias="scan_id")],
    scans: Annotated[Scans, Depends(dependencies.scans)],
    context: Annotated[WebContext, Depends(dependencies.context)],
    permitted: Annotated[Permitted, Depends(dependencies.still_permitted)],
) -> Response:
    """The same as server-sent events, until it ended."""
    _known(scans, request_id)
    return _Counted(context, while_permitted(_stream(scans, request_id), context.access_changes, permitted))


class _Counted(StreamingResponse):
    """A stream of events, counted from the moment at which it is let in, whether or not anybody reads of it."""

    def __init__(self, context: WebContext, told: AsyncIterator[str]) -> None:
        super().__init__(told, media_type="text/event-stream")
        self._context = context

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        """Send it.

        Raises:
            Problem: 429 where as many are open as may be.
        """
        if self._context.listeners >= MAX_LISTENERS:
            raise Problem(429, "too_many_listeners", f"{MAX_LISTENERS} streams are open", {"Retry-After": "10"})
        self._context.listeners += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._context.listeners -= 1


def request_document(request: ScanRequest) -> dict[str, Any]:
    """A requested scan as JSON."""
    return {
        "id": request.id,
        "state": str(request.state),
        "joined": request.joined,
        "hosts": list(request.hosts),
        "done": request.done,
        "total": request.total,
        "detail": request.detail,
        "requested_by": request.requested_by,
        "requested_at": moment(request.requested_at),
        "started_at": moment(request.started_at),
        "finished_at": moment(request.finished_at),
    }


def _known(scans: Scans, request_id: str) -> ScanRequest:
    request = scans.find(request_id)
    if request is None:
        raise Problem(404, "scan_not_found", "there is no such scan, or it ended long ago")
    return request


async def _stream(scans: Scans, request_id: str) -> AsyncIterator[str]:
    changes = aiter(scans.watch(request_id))
    upcoming: asyncio.Future[ScanRequest | None] | None = None
    ended = False
    try:
        while not ended:
            upcoming = upcoming or asyncio.ensure_future(anext(changes, None))
            done, _ = await asyncio.wait((upcoming,), timeout=HEARTBEAT_S)
            if not done:
                yield ": still here\n\n"
                continue
            # The changes may cease while we pause, before the one that ended was shown.
            request, last = upcoming.result() or scans.find(request_id), upcoming.result() is None
            upcoming = None
            if request is None:
                return
            ended = last or request.state.ended
            # Each event is the whole state, so whoever comes again with Last-Event-ID is told the present one.
            event, number = "end" if ended else "progress", f"{request.done}-{request.state}"
            yield f"id: {number}\nevent: {event}\ndata: {json.dumps(request_document(request))}\n\n"
            await asyncio.sleep(0 if ended else PAUSE_S)
    finally:
        if upcoming is not None:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)
