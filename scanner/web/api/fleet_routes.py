"""Endpoints that read the published report."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from scanner.domain.host import Host
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.report_json import (
    SCHEMA,
    brief_document,
    finding_document,
    head_document,
    host_document,
    rows_of,
    scan_document,
    summary_document,
)
from scanner.formats.documents import json_writer
from scanner.service.publication import Publication
from scanner.service.reloading import Reloading
from scanner.web.api import schemas
from scanner.web.api.filters import FindingFilter, HostQuery, cursor_at
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.dependencies import WebContext
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute
from scanner.web.http.rows_json import RowsJSONResponse

router = APIRouter(prefix="/api/v1", route_class=GuardedRoute, tags=["fleet"])
"""Its endpoints run in threads, because a fleet's JSON takes seconds to make."""


@router.get("/openapi.json", include_in_schema=False)
@needs(Scope.READ)
def openapi(request: Request) -> Response:
    """The description of the API."""
    return JSONResponse(request.app.state.description())


@router.get("/report", response_model=schemas.Report)
@needs(Scope.READ)
def report(context: Annotated[WebContext, Depends(dependencies.context)]) -> Response:
    """The whole latest report, as ``archscan scan --format json`` prints it; written as it is read."""
    latest = context.report()
    return StreamingResponse(
        json_writer.pieces(head_document(latest), rows_of(latest)), media_type=JSONResponse.media_type
    )


@router.get("/hosts", response_model=schemas.HostPage)
@needs(Scope.READ)
def hosts(
    wanted: Annotated[HostQuery, Query()], context: Annotated[WebContext, Depends(dependencies.context)]
) -> Response:
    """Hosts of the latest report by name, without their facts; ``total`` counts all of them."""
    latest = context.report()
    begin = bisect_right(latest.names, wanted.cursor) if wanted.cursor else 0
    shown = latest.names[begin : begin + wanted.limit]
    return RowsJSONResponse(
        {
            "schema": SCHEMA,
            "scan": scan_document(latest),
            "total": len(latest.names),
            "next_cursor": shown[-1] if begin + wanted.limit < len(latest.names) else None,
            "hosts": [brief_document(latest.readings[name]) for name in shown],
        }
    )


@router.get("/hosts/{name}", response_model=schemas.HostWithFindings)
@needs(Scope.READ)
def host(name: str, context: Annotated[WebContext, Depends(dependencies.context)]) -> Response:
    """One host: facts, findings."""
    latest = context.report()
    reading = reading_of(latest, name)
    found = latest.by_host.get(name, ())
    return RowsJSONResponse(host_document(reading) | {"findings": _documents(latest, found)})


@router.get("/findings", response_model=schemas.FindingPage)
@needs(Scope.READ)
def findings(
    wanted: Annotated[FindingFilter, Query()], context: Annotated[WebContext, Depends(dependencies.context)]
) -> Response:
    """Judged workloads that match, ``ok`` ones included; ``total`` counts them all.

    A pattern that fits nothing has no findings; a ``host`` by its name, without a pattern's ``*?[``, must be one of the
    report's: nothing found on a host that nobody knows would read like good news.
    """
    latest = context.report()
    if wanted.names_host:
        reading_of(latest, wanted.host)
    found = wanted.select(latest.findings)
    begin = wanted.begin(found)
    end = begin + wanted.limit
    return RowsJSONResponse(
        {
            "schema": SCHEMA,
            "scan": scan_document(latest),
            "summary": summary_document(latest),
            "total": len(found),
            "next_offset": end if end < len(found) else None,
            "next_cursor": cursor_at(found, end),
            "findings": _documents(latest, found[begin:end]),
        }
    )


@router.get("/images/{reference:path}", response_model=schemas.ImageInFleet)
@needs(Scope.READ)
def image(reference: str, context: Annotated[WebContext, Depends(dependencies.context)]) -> Response:
    """Who runs or plans an image as written, what it offers, the verdict of each host."""
    latest = context.report()
    found = findings_of(latest, reference)
    return RowsJSONResponse(
        {
            "reference": reference,
            "offered": offered_by(found),
            "digests": digests_of(found),
            "findings": _documents(latest, found),
        }
    )


@router.get("/sd/prometheus", response_model=list[schemas.Target])
@needs(Scope.READ)
def discovery(
    publication: Annotated[Publication, Depends(dependencies.publication)],
    reloading: Annotated[Reloading, Depends(dependencies.reloading)],
) -> Response:
    """The inventory for http_sd_config; targets are host names, made for ``/probe``."""
    latest = publication.report()
    read = latest.readings if latest else {}
    return RowsJSONResponse([_target(host, read.get(host.name)) for host in reloading.hosts()])


def reading_of(report: Report, name: str) -> HostReading:
    """The host of this name.

    Raises:
        Problem: 404, not in the latest report.
    """
    reading = report.readings.get(name)
    if reading is None:
        raise Problem(404, "host_not_found", "the latest report has no host of this name")
    return reading


def findings_of(report: Report, reference: str) -> list[Finding]:
    """The findings of this image as written.

    Raises:
        Problem: 404, no workload has it.
    """
    found = [finding for finding in report.findings if finding.workload.image == reference]
    if not found:
        raise Problem(404, "image_not_found", "no workload of the latest report has this image, written like this")
    return found


def offered_by(findings: list[Finding]) -> list[str]:
    """The platforms that an image was found to offer, each once."""
    return list(dict.fromkeys(str(platform) for finding in findings for platform in finding.verdict.offered))


def digests_of(findings: list[Finding]) -> list[str]:
    """The digests that an image was found to have, each once."""
    return list(dict.fromkeys(finding.verdict.digest for finding in findings if finding.verdict.digest))


def _documents(report: Report, findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [finding_document(finding, report.finished_at) for finding in findings]


def _target(host: Host, reading: HostReading | None) -> dict[str, Any]:
    labels = {f"__meta_archscan_label_{name}": value for name, value in host.labels.items()}
    labels["__meta_archscan_address"] = host.address
    if reading is not None and reading.platform is not None:
        labels["__meta_archscan_platform"] = str(reading.platform)
    return {"targets": [host.name], "labels": labels}
