"""The dashboard of one image: what it offers, where it fails, who is hit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import expressions as q
from grafana import frame, links
from grafana.findings import findings_table
from grafana.frame import Section, line
from grafana.panels import (
    NO_FINDINGS,
    Query,
    bars,
    column,
    from_one,
    grid,
    number,
    reason_bars,
    status_numbers,
    status_trend,
)
from grafana.status import BAD, COLOUR, NEUTRAL, nothing, words
from scanner.domain.verdict.reason import Status

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

_ONE = q.image_named()
_WILL_NOT_START = f'archscan_finding{{{_ONE}, status=~"mismatch|broken"}}'
_FINE = "None: no workload of this image has a finding"


def image(archscan: str) -> Dashboard:
    """The dashboard; ``archscan`` is the address of archscan's web page as browsers reach it."""
    return frame.dashboard(
        links.IMAGE,
        "archscan / Image",
        "One image with findings: which platforms it offers, on which hosts it will not start, why, since when.",
        variables=(
            frame.datasource(),
            frame.page_address(archscan),
            frame.job(),
            frame.of_findings("reason", "Reason"),
            frame.one_of("image", "Image", 'label_values(archscan_finding{job=~"$job", reason=~"$reason"}, image)'),
        ),
        annotations=(frame.scans(enable=False), frame.reloads()),
        sections=(_glance(), _trouble(), _over_time()),
    )


def _glance() -> Section:
    statuses = status_numbers(
        "Workloads with findings",
        "Workloads of this image that are not ok; those that are have no series of their own.",
        lambda status: f'count (archscan_finding{{{_ONE}, status="{status}"}})',
    )
    hosts = number(
        "Hosts on which it will not start",
        "How far one bad image reaches.",
        Query(q.or_zero(f"count (count by (host) ({_WILL_NOT_START}))")),
        thresholds=from_one(BAD),
    )
    since = number(
        "First seen",
        "The oldest of its findings.",
        Query(f"min (archscan_finding_first_seen_timestamp_seconds{{{_ONE}}}) * 1000"),
        unit="dateTimeFromNow",
        empty=NO_FINDINGS,
    )
    return Section("At a glance", (line(5, (14, statuses), (5, hosts), (5, since)),))


def _trouble() -> Section:
    offered = [*words({"1": ("offered", COLOUR[Status.OK])}), nothing("not offered")]
    platforms = grid(
        "Platforms: offered by the image, present in the fleet",
        "Where the image could start by what its index says, next to what the hosts of the fleet are.",
        (
            Query(f"max by (platform) (archscan_image_platform_info{{{_ONE}}})"),
            Query('count by (platform) (archscan_host_info{job=~"$job"})'),
        ),
        (
            column("platform"),
            column("Value #A", "image", mappings=offered, custom__cellOptions={"type": "color-text"}),
            column(
                "Value #B",
                "hosts of the fleet",
                mappings=[nothing("none")],
                color={"mode": "fixed", "fixedColor": NEUTRAL},
            ),
        ),
        join="platform",
        empty=_FINE,
    )
    teams = bars(
        "Will not start, by team",
        "Whose hosts are hit: the label `team` of the inventory.",
        Query(f"sort_desc (count by (team) ({q.of_team(_WILL_NOT_START, q.ANY_TEAM)}))", "{{team}}"),
        empty=_FINE,
    )
    reasons = reason_bars("By reason", f"count by (reason) (archscan_finding{{{_ONE}}})")
    table = findings_table(
        "Findings of this image",
        f'{_ONE}, reason=~"$reason"',
        "Every workload of this image that is not ok, the newest first. A click on a reason leads to what mends it.",
        without=("image", "registry"),
        team=q.ANY_TEAM,
    )
    return Section("What to do", (line(8, (10, platforms), (7, teams), (7, reasons)), line(12, (24, table))))


def _over_time() -> Section:
    statuses = status_trend(
        "Workloads with findings, over time",
        "A new build that mends it ends the line.",
        f"count by (status) (archscan_finding{{{_ONE}}})",
    )
    return Section("Over time", (line(8, (24, statuses)),))
