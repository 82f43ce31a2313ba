"""Endpoints for Prometheus, probes of orchestrators, reloads."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query
from starlette.responses import JSONResponse, PlainTextResponse, Response

from scanner.domain.report_json import moment
from scanner.service.answers import Probed, Readiness, Refusal
from scanner.service.health import Health
from scanner.service.probe import Probe
from scanner.service.publication import Publication
from scanner.service.reloading import Reloading
from scanner.web.api import schemas
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.dependencies import ProbeLog, WebContext
from scanner.web.http.exposition import Exposition
from scanner.web.http.packing import takes_gzip
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute

MAX_PROBE_S = 120.0
"""Prometheus' own default is 10 s; nobody scrapes for longer than two minutes."""

PROBE_MARGIN_S = 0.5
"""Left of the scrape's time for the answer itself."""

router = APIRouter(route_class=GuardedRoute, tags=["operations"])

# ---------------------------------------------------------------- state


@router.head("/-/healthy", include_in_schema=False)
@router.get("/-/healthy", response_class=PlainTextResponse)
@needs(Scope.OPEN)
async def healthy(health: Annotated[Health, Depends(dependencies.health)]) -> Response:
    """200 as long as the process does its work."""
    return _state(health.healthy(), "archscan is healthy.", "unhealthy")


@router.head("/-/ready", include_in_schema=False)
@router.get("/-/ready", response_class=PlainTextResponse)
@needs(Scope.OPEN)
async def ready(health: Annotated[Health, Depends(dependencies.health)]) -> Response:
    """200 once there is a report to answer from."""
    state = health.ready()
    return _state(state, f"archscan is ready: {state.role}." if state.role else "archscan is ready.", "not_ready")


@router.post("/-/reload", response_class=PlainTextResponse)
@needs(Scope.OPERATE, at_leader=False)
async def reload(
    reloading: Annotated[Reloading, Depends(dependencies.reloading)],
    by: Annotated[str, Depends(dependencies.caller)],
) -> Response:
    """Read the configuration again; a bad one is refused, the one in force stays."""
    result = await asyncio.to_thread(reloading.reload, by)
    if not result.successful:
        raise Problem(422, "configuration_refused", result.detail)
    return PlainTextResponse("Reloaded.\n")


def _state(state: Readiness, words: str, reason: str) -> Response:
    if not state.ready:
        raise Problem(503, reason, state.detail, {"Retry-After": "10"})
    return PlainTextResponse(words + "\n")


# ---------------------------------------------------------------- one host

_OPENMETRICS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Families.", "content": {"application/openmetrics-text": {"schema": {"type": "string"}}}}
}


@router.get("/probe", response_class=PlainTextResponse, responses=_OPENMETRICS)
@needs(Scope.OPERATE)
async def probe(  # noqa: PLR0913, PLR0917 - what Prometheus sends, beside what answers it
    target: Annotated[str, Query(min_length=1, max_length=253)],
    one_host: Annotated[Probe, Depends(dependencies.probe)],
    context: Annotated[WebContext, Depends(dependencies.context)],
    by: Annotated[str, Depends(dependencies.caller)],
    debug: bool = False,  # noqa: FBT001, FBT002 - a query parameter
    accept: Annotated[str | None, Header()] = None,
    x_prometheus_scrape_timeout_seconds: Annotated[str | None, Header()] = None,
) -> Response:
    """Scan one inventory host now; ``debug=true`` answers with the log of it."""
    deadline_s = _deadline(x_prometheus_scrape_timeout_seconds)
    began = time.monotonic()
    probed = await _probe(one_host, target, deadline_s, by)
    duration_s = time.monotonic() - began
    success = probed.report is not None and all(host.last_success_at for host in probed.report.hosts)
    log = context.remember(target, success=success, duration_s=duration_s, lines=probed.log)
    content_type, page = context.metrics.render_probe(
        probed.report, success=success, duration_s=duration_s, accept=None if debug else accept
    )
    if not debug:
        return Response(page, media_type=content_type)
    return PlainTextResponse("\n".join((f"Probe {log.id} of {target}:", *probed.log, "", page.decode())))


_LOGS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The list; the lines of one.", "content": {"text/plain": {"schema": {"type": "string"}}}}
}


@router.get("/logs", response_model=list[schemas.ProbeLog], responses=_LOGS)
@needs(Scope.READ)
async def logs(
    context: Annotated[WebContext, Depends(dependencies.context)],
    number: Annotated[int | None, Query(alias="id", ge=1)] = None,
) -> Response:
    """The last probes; with ``id`` the log of one."""
    if number is None:
        return JSONResponse([_listed(log) for log in context.probes])
    log = next((log for log in context.probes if log.id == number), None)
    if log is None:
        raise Problem(404, "probe_not_found", f"probe {number} is not among the last ones")
    return PlainTextResponse("\n".join(log.lines) + "\n")


async def _probe(one_host: Probe, target: str, deadline_s: float, by: str) -> Probed:
    try:
        async with asyncio.timeout(deadline_s):
            probed = await one_host.scan(target, deadline_s, by)
    except TimeoutError:
        return Probed(None, (f"no answer within {deadline_s:g} s",))
    if isinstance(probed, Refusal):
        raise Problem.of(probed)
    return probed


def _deadline(header: str | None) -> float:
    if header is None:
        return MAX_PROBE_S
    try:
        seconds = float(header)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise Problem(400, "timeout_invalid", "X-Prometheus-Scrape-Timeout-Seconds is not a number of seconds")
    return max(min(seconds, MAX_PROBE_S) - PROBE_MARGIN_S, seconds / 2 if seconds < 1 else PROBE_MARGIN_S)


def _listed(log: ProbeLog) -> dict[str, Any]:
    return {
        "id": log.id,
        "target": log.target,
        "at": moment(log.at),
        "success": log.success,
        "duration_seconds": round(log.duration_s, 3),
    }


# ---------------------------------------------------------------- everything


@router.get("/metrics", response_class=PlainTextResponse, responses=_OPENMETRICS)
@needs(Scope.READ)
async def metrics(
    publication: Annotated[Publication, Depends(dependencies.publication)],
    exposition: Annotated[Exposition, Depends(dependencies.exposition)],
    accept: Annotated[str | None, Header()] = None,
    accept_encoding: Annotated[str | None, Header()] = None,
) -> Response:
    """The latest report, then archscan itself, for Prometheus; by gzip for whoever takes that, as Prometheus does.

    What is there is told at once: a thread would wait for those in which a scan works.
    """
    report, packed = publication.report(), takes_gzip(accept_encoding)
    if exposition.is_ready(report, accept, packed=packed):
        content_type, page = exposition.render(report, accept, packed=packed)
    else:
        content_type, page = await asyncio.to_thread(exposition.render, report, accept, packed=packed)
    headers = {"Vary": "Accept, Accept-Encoding"} | ({"Content-Encoding": "gzip"} if packed else {})
    return Response(page, headers=headers, media_type=content_type)
