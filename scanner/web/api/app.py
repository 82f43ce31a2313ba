"""The application: routes, access, errors put together."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cache
from http import HTTPStatus

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from scanner.service.service import Service
from scanner.web.api import (
    admission,
    fleet_routes,
    gate,
    moves,
    operations,
    overrides,
    pushing,
    rollbacks,
    scanning,
    trail_log,
)
from scanner.web.api.description import describe
from scanner.web.http.access import Access
from scanner.web.http.dependencies import WebContext
from scanner.web.http.exposition import Exposition
from scanner.web.http.idempotency import Idempotency
from scanner.web.http.leader import Leader
from scanner.web.http.limits import LimitsMiddleware
from scanner.web.http.malformed import malformed
from scanner.web.http.problem import Problem
from scanner.web.http.session import Sessions
from scanner.web.pages import pages, problem_page
from scanner.web.pages.fleet_index import LatestIndex
from scanner.web.pages.rendering import load_templates

_REASONS = {404: "not_found", 405: "method_not_allowed", 400: "malformed"}


def create_app(  # noqa: PLR0913 - what a web application is made of
    service: Service,
    metrics: Exposition,
    access: Access,
    *,
    version: str = "",
    clock: Callable[[], float] = time.time,
    routers: Iterable[APIRouter] = (),
    leader: Leader | None = None,
) -> FastAPI:
    """The application; ``routers`` are further ones, made of ``GuardedRoute``. ``leader`` knows who of several leads."""
    app = FastAPI(
        title="archscan",
        version=version or "0",
        summary="Finds every container in a fleet that cannot start because its image was built for another CPU.",
        openapi_url=None,  # its route is one of ours, with a scope
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # what generated clients call an operation
        redirect_slashes=False,  # a redirect would be built from the Host header
    )
    app.state.access = access
    app.state.leader = leader
    app.state.context = WebContext(service, metrics, clock)
    app.state.sessions = Sessions(clock)
    app.state.latest_index = LatestIndex()
    app.state.idempotency = Idempotency(clock)
    own = (operations, fleet_routes, moves, scanning, gate, overrides, admission, pushing, rollbacks, trail_log)
    api = tuple(module.router for module in own)
    described = (*api, *routers)
    app.state.description = cache(lambda: describe(app, described))
    every = (gate.router, *(each for each in (*api, *pages.ROUTERS, *routers) if each is not gate.router))  # asked most
    app.state.routes = tuple(route for router in every for route in router.routes if isinstance(route, APIRoute))
    for router in every:
        app.include_router(router)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_middleware(LimitsMiddleware, metrics=metrics)
    return app


def prepare(app: FastAPI) -> None:
    """Have everything made of the routes that FastAPI makes at the first request, and of the templates.

    A quarter of a second of a processor in the loop, in which nobody is told the service's health.
    """
    nowhere = {"type": "http", "method": "GET", "path": "/-/nowhere", "root_path": "", "headers": []}
    for route in app.router.routes:
        route.matches(nowhere)
    load_templates()


def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for this type
    return problem_page.answer(request, error)


def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type
    reason = _REASONS.get(error.status_code, "http_error")
    is_nowhere = error.status_code == HTTPStatus.NOT_FOUND
    detail = "there is nothing at this address" if is_nowhere else str(error.detail)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_at(request))
        detail = f"this address takes {headers['Allow']}, not {request.method}"
    return problem_page.answer(request, Problem(error.status_code, reason, detail, headers))


def _methods_at(request: Request) -> list[str]:
    """All that an address takes; a router only tells those of its first route (RFC 9110, 10.2.1)."""
    found = [route for route in request.app.state.routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in found for method in route.methods})


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type
    content_type = request.headers.get("content-type", "")
    return problem_page.answer(request, malformed(error.errors(), error.body, content_type))
