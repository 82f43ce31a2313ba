"""A company's first day with archscan: hardly anything is unknown, and nobody is woken but for what is down."""

import pytest

from tests.system.day import pages
from tests.system.day.day import a_day

pytestmark = pytest.mark.system

MOST_UNKNOWN = 0.03
FULL = (400, 300)


@pytest.mark.parametrize(
    ("hosts", "images"), [(12, 24), pytest.param(*FULL, marks=[pytest.mark.bench, pytest.mark.timeout(900)])]
)
async def test_on_a_first_day_hardly_anything_is_unknown_and_only_what_is_down_wakes_anybody(
    hosts, images, tmp_path, require
):
    scans = await a_day(hosts, images, tmp_path)
    for hour, scan in enumerate(scans):
        print(hour, scan)
    assert [scan.unknown for scan in scans if scan.unknown > MOST_UNKNOWN] == []
    assert scans[0].pending, "what is decided at run time is surveyed after the first scan"
    assert {bool(scan.down) for scan in scans} == {True, False}
    said = pages.check(
        require("promtool", "prometheus"), tmp_path, [s.exported for s in scans], [s.down for s in scans]
    )
    assert not said
