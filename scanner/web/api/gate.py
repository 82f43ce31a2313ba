"""Endpoints that judge before something is deployed."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header
from starlette.responses import JSONResponse, PlainTextResponse, Response

from scanner.domain.decision import Decision
from scanner.domain.facts import Process
from scanner.domain.plan import Plan
from scanner.domain.platform import platform
from scanner.domain.report import Report
from scanner.domain.report_json import moment
from scanner.domain.verdict import error_phrases
from scanner.domain.verdict.explanation import Explanation, explained
from scanner.domain.verdict.reason import Status
from scanner.domain.waiver import Waiver
from scanner.scan.aside import aside
from scanner.service import check_document
from scanner.service.answers import Checked, Refusal
from scanner.service.gate.gate import Gate
from scanner.service.gate.question import Destination, named_image
from scanner.service.publication import Publication
from scanner.service.waivers import Waivers
from scanner.web.api import schemas
from scanner.web.api.bodies import CheckRequest, ExplainRequest, ImageRequest, WaiverRequest
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.dependencies import WebContext
from scanner.web.http.exposition import Exposition
from scanner.web.http.problem import Problem, accepted, prefers_text
from scanner.web.http.route import GuardedRoute

DECIDED = {Decision.ALLOW: 200, Decision.WARN: 200, Decision.DENY: 409, Decision.HOLD: 503}
"""A pipeline that runs ``curl --fail`` goes on only where the answer is allow or warn."""

HOLD_S = 60.0
"""When to ask again after a hold: by then the registry, the host or the next scan may have answered."""


router = APIRouter(prefix="/api/v1", route_class=GuardedRoute, tags=["gate"])


_PINS = {"text/plain": {"schema": {"type": "string"}}}
_DECISIONS: dict[int | str, dict[str, Any]] = {
    200: {"description": "Allow or warn: all of it may go.", "content": _PINS},
    409: {"description": "Deny: something of it will not start.", "model": schemas.Checked, "content": _PINS},
    503: {"description": "Hold: not enough is known.", "model": schemas.Checked, "content": _PINS},
}


@router.post("/check", response_model=schemas.Checked, responses=_DECISIONS)
@needs(Scope.GATE)
async def check(
    question: CheckRequest,
    gate: Annotated[Gate, Depends(dependencies.gate)],
    exposition: Annotated[Exposition, Depends(dependencies.exposition)],
    by: Annotated[str, Depends(dependencies.caller)],
    accept: Annotated[str | None, Header()] = None,
) -> Response:
    """May these images, or what these files plan, go there: allow or warn 200, deny 409, hold 503.

    Whoever accepts ``text/plain`` gets the references by digest, one a line, or why not; nothing where one has no digest.
    """
    images = tuple(_planned(one) for one in question.images)
    destination = Destination(question.hosts, tuple(map(_platform, question.destinations)))
    files = {path: text.encode() for path, text in question.files.items()}
    checked = await gate.ask_files(images, files, destination, by)
    if isinstance(checked, Refusal):
        problem = Problem.of(checked, decision=str(Decision.HOLD))
        exposition.gate_decided(Decision.HOLD)
        raise problem
    return await _decided(exposition, checked, is_text=prefers_text(accept or ""))


@router.post("/explain", response_model=schemas.Explanations)
@needs(Scope.READ)
async def explain(excerpt: ExplainRequest) -> Response:
    """What a log excerpt or error message says about a program that does not start.

    ``instead`` is there where it says nothing of that kind, but is known to be about something else.
    """
    return JSONResponse(await asyncio.to_thread(_explained, excerpt.text))


@router.get("/waivers", response_model=schemas.Waivers)
@needs(Scope.READ)
async def waivers(known: Annotated[Waivers, Depends(dependencies.waivers)]) -> Response:
    """Who answers for what, until when."""
    return JSONResponse({"waivers": [waiver_document(waiver) for waiver in await known.in_force()]})


@router.post("/waivers", status_code=201, response_model=schemas.AddedWaiver)
@needs(Scope.OPERATE)
async def add_waiver(
    wanted: WaiverRequest,
    known: Annotated[Waivers, Depends(dependencies.waivers)],
    publication: Annotated[Publication, Depends(dependencies.publication)],
    context: Annotated[WebContext, Depends(dependencies.context)],
    by: Annotated[str, Depends(dependencies.caller)],
) -> Response:
    """Answer for findings until a moment.

    ``covered`` is how many of the latest report, ``ok`` ones left out, it is for: a pattern that fits nothing may be meant
    otherwise. It is null as long as there is no report.
    """
    waiver = wanted.waiver
    if waiver.until <= context.clock():
        raise Problem(400, "waiver_invalid", "until is in the past")
    added = await known.add(waiver, by)
    if isinstance(added, Refusal):
        raise Problem.of(added)
    report = publication.report()
    covered = await asyncio.to_thread(_covered, added, report) if report else None
    return JSONResponse(waiver_document(added) | {"covered": covered}, 201, {"Location": f"/api/v1/waivers/{added.id}"})


@router.delete("/waivers/{waiver_id}", status_code=204)
@needs(Scope.OPERATE)
async def delete_waiver(
    waiver_id: str,
    known: Annotated[Waivers, Depends(dependencies.waivers)],
    by: Annotated[str, Depends(dependencies.caller)],
) -> Response:
    """End a waiver that was made here."""
    deleted = await known.delete(waiver_id, by)
    if isinstance(deleted, Refusal):
        raise Problem.of(deleted)
    if not deleted:
        raise Problem(404, "waiver_not_found", "there is no such waiver")
    return Response(status_code=204)


async def _decided(exposition: Exposition, checked: Checked, *, is_text: bool) -> Response:
    decision = checked.decision if checked.decision in DECIDED else Decision.HOLD
    exposition.gate_decided(decision)
    if any(ruling.override for ruling in checked.rulings):
        exposition.gate_overridden()
    headers = {"Retry-After": str(round(HOLD_S))} if decision is Decision.HOLD else {}
    if is_text:
        return PlainTextResponse(check_document.text(checked), DECIDED[decision], headers)
    return await aside(  # 64 images are long to write, so are all hosts of a fleet
        checked.report.size,
        lambda: JSONResponse(
            check_document.document(checked) | {"decision": str(decision)}, DECIDED[decision], headers
        ),
    )


def _planned(one: str | ImageRequest) -> Plan:
    """An image as a plan, with what is said beside it."""
    accepted(named_image(one if isinstance(one, str) else one.image))
    if isinstance(one, str):
        return Plan(one)
    said = Process(entrypoint=one.entrypoint, cmd=one.command)
    process = None if one.entrypoint is None and one.command is None else said
    pinned = None if one.platform is None else _platform(one.platform)
    return Plan(one.image, one.workload, pinned=pinned, process=process)


def _platform(text: str) -> platform.Platform:
    try:
        return platform.parse(text)
    except ValueError as error:
        raise Problem(400, "platform_invalid", str(error)) from None


def _explained(text: str) -> dict[str, Any]:
    found = explained(text)
    about = error_phrases.instead(text) if not found else ""
    answer: dict[str, Any] = {"explanations": [_explanation(explanation) for explanation in found]}
    return answer | ({"instead": about} if about else {})


def _explanation(explanation: Explanation) -> dict[str, Any]:
    fix = explanation.fix
    return {
        "reason": str(explanation.reason),
        "status": str(explanation.status),
        "phrase": explanation.phrase,
        "cause": explanation.cause,
        "said_by": explanation.said_by,
        "confirm": list(explanation.confirm),
        "fix": {"summary": fix.summary, "commands": list(fix.commands)},
    }


def _covered(waiver: Waiver, report: Report) -> int:
    return sum(found.verdict.status is not Status.OK and waiver.covers(found) for found in report.findings)


def waiver_document(waiver: Waiver) -> dict[str, Any]:
    """A waiver as JSON."""
    return {
        "id": waiver.id,
        "owner": waiver.owner,
        "reason": waiver.reason,
        "until": moment(waiver.until),
        "host": waiver.host,
        "image": waiver.image,
        "workload": waiver.workload,
        "finding_reason": waiver.finding_reason,
        "origin": str(waiver.origin),
    }
