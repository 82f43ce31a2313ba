"""The hosts: all of them in pages, each with what it executes, what runs on it, how it was."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import HTMLResponse, Response

from scanner.domain.facts import EngineState, HostFacts, Stage
from scanner.domain.failure import Failure
from scanner.domain.release import chosen
from scanner.domain.report_json import plain
from scanner.domain.verdict.reason import Status
from scanner.service.history import History
from scanner.service.rollback.rollbacks import Rollbacks
from scanner.store.error import StoreError
from scanner.web.http import dependencies
from scanner.web.http.access import Scope, needs
from scanner.web.http.problem import Problem
from scanner.web.http.route import GuardedRoute
from scanner.web.pages.fleet_index import FleetIndex, HostRow
from scanner.web.pages.image_rows import HARM
from scanner.web.pages.page_filter import PageFilter, asked
from scanner.web.pages.rendering import PageRequest, render
from scanner.web.pages.viewer import Asking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scanner.domain.facts import Engine
    from scanner.domain.release import Release
    from scanner.domain.report import Finding
    from scanner.store.findings import Architecture
    from scanner.web.http.dependencies import ProbeLog

PAGE_HOSTS = 100
"""Rows on one page."""

MAX_WORKLOADS = 300
"""Workloads in the table of one host; a host that has more shows its worst, and says so."""

MAX_CARDS = 20
"""Findings that a host's page explains at length."""

MAX_RELEASED = 100
"""Workloads whose releases a host's page shows; the rest stand behind the address that the page names."""

MAX_RELEASES = 10
"""Releases of one workload on the page: further back nobody goes in a hurry."""

router = APIRouter(route_class=GuardedRoute, include_in_schema=False, default_response_class=HTMLResponse)


@dataclass(frozen=True, slots=True)
class HostsPage:
    """One page of the hosts that fit, the worst first."""

    asked: PageFilter
    index: FleetIndex
    hosts: Sequence[HostRow]
    number: int
    last: int
    total: int

    def at(self, number: int) -> str:
        """The address of another of these pages."""
        return "/hosts" + self.asked.query(page=number if number > 1 else "")


@dataclass(frozen=True, slots=True)
class Released:
    """What a host has had of one workload, the newest first; ``more`` are not shown.

    ``way_back`` is the command that plans the return to the last other release that started on such hardware, empty
    where there is none.
    """

    workload: str
    source: str
    releases: Sequence[Release]
    more: int
    way_back: str


@dataclass(frozen=True, slots=True)
class HostView:
    """One host with everything that is known of it.

    ``platforms`` are its changes of platform, the newest first; they and ``released`` are ``None`` where the store cannot
    be read.
    """

    host: HostRow
    facts: HostFacts | None
    kernel: Mapping[str, Any]
    engines: Sequence[Engine]
    platforms: Sequence[Architecture] | None
    probes: Sequence[ProbeLog]
    released: Sequence[Released] | None = ()

    @property
    def troubles(self) -> Sequence[Finding]:
        """What is not ok, as far as it is explained here."""
        return [f for f in self.host.findings if f.verdict.status is not Status.OK][:MAX_CARDS]

    @property
    def more_troubles(self) -> int:
        """How many further ones only the table has."""
        return sum(f.verdict.status is not Status.OK for f in self.host.findings) - len(self.troubles)

    @property
    def running(self) -> Sequence[Finding]:
        """What is there, as far as the table goes."""
        return [f for f in self.host.findings if f.workload.stage is not Stage.PLANNED][:MAX_WORKLOADS]

    @property
    def planned(self) -> Sequence[Finding]:
        """What shall be there, as far as the table goes."""
        return [f for f in self.host.findings if f.workload.stage is Stage.PLANNED][:MAX_WORKLOADS]

    @property
    def released_here(self) -> Sequence[Released]:
        """The workloads whose releases are shown."""
        return (self.released or ())[:MAX_RELEASED]

    @property
    def left_out(self) -> int:
        """How many workloads no table shows."""
        return len(self.host.findings) - len(self.running) - len(self.planned)


