"""The scanner itself: what it does now, what it did, what it could not do, who may ask it, for what somebody answers."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Query
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from scanner.domain.failure import Failure
from scanner.domain.override import Override
from scanner.domain.verdict.reason import Status, leaves_incomplete
from scanner.domain.waiver import Waiver
from scanner.formats import wrong_values
from scanner.service.answers import Refusal, RefusalReason
from scanner.service.gate.overrides import Overrides
from scanner.service.history import History, PastScan
from scanner.service.reloading import Reloading
from scanner.service.scan_queue import ScanRequest
from scanner.service.scans import Scans
from scanner.service.waivers import Waivers
from scanner.web.api.bodies import OverrideRequest, WaiverRequest
from scanner.web.http import dependencies
from scanner.web.http.access import Access, Scope, Token, needs
from scanner.web.http.exposition import Exposition
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute
from scanner.web.http.session import form_of
from scanner.web.http.trusted_proxy import TrustedProxy
from scanner.web.pages.page_filter import registry_of
from scanner.web.pages.rendering import latest_of, render
from scanner.web.pages.viewer import Asking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.domain.verdict.reason import Reason
    from scanner.web.http.dependencies import ProbeLog
    from scanner.web.pages.fleet_index import FleetIndex

LAST_SCANS = 20
"""Rows of the table of scans."""

_AnsweringT = TypeVar("_AnsweringT", OverrideRequest, WaiverRequest)

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class RegistryRow:
    """A registry with its images, how many workloads' images are not known for which reason, and its limit.

    ``left`` is what it last said is left of its limit, ``None`` where it never did; ``left_at`` is when (Unix seconds).
    """

    name: str
    images: int
    failing: Mapping[Reason, int]
    left: int | None = None
    left_at: float | None = None


@dataclass(frozen=True, slots=True)
class ScannerPage:
    """``scan`` is the one that was asked for; ``configuration`` is as in force, its secrets veiled."""

    scan: ScanRequest | None
    scans: Sequence[PastScan]
    index: FleetIndex | None
    unread: Mapping[Reason, int]
    registries: Sequence[RegistryRow]
    waivers: Sequence[Waiver]
    overrides: Sequence[Override]
    tokens: Sequence[Token]
    proxy: TrustedProxy | None
    probes: Sequence[ProbeLog]
    configuration: str
    store_error: str
    hosts: int
    version: str


@router.get("/scanner")
@needs(Scope.READ)
async def scanner(  # noqa: PLR0913, PLR0917 - what the page shows
    request: Request,
    asking: Asking,
    history: Annotated[History, Depends(dependencies.history)],
    scans: Annotated[Scans, Depends(dependencies.scans)],
    known: Annotated[Waivers, Depends(dependencies.waivers)],
    gate_overrides: Annotated[Overrides, Depends(dependencies.overrides)],
    reloading: Annotated[Reloading, Depends(dependencies.reloading)],
    exposition: Annotated[Exposition, Depends(dependencies.exposition)],
    access: Annotated[Access, Depends(dependencies.access)],
    scan: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """How the scanner does; ``scan`` follows one that was asked for."""
    asked = scans.find(scan) if scan else None
    report = asking.report
    index = latest_of(request).of(report) if report else None
    past = await history.scans(LAST_SCANS)
    waivers, overrides = await known.in_force(), await gate_overrides.in_force()

    def page() -> ScannerPage:
        return ScannerPage(
            scan=asked,
            scans=past,
            index=index,
            unread=_unread(index),
            registries=_registries(index, exposition.registry_limits()),
            waivers=waivers,
            overrides=overrides,
            tokens=access.tokens,
            proxy=access.proxy,
            probes=list(asking.context.probes),
            configuration=veiled(reloading.settings.model_dump(mode="json")),
            store_error=asking.context.service.publication.store_error,
            hosts=len(reloading.hosts()),
            version=str(request.app.version),
        )

    goes_on = asked is not None and not asked.state.ended
    return await asyncio.to_thread(lambda: render(asking, "scanner.html", page(), refresh_s=5 if goes_on else 0))


@router.post("/scanner/scans")
@needs(Scope.OPERATE)
async def scan_now(request: Request, asking: Asking, scans: Annotated[Scans, Depends(dependencies.scans)]) -> Response:
    """Scan now, all hosts or those named, then watch."""
    words = dict(await form_of(request)).get("hosts", "")
    asked = await scans.request(tuple(words.replace(",", " ").split()), asking.viewer.name)
    if isinstance(asked, Refusal):
        raise Problem.of(asked)
    return RedirectResponse(f"/scanner?scan={asked.id}#scan", 303)


@router.post("/scanner/waivers")
@needs(Scope.OPERATE)
async def answer_for(
    request: Request, asking: Asking, known: Annotated[Waivers, Depends(dependencies.waivers)]
) -> Response:
    """Answer for findings until a day."""
    wanted = _asked(WaiverRequest, await form_of(request), RefusalReason.WAIVER_INVALID, asking.now)
    if isinstance(added := await known.add(wanted.waiver, asking.viewer.name), Refusal):
        raise Problem.of(added)
    return RedirectResponse("/scanner#waivers", 303)


@router.post("/scanner/waivers/{waiver_id}/end")
@needs(Scope.OPERATE)
async def end_waiver(
    waiver_id: str, asking: Asking, known: Annotated[Waivers, Depends(dependencies.waivers)]
) -> Response:
    """Answer for them no more."""
    if isinstance(ended := await known.delete(waiver_id, asking.viewer.name), Refusal):
        raise Problem.of(ended)
    if not ended:
        raise Problem(404, "waiver_not_found", "there is no such waiver, or the configuration has it")
    return RedirectResponse("/scanner#waivers", 303)


@router.post("/scanner/overrides")
@needs(Scope.OPERATE)
async def let_through(
    request: Request, asking: Asking, known: Annotated[Overrides, Depends(dependencies.overrides)]
) -> Response:
    """Answer for a deployment against the gate until a day."""
    wanted = _asked(OverrideRequest, await form_of(request), RefusalReason.OVERRIDE_INVALID, asking.now)
    made = Override("", wanted.owner, wanted.reason, wanted.until.timestamp(), wanted.image, wanted.host)
    if isinstance(added := await known.add(made, asking.viewer.name), Refusal):
        raise Problem.of(added)
    return RedirectResponse("/scanner#overrides", 303)


@router.post("/scanner/overrides/{override_id}/end")
@needs(Scope.OPERATE)
async def end_override(
    override_id: str, asking: Asking, known: Annotated[Overrides, Depends(dependencies.overrides)]
) -> Response:
    """Answer for it no more."""
    if isinstance(ended := await known.delete(override_id, asking.viewer.name), Refusal):
        raise Problem.of(ended)
    if not ended:
        raise Problem(404, "override_not_found", "there is no such override")
    return RedirectResponse("/scanner#overrides", 303)


def _asked(body: type[_AnsweringT], form: Sequence[tuple[str, str]], invalid: RefusalReason, now: float) -> _AnsweringT:
    """The fields of a form as a request of the API, until the end of a day."""
    fields = {name: value for name, value in form if value.strip()}
    try:
        day = datetime.strptime(fields.get("until", ""), "%Y-%m-%d").replace(tzinfo=UTC, hour=23, minute=59, second=59)
    except ValueError:
        raise Problem(400, invalid, "until is a day, such as 2027-01-31") from None
    named = {name: value for name, value in fields.items() if name in body.model_fields}
    try:
        wanted = body.model_validate({**named, "until": day})
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        said = wrong_values.words(first)
        raise Problem(400, invalid, f"{where}: {said}" if where else said) from None
    if wanted.until.timestamp() <= now:
        raise Problem(400, invalid, "until is in the past")
    return wanted


def _unread(index: FleetIndex | None) -> Mapping[Reason, int]:
    rows = index.rows if index else ()
    readings = (row.reading.reading for row in rows)
    return dict(Counter(reading.reason for reading in readings if isinstance(reading, Failure)).most_common())


def _registries(index: FleetIndex | None, left: Mapping[str, tuple[int, float]]) -> Sequence[RegistryRow]:
    """Each registry that has images or said how much is left, those that trouble us first."""
    images = Counter(dict.fromkeys(left, 0))
    failing: dict[str, Counter[Reason]] = {}
    for row in index.images if index else ():
        name = registry_of(row.image)
        images[name] += 1
        for one, found in row.parts.items():
            if one.status is Status.UNKNOWN and one.reason.startswith("image_") and leaves_incomplete(one.reason):
                failing.setdefault(name, Counter())[one.reason] += len(found)
    rows = [
        RegistryRow(name, count, dict(failing.get(name, Counter())), *left.get(name, (None, None)))
        for name, count in images.items()
        if name
    ]
    return sorted(rows, key=lambda row: (-sum(row.failing.values()), -row.images, row.name))


_SECRET = ("password", "passphrase", "token", "secret", "proxy", "url", "sha256")
"""Parts of the names of settings whose values are never shown; what names a file is no secret."""

VEIL = "********"


def veiled(settings: Any) -> str:
    """The settings as JSON, without what could be a secret."""
    return json.dumps(_veiled(settings), indent=2, ensure_ascii=False)


def _veiled(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _veiled(inner, str(key)) for key, inner in value.items() if inner not in (None, [], {})}
    if isinstance(value, list):
        return [_veiled(inner, name) for inner in value]
    is_secret = any(part in name.lower() for part in _SECRET) and not name.endswith("_file")
    return VEIL if is_secret and isinstance(value, str) else value
