"""The dashboard of the whole fleet: what will not start, where, whose it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import expressions as q
from grafana import frame, links
from grafana.findings import findings_table
from grafana.frame import Section, line
from grafana.panels import (
    GRAVEST,
    HOST,
    IMAGE,
    Query,
    above,
    bars,
    column,
    from_one,
    grid,
    matrix,
    number,
    reason_bars,
    status_numbers,
    status_trend,
    trend,
)
from grafana.status import BAD, COLOUR, words
from scanner.domain.verdict.reason import Status

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

_WORKLOADS = q.of_team(f"archscan_workloads{{{q.HOSTS}}}")
_FINDINGS = q.with_registry(q.of_team(f"archscan_finding{{{q.FINDINGS}}}"))
_WILL_NOT_START = q.with_registry(q.of_team(f'archscan_finding{{{q.FINDINGS}, status=~"mismatch|broken"}}'))
_UP = q.of_team(f"archscan_host_up{{{q.HOSTS}}}")
_ON_AMD64 = 'sum (archscan_workloads{job=~"$job"} * on (job, instance, host) group_left () archscan_host_info{job=~"$job", platform="linux/amd64"})'
_OFFER_ARM64 = 'sum (archscan_workloads_offering{job=~"$job", host_platform="linux/amd64", platform="linux/arm64"})'

STALE_AFTER_S = 900.0
"""Three times the interval that archscan has by default, as the alert ArchscanScanStale has it."""

GOOD_COVERAGE = 0.9
"""Below this the alert ArchscanCoverageLow fires."""


def fleet(archscan: str) -> Dashboard:
    """The dashboard; ``archscan`` is the address of archscan's web page as browsers reach it."""
    return frame.dashboard(
        links.FLEET,
        "archscan / Fleet",
        "Every container of the fleet that cannot start because its image is for another CPU, and how much is known.",
        variables=(
            frame.datasource(),
            frame.page_address(archscan),
            frame.job(),
            frame.team(),
            frame.hosts(),
            frame.of_findings("status", "Status"),
            frame.of_findings("reason", "Reason"),
            frame.of_findings("image", "Image"),
        ),
        annotations=(frame.scans(enable=False), frame.reloads(), frame.architecture_changes(q.HOSTS)),
        sections=(_glance(), _whose(), _trouble(), _hosts(), _over_time(), _arm64()),
    )


def _with(status: Status) -> str:
    return q.of_team(f'archscan_workloads{{{q.HOSTS}, status="{status}"}}')


def _glance() -> Section:
    statuses = status_numbers(
        "Workloads by status",
        "Containers that run, stand or are planned. mismatch, broken: will not start. unknown is not ok.",
        lambda status: f"sum ({_with(status)})",
    )
    known = number(
        "Hosts that were read",
        "The share of hosts that answered the last scan. A fleet that is not seen looks healthy.",
        Query(f"avg ({_UP})"),
        unit="percentunit",
        thresholds=above(GOOD_COVERAGE, good_below=False),
        empty="No host yet",
    )
    age = number(
        "Age of what is shown",
        "Since the last complete scan. Everything on this page is as old as this.",
        Query('time () - max (archscan_scan_last_success_timestamp_seconds{job=~"$job"} > 0)'),
        unit="s",
        thresholds=above(STALE_AFTER_S),
        empty="No scan yet",
    )
    return Section("At a glance", (line(5, (16, statuses), (4, known), (4, age)),))


def _whose() -> Section:
    by_team = bars(
        "Will not start, by team",
        "The team is the label `team` that the inventory gives the host.",
        Query(f"sort_desc (count by (team) ({_WILL_NOT_START}))", "{{team}}"),
        link=links.to_fleet(team="${__field.labels.team}"),
    )
    by_registry = bars(
        "Will not start, by registry",
        "Where the images come from.",
        Query(f"sort_desc (count by (registry) ({_WILL_NOT_START}))", "{{registry}}"),
    )
    by_reason = reason_bars("Findings, by reason", f"count by (reason) ({_FINDINGS})")
    by_image = bars(
        "Will not start, by image",
        "One bad image hits many hosts: the ten worst.",
        Query(f"topk (10, count by (image) ({_WILL_NOT_START}))", "{{image}}"),
        link=links.to_image("__field.labels.image"),
    )
    architectures = matrix(
        "Workloads by architecture of their host",
        "How the workloads on hosts of each platform fare.",
        f"sum by (platform, status) ({q.with_platform(_WORKLOADS)})",
        "platform",
        "status",
        empty="No host was read yet",
    )
    hosts = bars(
        "Hosts by architecture",
        "What the kernels of the hosts are. Hosts that could not be read are listed as such.",
        Query(
            f'count by (platform) ({q.with_platform(_UP)}) or label_replace (count ({_UP} == 0), "platform", "not read", "", "")',
            "{{platform}}",
        ),
        empty="No host yet",
    ).thresholds(from_one(COLOUR[Status.EMULATED]))
    return Section(
        "Whose, from where, why",
        (
            line(8, (6, by_team), (6, by_registry), (6, by_reason), (6, by_image)),
            line(8, (9, hosts), (15, architectures)),
        ),
    )


