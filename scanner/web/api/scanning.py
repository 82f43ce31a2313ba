"""Endpoints that ask for scans."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from scanner.domain.report_json import moment
from scanner.service.answers import Refusal, ScanTicket
from scanner.web.api.bodies import ScanRequest
from scanner.web.http.access import Scope, needs
from scanner.web.http.dependencies import MAX_LISTENERS, Desk
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute, caller

HEARTBEAT_S = 15.0
"""A comment line this often keeps proxies from closing a quiet stream."""

PAUSE_S = 0.2
"""As often as an eye can follow: a fleet of ten thousand hosts changes its ticket ten thousand times."""


def scanning(desk: Desk) -> APIRouter:
    """The router."""
    router = APIRouter(prefix="/api/v1/scans", route_class=GuardedRoute, tags=["scans"])

    @router.post("", status_code=202)
    @needs(Scope.OPERATE)
    async def request_scan(request: Request, wanted: ScanRequest) -> Response:
        """Scan inventory hosts now, or join the scan of the same hosts that is under way."""
        ticket = await desk.service.request_scan(wanted.hosts, caller(request))
        if isinstance(ticket, Refusal):
            raise Problem.of(ticket)
        return JSONResponse(ticket_document(ticket), 202, {"Location": f"/api/v1/scans/{ticket.id}"})

    @router.get("/{ticket_id}")
    @needs(Scope.READ)
    async def scan(ticket_id: str) -> Response:
        """How far an asked-for scan is."""
        return JSONResponse(ticket_document(_ticket(desk, ticket_id)))

    @router.get("/{ticket_id}/events")
    @needs(Scope.READ)
    async def events(ticket_id: str) -> Response:
        """The same as server-sent events, until it ended."""
        _ticket(desk, ticket_id)
        if desk.listeners >= MAX_LISTENERS:
            raise Problem(429, "too_many_listeners", f"{MAX_LISTENERS} streams are open", {"Retry-After": "10"})
        return StreamingResponse(_stream(desk, ticket_id), media_type="text/event-stream")

    return router


def ticket_document(ticket: ScanTicket) -> dict[str, Any]:
    """A ticket as JSON."""
    return {
        "id": ticket.id,
        "state": str(ticket.state),
        "joined": ticket.joined,
        "hosts": list(ticket.hosts),
        "done": ticket.done,
        "total": ticket.total,
        "detail": ticket.detail,
        "requested_by": ticket.requested_by,
        "requested_at": moment(ticket.requested_at),
        "started_at": moment(ticket.started_at),
        "finished_at": moment(ticket.finished_at),
    }


def _ticket(desk: Desk, ticket_id: str) -> ScanTicket:
    ticket = desk.service.scan(ticket_id)
    if ticket is None:
        raise Problem(404, "scan_not_found", "there is no such scan, or it ended long ago")
    return ticket


async def _stream(desk: Desk, ticket_id: str) -> AsyncIterator[str]:
    desk.listeners += 1
    changes = aiter(desk.service.scan_events(ticket_id))
    upcoming: asyncio.Future[ScanTicket | None] | None = None
    ended = False
    try:
        while not ended:
            upcoming = upcoming or asyncio.ensure_future(anext(changes, None))
            done, _ = await asyncio.wait((upcoming,), timeout=HEARTBEAT_S)
            if not done:
                yield ": still here\n\n"
                continue
            # The changes may cease while we pause, before the one that ended was told.
            ticket, last = upcoming.result() or desk.service.scan(ticket_id), upcoming.result() is None
            upcoming = None
            if ticket is None:
                return
            ended = last or ticket.state.ended
            yield f"event: {'end' if ended else 'progress'}\ndata: {json.dumps(ticket_document(ticket))}\n\n"
            await asyncio.sleep(0 if ended else PAUSE_S)
    finally:
        desk.listeners -= 1
        if upcoming is not None:
            upcoming.cancel()
            await asyncio.gather(upcoming, return_exceptions=True)
