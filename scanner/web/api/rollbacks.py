"""Endpoints of the way back: releases, plans, confirmations, the agent's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import JSONResponse, Response

from scanner.domain.release import Release
from scanner.domain.report_json import moment
from scanner.domain.rollback_record import CONFIRM_WITHIN_S, Rollback, RollbackState, rollback_json
from scanner.service.answers import Refusal
from scanner.service.rollback.rollbacks import MAX_WAIT_S, Rollbacks
from scanner.store.error import StoreError
from scanner.web.api import record_schemas as schemas
from scanner.web.api.bodies import ConfirmRequest, EndRequest, RollbackRequest, StepRequest
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute

router = APIRouter(prefix="/api/v1", route_class=GuardedRoute, tags=["rollback"])

Known = Annotated[Rollbacks, Depends(dependencies.rollbacks)]
Caller = Annotated[str, Depends(dependencies.caller)]
StillPermitted = Annotated[Callable[[], Awaitable[bool]], Depends(dependencies.still_permitted)]


# ---------------------------------------------------------------- what is known


@router.get("/hosts/{name}/releases", response_model=schemas.Releases)
@needs(Scope.READ)
async def releases(name: str, known: Known, workload: Annotated[str, Query(max_length=512)] = "") -> Response:
    """What a host has had of its workloads by digest, whether each started on this hardware; the newest first."""
    try:
        found = await known.releases(name, workload)
    except StoreError as error:
        raise Problem(503, "store_failed", str(error), {"Retry-After": "60"}) from None
    return JSONResponse({"releases": [release_document(one) for one in found]})


@router.get("/rollbacks", response_model=schemas.Rollbacks)
@needs(Scope.READ)
async def rollbacks(known: Known) -> Response:
    """Plans with what became of them, the newest first."""
    return JSONResponse({"rollbacks": [rollback_document(one) for one in known.all()]})


@router.get("/rollbacks/{rollback_id}", response_model=schemas.Rollback)
@needs(Scope.READ)
async def rollback(rollback_id: str, known: Known) -> Response:
    """One plan with what became of it."""
    found = known.find(rollback_id)
    if found is None:
        raise Problem(404, "rollback_not_found", "there is no such rollback")
    return JSONResponse(rollback_document(found))


# ---------------------------------------------------------------- what a person asks


_DRY: dict[int | str, dict[str, Any]] = {200: {"description": "A dry run: none was made.", "model": schemas.Rollback}}


@router.post("/rollbacks", status_code=201, response_model=schemas.Rollback, responses=_DRY)
@needs(Scope.ROLLBACK)
async def plan(wanted: RollbackRequest, known: Known, by: Caller) -> Response:
    """Plan the way back; nothing is done before it is confirmed by its id, within ten minutes."""
    made = _answered(await known.plan(wanted.host, wanted.workload, wanted.to or "", by, dry_run=wanted.dry_run))
    headers = {"Location": f"/api/v1/rollbacks/{made.id}"} if made.id else {}
    return JSONResponse(rollback_document(made), 201 if made.id else 200, headers)


@router.post("/rollbacks/{rollback_id}/confirm", status_code=202, response_model=schemas.Rollback)
@needs(Scope.ROLLBACK)
async def confirm(rollback_id: str, wanted: ConfirmRequest, known: Known, by: Caller) -> Response:
    """Have the agent carry a plan out."""
    made = _answered(await known.confirm(rollback_id, by, accept_cautions=wanted.accept_cautions))
    return JSONResponse(rollback_document(made), 202)


# ---------------------------------------------------------------- what the agent asks


@router.post("/rollbacks-work", response_model=schemas.RollbackWork)
@needs(Scope.ROLLBACK_AGENT)
async def work(
    known: Known, permitted: StillPermitted, wait: Annotated[float, Query(ge=0, le=MAX_WAIT_S)] = 0.0
) -> Response:
    """What is confirmed or under way; waits so many seconds where there is nothing."""
    found = await known.work(wait)
    if not await permitted():
        raise Problem(401, "unauthenticated", "the token is in force no more")
    return JSONResponse({"rollbacks": [rollback_json(one) for one in found]})


@router.post("/rollbacks/{rollback_id}/steps", response_model=schemas.Rollback)
@needs(Scope.ROLLBACK_AGENT)
async def step(rollback_id: str, wanted: StepRequest, known: Known, by: Caller) -> Response:
    """A step stands in the trail once this is answered; only then may it be done."""
    return JSONResponse(rollback_document(_answered(await known.step(rollback_id, wanted.step, wanted.detail, by))))


@router.post("/rollbacks/{rollback_id}/verify", response_model=schemas.Verified)
@needs(Scope.ROLLBACK_AGENT)
async def verify(rollback_id: str, known: Known, by: Caller) -> Response:
    """Scan the host; whether the workload runs with the image that it was to have."""
    found = await known.verify(rollback_id, by)
    if isinstance(found, Refusal):
        raise Problem.of(found)
    runs, detail = found
    return JSONResponse({"runs": runs, "detail": detail})


@router.post("/rollbacks/{rollback_id}/end", response_model=schemas.Rollback)
@needs(Scope.ROLLBACK_AGENT)
async def end(rollback_id: str, wanted: EndRequest, known: Known, by: Caller) -> Response:
    """How it ended."""
    made = await known.end(rollback_id, RollbackState(wanted.outcome), wanted.detail, by)
    return JSONResponse(rollback_document(_answered(made)))


# ---------------------------------------------------------------- documents


def _answered(made: Rollback | Refusal) -> Rollback:
    if isinstance(made, Refusal):
        raise Problem.of(made)
    return made


def release_document(release: Release) -> dict[str, Any]:
    """A release as JSON."""
    return {
        "host": release.host,
        "source": str(release.source),
        "workload": release.workload,
        "digest": release.digest or "",
        "image": release.image,
        "image_id": release.image_id,
        "written": release.written,
        "platform": release.platform,
        "first_seen": moment(release.first_seen),
        "last_seen": moment(release.last_seen),
        "started_at": moment(release.started_at),
        "current": release.current,
    }


def rollback_document(rollback: Rollback) -> dict[str, Any]:
    """A rollback as JSON, moments as text."""
    made = rollback_json(rollback)
    for name in ("planned_at", "confirmed_at", "ended_at"):
        made[name] = moment(made[name])
    made["steps"] = [{**one, "at": moment(one["at"])} for one in made["steps"]]
    return made | {"confirm_until": moment(rollback.planned_at + CONFIRM_WITHIN_S)}