def _trouble() -> Section:
    table = findings_table(
        "Findings",
        q.FINDINGS,
        "Everything that is not ok, the newest first. A click on a reason leads to what mends it.",
    )
    dropped = number(
        "Findings not shown",
        "More findings than metrics.max_findings: archscan's page lists all of them.",
        Query(q.or_zero('sum (archscan_findings_dropped{job=~"$job"})')),
        thresholds=from_one(BAD),
    )
    waived = number(
        "Waived",
        "Findings somebody answers for; alerts leave them out until then.",
        Query(q.or_zero('count (archscan_finding_waived_until_timestamp_seconds{job=~"$job"} > time ())')),
    )
    fresh = number(
        "New in the last day",
        "Findings first seen in the last 24 hours.",
        Query(
            q.or_zero(
                f"count (time () - {q.of_team(f'archscan_finding_first_seen_timestamp_seconds{{{q.FINDINGS}}}')} < 86400)"
            )
        ),
        thresholds=from_one(COLOUR[Status.DEGRADED]),
    )
    return Section("What to do", (line(14, (24, table)), line(4, (8, fresh), (8, waived), (8, dropped))))


def _hosts() -> Section:
    counts = tuple(Query(f"sum by (host) ({_with(status)})") for status in GRAVEST)
    coloured = tuple(
        column(
            f"Value #{ref}",
            str(status),
            thresholds=from_one(COLOUR[status]).build(),
            color={"mode": "thresholds"},
            custom__cellOptions={"type": "color-text"},
            custom__width=100,
            noValue="0",
        )
        for ref, status in zip("CDEFGH", GRAVEST, strict=True)
    )
    table = grid(
        "Hosts",
        "Every host of the inventory with what it is and how its workloads fare.",
        (
            Query(f"max by (host, team) ({_UP})"),
            Query(
                f"max by (host, platform, kernel_machine, cpu_level, engine, engine_version) (archscan_host_info{{{q.HOSTS}}})"
            ),
            *counts,
        ),
        (
            HOST,
            column(
                "Value #A",
                "read",
                mappings=words({"1": ("yes", COLOUR[Status.OK]), "0": ("no", COLOUR[Status.UNKNOWN])}),
                custom__width=70,
            ),
            column("team"),
            column("platform"),
            column("kernel_machine", "machine"),
            column("cpu_level", "CPU level"),
            column("engine"),
            column("engine_version", "version"),
            *coloured,
        ),
        join="host",
        sort="-mismatch",
        empty="No host yet",
    )
    silent = grid(
        "Hosts that could not be read",
        "Nothing is known of their workloads; unknown is not ok.",
        (Query(f"max by (host, reason) (archscan_host_failure{{{q.HOSTS}}})"),),
        (HOST, column("reason", links=(links.reason_page(),))),
        empty="Every host was read",
    )
    return Section("Hosts", (line(12, (18, table), (6, silent)),))


def _over_time() -> Section:
    statuses = status_trend(
        "Workloads by status, over time",
        "How many workloads had each status.",
        f"sum by (status) ({_WORKLOADS})",
    )
    reasons = trend(
        "Will not start, by reason, over time",
        "How many workloads will not start, by the reason.",
        Query(f"count by (reason) ({_WILL_NOT_START})", "{{reason}}"),
        stacked=True,
        empty=NO_TROUBLE,
    )
    return Section("Over time", (line(9, (12, statuses), (12, reasons)),))


NO_TROUBLE = "Nothing in this time that would not start"


def _arm64() -> Section:
    native = number(
        "On arm64 already",
        "Workloads on linux/arm64 hosts, and how many of these start natively.",
        Query(
            q.or_zero(
                'sum (archscan_workloads{job=~"$job"} * on (job, instance, host) group_left () archscan_host_info{job=~"$job", platform="linux/arm64"})'
            ),
            "workloads",
        ),
        Query(
            q.or_zero(
                'sum (archscan_workloads{job=~"$job", status="ok"} * on (job, instance, host) group_left () archscan_host_info{job=~"$job", platform="linux/arm64"})'
            ),
            "start natively",
        ),
    )
    ready = number(
        "Could move to arm64",
        "Of the whole fleet, the share of workloads on linux/amd64 hosts whose image offers linux/arm64 as well, as its metadata says. "
        "Before you move one, let archscan open the binary: archscan check --platform linux/arm64 IMAGE.",
        Query(f"({_OFFER_ARM64} or vector (0)) / ({_ON_AMD64})"),
        unit="percentunit",
        empty="No workload on amd64",
    )
    counts = number(
        "Workloads on amd64",
        "Workloads on linux/amd64 hosts: in all, and with an image that offers linux/arm64.",
        Query(q.or_zero(_ON_AMD64), "in all"),
        Query(q.or_zero(_OFFER_ARM64), "offer arm64"),
    )
    offered = matrix(
        "What images offer, by platform of the host",
        "Workloads on hosts of one platform (down) whose image offers another (across).",
        'sum by (host_platform, platform) (archscan_workloads_offering{job=~"$job"})',
        "host_platform",
        "platform",
        empty="No image was read yet",
    )
    lacking = grid(
        "Images without linux/arm64",
        "Of the images with findings, those that do not offer it. Images without findings are not listed by name in metrics: ask archscan image IMAGE.",
        (
            Query(
                'count by (image) (archscan_image_platform_info{job=~"$job"}) unless on (image) archscan_image_platform_info{job=~"$job", platform="linux/arm64"}'
            ),
        ),
        (IMAGE, column("Value", "platforms offered", custom__width=150)),
        empty=f"{NO_TROUBLE}: every image with findings offers arm64, or there are none",
    )
    return Section(
        "Ready for arm64",
        (line(5, (8, ready), (8, counts), (8, native)), line(8, (12, offered), (12, lacking))),
    )
