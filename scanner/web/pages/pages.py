"""The web page: what is wrong now, on which host, how to make it right."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from scanner.domain.facts import EngineState, Failure, HostFacts
from scanner.domain.report import Finding, HostReading, Report
from scanner.domain.report_json import moment, plain
from scanner.domain.verdict.reason import Status
from scanner.web.api.filters import FindingFilter, containing
from scanner.web.api.fleet_routes import digests_of, findings_of, offered_by, reading_of
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.dependencies import Context
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute

PAGE_FINDINGS = 50
"""Findings on one page: more than anybody reads before fixing the first."""

PAGE_HOSTS = 500
"""Hosts in the table of the first page; a larger fleet is found through the search field."""

URGENT = (Status.MISMATCH, Status.BROKEN, Status.UNKNOWN, Status.DEGRADED, Status.EMULATED, Status.OK)
"""What does not start stands first, what merely could be better last."""

MEANING = {
    Status.OK: "starts natively",
    Status.EMULATED: "starts, slowly, through an emulator",
    Status.DEGRADED: "starts now; the next pull may not",
    Status.UNKNOWN: "not enough evidence",
    Status.MISMATCH: "built for another CPU, will not start",
    Status.BROKEN: "will not start, whatever the CPU",
}

SYMBOL = {
    Status.OK: "✓",
    Status.EMULATED: "≈",
    Status.DEGRADED: "▲",
    Status.UNKNOWN: "?",
    Status.MISMATCH: "✕",
    Status.BROKEN: "■",
}
"""A shape per status, because a tenth of all men do not tell red from green."""

_HERE = Path(__file__).parent
_STATIC = {"archscan.css": "text/css", "copy.js": "text/javascript", "icon.svg": "image/svg+xml"}


router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/")
@needs(Scope.READ)
def overview(
    context: Annotated[Context, Depends(dependencies.context)],
    status: Annotated[str, Query(max_length=16)] = "",
    host: Annotated[str, Query(max_length=512)] = "",
    image: Annotated[str, Query(max_length=512)] = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
) -> Response:
    """What is wrong now."""
    report = context.service.publication.report()
    if report is None:
        return _render(context, "waiting.html", None, refresh=True)
    asked = {"status": status, "host": host, "image": image}
    return _render(context, "overview.html", report, **_overview(report, asked, page))


@router.get("/hosts/{name}")
@needs(Scope.READ)
def host_page(name: str, context: Annotated[Context, Depends(dependencies.context)]) -> Response:
    """One host with what is wrong on it."""
    report = context.report()
    reading = reading_of(report, name)
    found = [finding for finding in report.findings if finding.workload.host == name]
    return _render(context, "host.html", report, host=_host(reading, found), findings=_ranked(found))


@router.get("/images")
@needs(Scope.READ)
def image_page(
    reference: Annotated[str, Query(min_length=1, max_length=512)],
    context: Annotated[Context, Depends(dependencies.context)],
) -> Response:
    """One image with the hosts that run or plan it."""
    report = context.report()
    found = findings_of(report, reference)
    return _render(
        context,
        "image.html",
        report,
        reference=reference,
        offered=offered_by(found),
        digests=digests_of(found),
        findings=_ranked(found),
    )


@router.get("/static/{name}")
@needs(Scope.OPEN)
async def static(name: str) -> Response:
    """A file of the pages' own."""
    if name not in _STATIC:
        raise Problem(404, "not_found", "there is no such file")
    return Response(_file(name), media_type=_STATIC[name], headers={"Cache-Control": "max-age=3600"})


# ---------------------------------------------------------------- what the templates get


def _overview(report: Report, asked: dict[str, str], page: int) -> dict[str, Any]:
    matching = _ranked(_wanted(asked).select(report.findings))
    if not asked["status"]:
        matching = [finding for finding in matching if finding.verdict.status is not Status.OK]
    begin = (page - 1) * PAGE_FINDINGS
    hosts = _hosts(report, asked["host"])
    return {
        "asked": asked,
        "findings": matching[begin : begin + PAGE_FINDINGS],
        "matching": len(matching),
        "page": page,
        "last_page": max(1, -(-len(matching) // PAGE_FINDINGS)),
        "troubles": sum(count for status, count in report.counts.items() if status is not Status.OK),
        "hosts": hosts[:PAGE_HOSTS],
        "more_hosts": max(len(hosts) - PAGE_HOSTS, 0),
        "silent": sum(isinstance(reading.reading, Failure) for reading in report.hosts),
    }


def _wanted(asked: dict[str, str]) -> FindingFilter:
    statuses = {str(status): status for status in Status}
    if asked["status"] and asked["status"] not in statuses:
        raise Problem(400, "filter_invalid", f"status is one of {', '.join(statuses)}")
    return FindingFilter(
        status=(statuses[asked["status"]],) if asked["status"] else (),
        host=containing(asked["host"]),
        image=containing(asked["image"]),
    )


def _ranked(findings: list[Finding]) -> list[Finding]:
    rank = {status: number for number, status in enumerate(URGENT)}
    return sorted(findings, key=lambda f: (rank[f.verdict.status], f.first_seen, f.key))


def _hosts(report: Report, words: str) -> list[dict[str, Any]]:
    wanted = FindingFilter(host=containing(words))
    found: dict[str, list[Finding]] = {}
    for finding in wanted.select(report.findings):
        found.setdefault(finding.workload.host, []).append(finding)
    hosts = [
        _host(reading, found.get(reading.name, []))
        for reading in report.hosts
        if not words or reading.name in found or words.lower() in reading.name.lower()
    ]
    return sorted(hosts, key=lambda host: (host["failure"] is None, -host["troubles"], host["name"]))


def _host(reading: HostReading, found: list[Finding]) -> dict[str, Any]:
    facts = reading.reading if isinstance(reading.reading, HostFacts) else None
    counts = {status: sum(f.verdict.status is status for f in found) for status in URGENT}
    return {
        "name": reading.name,
        "labels": reading.labels,
        "failure": reading.reading if isinstance(reading.reading, Failure) else None,
        "fix": reading.fix,
        "facts": facts,
        "kernel": plain(facts.kernel) if facts else {},
        "platform": reading.platform,
        "engines": [engine for engine in facts.engines if engine.state is not EngineState.ABSENT] if facts else [],
        "counts": {status: count for status, count in counts.items() if count},
        "workloads": len(found),
        "troubles": len(found) - counts[Status.OK],
        "last_success_at": reading.last_success_at,
    }


# ---------------------------------------------------------------- rendering


def _render(context: Context, name: str, report: Report | None, **values: Any) -> Response:
    now = context.clock()
    page = _environment().get_template(name).render(
        report=report, age=lambda seconds: age(now, seconds), **{"refresh": False} | values
    )  # fmt: skip
    return HTMLResponse(page)


def age(now: float, seconds: float | None) -> str:
    """How long ago, in the largest unit that fits; a clock ahead of ours counts as now."""
    if seconds is None:
        return "never"
    past = max(now - seconds, 0.0)
    for size, unit in ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute")):
        if past >= size:
            number = int(past // size)
            return f"{number} {unit}{'s' if number > 1 else ''}"
    return "less than a minute"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"statuses": URGENT, "meaning": MEANING, "symbol": SYMBOL, "moment": moment}
    return environment


@cache
def _file(name: str) -> bytes:
    return (_HERE / "static" / name).read_bytes()