@router.get("/hosts")
@needs(Scope.READ)
async def hosts(  # noqa: PLR0913, PLR0917 - the parts of one address
    asking: Asking,
    wanted: Annotated[PageFilter, Depends(asked)],
    history: Annotated[History, Depends(dependencies.history)],
    rollbacks: Annotated[Rollbacks, Depends(dependencies.rollbacks)],
    name: Annotated[str, Query(max_length=512)] = "",
    page: Annotated[int, Query(ge=1, le=100_000)] = 1,
    cell: Annotated[int | None, Query(ge=0, le=10_000_000)] = None,
) -> Response:
    """All hosts, the worst first; ``name`` is one whose name no path can hold, ``cell`` the place in the picture."""
    if cell is not None:
        name = await asyncio.to_thread(_in_cell, asking, wanted, cell)
    if name:
        return await _one(asking, name, history, rollbacks)
    return await asyncio.to_thread(_all, asking, wanted, page)


@router.get("/hosts/{name:path}")
@needs(Scope.READ)
async def host(
    name: str,
    asking: Asking,
    history: Annotated[History, Depends(dependencies.history)],
    rollbacks: Annotated[Rollbacks, Depends(dependencies.rollbacks)],
) -> Response:
    """One host."""
    return await _one(asking, name, history, rollbacks)


def _all(asking: PageRequest, wanted: PageFilter, number: int) -> Response:
    return render(asking, "hosts.html", hosts_page(asking.index, wanted, number))


async def _one(asking: PageRequest, name: str, history: History, rollbacks: Rollbacks) -> Response:
    row = await asyncio.to_thread(lambda: asking.index.row_of.get(name))
    if row is None:
        raise Problem(404, "host_not_found", "the latest report has no host of this name")
    probes = [log for log in asking.context.probes if log.target == name]
    page = host_page(row, await history.platform_changes(name), probes, await _releases(rollbacks, row))
    return await asyncio.to_thread(render, asking, "host.html", page)


async def _releases(rollbacks: Rollbacks, row: HostRow) -> Sequence[Released] | None:
    try:
        return released(await rollbacks.releases(row.name), row.name, row.platform)
    except StoreError:
        return None


def released(releases: Sequence[Release], host: str, platform: str) -> Sequence[Released]:
    """The releases of a host by workload; those that have a way back stand first."""
    found: dict[tuple[str, str], list[Release]] = {}
    for one in releases:
        found.setdefault((one.workload, str(one.source)), []).append(one)
    made = [
        Released(workload, source, some[:MAX_RELEASES], len(some[MAX_RELEASES:]), _way_back(some, host, platform))
        for (workload, source), some in found.items()
    ]
    return sorted(made, key=lambda one: (not one.way_back, one.workload, one.source))


def _way_back(releases: Sequence[Release], host: str, platform: str) -> str:
    current = next((one.image_id for one in releases if one.current), "")
    if not current or chosen(releases, "", current, platform) is None:
        return ""
    names = [host, releases[0].workload]
    ends_options = ["--"] if any(name.startswith("-") for name in names) else []
    return shlex.join(["archscan", "rollback", *ends_options, *names])


def _in_cell(asking: PageRequest, wanted: PageFilter, cell: int) -> str:
    """The host at a place of the picture's band of the platform that was asked for."""
    band = [row for row in asking.index.hosts(wanted.without("platform")) if row.platform == wanted.platform]
    ordered = sorted(band, key=lambda row: row.cell.rank)
    if cell >= len(ordered):
        raise Problem(404, "host_not_found", "the picture has changed: load the page again")
    return ordered[cell].name


def hosts_page(index: FleetIndex, wanted: PageFilter, number: int) -> HostsPage:
    """One page of the hosts that fit."""
    found = sorted(index.hosts(wanted), key=_urgency)
    last = max(1, -(-len(found) // PAGE_HOSTS))
    number = min(number, last)
    begin = (number - 1) * PAGE_HOSTS
    return HostsPage(wanted, index, found[begin : begin + PAGE_HOSTS], number, last, len(found))


def host_page(
    row: HostRow,
    platforms: Sequence[Architecture] | None,
    probes: Sequence[ProbeLog],
    released: Sequence[Released] | None = (),
) -> HostView:
    """The page of one host."""
    reading = row.reading.reading
    if isinstance(reading, Failure):
        return HostView(row, None, {}, (), platforms, probes, released)
    there = [engine for engine in reading.engines if engine.state is not EngineState.ABSENT]
    return HostView(row, reading, plain(reading.kernel), there, platforms, probes, released)


def _urgency(row: HostRow) -> tuple[bool, int, int, str]:
    harm = len(HARM) if row.worst is None else HARM[row.worst]
    troubles = sum(count for status, count in row.counts.items() if status is not Status.OK)
    return (row.failure is None, harm, -troubles, row.name)
