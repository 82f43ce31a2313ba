"""The pages for people: one router of all of them, beside the files that they load."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from scanner.web.http.access import Scope, needs
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute
from scanner.web.pages import (
    check_page,
    decoder_page,
    findings_page,
    fleet_page,
    host_pages,
    image_pages,
    other_tags,
    readiness_page,
    rollback_page,
    scanner_page,
    sign_in,
    trail_page,
)

STATIC = {
    "archscan.css": "text/css",
    "archscan.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

_HERE = Path(__file__).parent

files = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@files.get("/static/{name}")
@needs(Scope.OPEN)
async def static(name: str) -> Response:
    """A file of the pages' own."""
    if name not in STATIC:
        raise Problem(404, "not_found", "there is no such file")
    return Response(_file(name), media_type=STATIC[name], headers={"Cache-Control": "max-age=3600"})


ROUTERS = (
    files,
    fleet_page.router,
    findings_page.router,
    host_pages.router,
    image_pages.router,
    other_tags.router,
    check_page.router,
    decoder_page.router,
    readiness_page.router,
    rollback_page.router,
    trail_page.router,
    scanner_page.router,
    sign_in.router,
)
"""In the order in which addresses are compared."""


@cache
def _file(name: str) -> bytes:
    return (_HERE / "static" / name).read_bytes()
