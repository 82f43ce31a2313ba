"""A company's first day with archscan: hardly anything is unknown, and nobody is woken but for what is down."""

import pytest

from tests.system.day import pages
from tests.system.day.day import a_day

pytestmark = pytest.mark.system

MOST_UNKNOWN = 0.03
FULL = (400, 300)
QUIET = (2, 7, 18)
"""Hours after which nobody had built, pushed or tidied away anything, and the registry answered."""
MOST_PULLS = 3
"""Manifests of one tag: its index, then one for each CPU of its hosts."""


@pytest.mark.parametrize(
    ("hosts", "images"), [(12, 24), pytest.param(*FULL, marks=[pytest.mark.bench, pytest.mark.timeout(3600)])]
)
async def test_on_a_first_day_hardly_anything_is_unknown_and_only_what_is_down_wakes_anybody(
    hosts, images, tmp_path, require
):
    scans = await a_day(hosts, images, tmp_path)
    for hour, scan in enumerate(scans):
        print(
            hour,
            f"{scan.unknown:.2%} unknown, {scan.pending} pending, {scan.cpu_s:.1f} s,",
            scan.tags,
            "tags,",
            scan.asked,
        )
        print("  ", dict(scan.reasons))
    quiet = [scans[hour] for hour in QUIET]
    assert [scan.asked for scan in quiet] == [{"HEAD manifest": scan.tags} for scan in quiet], "one HEAD for each tag"
    first = scans[0]
    assert first.asked["HEAD manifest"] == first.tags
    assert first.asked["GET manifest"] <= MOST_PULLS * first.tags, "what a registry counts against a limit"
    assert [scan.unknown for scan in scans if scan.unknown > MOST_UNKNOWN] == []
    assert scans[0].pending, "what is decided at run time is surveyed after the first scan"
    assert {bool(scan.down) for scan in scans} == {True, False}
    said = pages.check(
        require("promtool", "prometheus"), tmp_path, [s.exported for s in scans], [s.down for s in scans]
    )
    assert not said
