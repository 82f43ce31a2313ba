"""The dashboard of one host: what it is, what it runs, what will not start there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import expressions as q
from grafana import frame, links
from grafana.findings import findings_table
from grafana.frame import Section, line
from grafana.panels import (
    IMAGE,
    REASON,
    STATUS,
    Query,
    above,
    column,
    grid,
    matrix,
    number,
    reason_bars,
    status_numbers,
    status_trend,
    trend,
    word,
)
from grafana.status import COLOUR, words
from scanner.domain.verdict.reason import Status

if TYPE_CHECKING:
    from grafana_foundation_sdk.models.dashboard import Dashboard

_ONE = 'job=~"$job", host="$host"'
_INFO = f"archscan_host_info{{{_ONE}}}"
_NOT_READ = "not read"
STALE_AFTER_S = 900.0
"""Three times the interval that archscan has by default, as the alert ArchscanScanStale has it."""


def host(archscan: str) -> Dashboard:
    """The dashboard; ``archscan`` is the address of archscan's web page as browsers reach it."""
    return frame.dashboard(
        links.HOST,
        "archscan / Host",
        "One host: what its kernel, CPU and engine can execute, what it runs or plans, what will not start.",
        variables=(
            frame.datasource(),
            frame.page_address(archscan),
            frame.job(),
            frame.one_of("host", "Host", 'label_values(archscan_host_up{job=~"$job"}, host)'),
        ),
        annotations=(frame.scans(enable=False), frame.architecture_changes(_ONE)),
        sections=(_what(), _how(), _trouble(), _over_time()),
    )


def _what() -> Section:
    read = number(
        "Read by the last scan",
        "Whether the host answered completely.",
        Query(f"max (archscan_host_up{{{_ONE}}})"),
        empty="No such host",
    ).mappings(words({"1": ("yes", COLOUR[Status.OK]), "0": ("no: nothing is known", COLOUR[Status.MISMATCH])}))
    why = word(
        "Why it was not read",
        "The reason, as the manual explains it.",
        Query(f"archscan_host_failure{{{_ONE}}}", "{{reason}}"),
        empty="It was read",
    )
    age = number(
        "Last read",
        "What is shown of this host is as old as this.",
        Query(f"time () - max (archscan_host_last_success_timestamp_seconds{{{_ONE}}})"),
        unit="s",
        thresholds=above(STALE_AFTER_S),
        empty="Never",
    )
    changed = number(
        "Architecture changed",
        "When the machine behind this name became another: replaced, moved, or one address for several machines.",
        Query(f"max (archscan_host_architecture_changed_timestamp_seconds{{{_ONE}}}) * 1000"),
        unit="dateTimeFromNow",
        empty="Never",
    )
    facts = [
        word("Platform", "What the kernel executes natively.", Query(_INFO, "{{platform}}"), empty=_NOT_READ),
        word("Machine", "What uname -m says.", Query(_INFO, "{{kernel_machine}}"), empty=_NOT_READ),
        word(
            "CPU level",
            "The x86-64 level or ARM version; programs built for a higher one crash.",
            Query(_INFO, "{{cpu_level}}"),
            empty=_NOT_READ,
        ),
        word(
            "Engine",
            "The first container engine that answered.",
            Query(_INFO, "{{engine}} {{engine_version}}"),
            empty=_NOT_READ,
        ),
    ]
    return Section(
        "What it is",
        (
            line(4, *((6, fact) for fact in facts)),
            line(4, (6, read), (6, why), (6, age), (6, changed)),
        ),
    )


def _how() -> Section:
    statuses = status_numbers(
        "Workloads by status",
        "Containers that run, stand or are planned here.",
        lambda status: f'sum (archscan_workloads{{{_ONE}, status="{status}"}})',
    )
    stages = matrix(
        "By stage",
        "Running, stopped, planned: what is planned is not down yet.",
        f"sum by (stage, status) (archscan_workloads{{{_ONE}}})",
        "stage",
        "status",
        empty="No workloads",
    )
    labels = grid(
        "Inventory",
        "The labels that the inventory gives this host.",
        (Query(f"archscan_host_labels{{{_ONE}}}"),),
        (),
        also="label_.*",
        empty="The inventory gives it none",
    )
    return Section("How its workloads fare", (line(6, (12, statuses), (7, stages), (5, labels)),))


def _trouble() -> Section:
    table = findings_table(
        "Findings on this host",
        _ONE,
        "What is not ok here, the newest first. A click on a reason leads to what mends it.",
        without=("host",),
        team=q.ANY_TEAM,
    )
    reasons = reason_bars("By reason", f"count by (reason) (archscan_finding{{{_ONE}}})")
    wrapped = {"type": "auto", "wrapText": True}
    fixes = grid(
        "What mends them",
        "The fix of each finding, in words, then the commands to type, as archscan's page and its API give them.",
        (Query(f"archscan_finding_fix_info{{{_ONE}}}"),),
        (
            STATUS,
            column("workload"),
            IMAGE,
            column("stage", custom__width=90),
            REASON,
            column("fix", custom__cellOptions=wrapped),
            column("commands", custom__cellOptions=wrapped),
        ),
        sort="workload",
    )
    owners = grid(
        "Who answers for them",
        "The team that owners of the settings name for each finding, else the host's own.",
        (Query(f"archscan_finding_owner_info{{{_ONE}}}"),),
        (column("workload"), IMAGE, column("team")),
        sort="workload",
    )
    return Section("What to do", (line(12, (18, table), (6, reasons)), line(8, (16, fixes), (8, owners))))


def _over_time() -> Section:
    statuses = status_trend(
        "Workloads by status, over time",
        "How many workloads had each status.",
        f"sum by (status) (archscan_workloads{{{_ONE}}})",
    )
    reachable = trend(
        "Read or not",
        "1 while the host answered scans, 0 while it did not.",
        Query(f"max (archscan_host_up{{{_ONE}}})", "read"),
    ).max(1)
    return Section("Over time", (line(8, (14, statuses), (10, reachable)),))
