"""What a narrow terminal shows: every name whole, whatever its width."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from scanner.cli.options import Format
from scanner.cli.output import output, table
from scanner.cli.serving import ask
from scanner.domain.verdict.reason import Reason
from tests.builders import APP, finding, reading, report, workload

LONG = "report-of-the-month"
FOUND = report(
    *(
        finding(Reason.PLATFORM_MISSING, workload(LONG, host=name), waived_until=1.8e9)
        for name in ("web-frontend-1", "b")
    ),
    hosts=(reading("web-frontend-1"), reading("b")),
)


@pytest.fixture(params=[20, 40, 60, 80, 129, 130, 200])
def out(request, monkeypatch):
    made = Console(width=request.param, file=io.StringIO(), force_terminal=True, color_system=None)
    monkeypatch.setattr(output, "console", lambda: made)
    return made


def said(out):
    return out.file.getvalue()


def test_a_finding_has_its_host_status_and_reason_whole_at_every_width(out):
    output.write(FOUND, Format.TABLE)
    text = said(out)
    assert all(text.count(word) >= 2 for word in ("mismatch", "platform_missing")), text
    assert ("web-frontend-1" in text, "…" in text) == (True, False), text
    assert text.count("     waived until 2027-01-15 08:00:00 UTC\n") == 2, text


def test_rows_are_a_table_only_where_their_names_can_be_read(out):
    names = ("HOST", "ADDRESS", "LABELS")
    table.show(out, names, [("web-frontend-1", "10.0.0.11:22", "team=web\nzone=eu"), ("b", "", "")])
    text = said(out)
    assert all(word in text for word in ("web-frontend-1", "10.0.0.11:22", "team=web", "zone=eu")), text


def test_the_watched_fleet_shows_images_whole_where_it_has_no_room_for_columns(out):
    out.print(ask._screen(FOUND, 20, out.width))
    if out.width in {40, 60}:
        assert all(word in said(out) for word in ("platform_missing, 2 hosts", str(APP), LONG)), said(out)
    elif out.width >= 80:
        assert all(word in said(out) for word in ("mismatch", "platform_missing")), said(out)
