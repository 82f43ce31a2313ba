"""The table of findings, the same on each dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import expressions as q
from grafana.panels import HOST, IMAGE, MEANING, REASON, STATUS, Query, column, grid

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.table import Panel

_COLUMNS = (
    STATUS,
    HOST,
    column("workload"),
    IMAGE,
    column("stage", custom__width=90),
    REASON,
    MEANING,
    column("team", custom__width=110),
    column("registry"),
    column("Value #A", "since", unit="dateTimeFromNow", custom__width=140),
    column("Value #C", "last crash", unit="dateTimeFromNow", custom__width=140),
    column("Value #B", "waived until", unit="dateTimeAsIso", custom__width=170),
)


def findings_table(
    title: str, matchers: str, about: str, *, without: tuple[str, ...] = (), team: str = q.TEAM
) -> Panel:
    """Findings with these labels; ``without`` names columns that say the same in each row."""
    since, waived, crashed = (_rows(name, matchers, team) for name in ("first_seen", "waived_until", "crashed"))
    columns = tuple(shown for shown in _COLUMNS if shown.title not in without)
    return grid(title, about, (Query(since), Query(waived), Query(crashed)), columns, sort="-since")


def _rows(moment: str, matchers: str, team: str) -> str:
    series = q.with_registry(q.of_team(f"archscan_finding_{moment}_timestamp_seconds{{{matchers}}} * 1000", team))
    return f'label_replace ({series}, "meaning", "$1", "reason", "(.*)")'
