"""What is published of a report once waivers are applied."""

from __future__ import annotations

from scanner.domain.facts import Source, Stage, Workload
from scanner.domain.reason import Reason
from scanner.domain.report import Finding, Report
from scanner.domain.verdict import Verdict
from scanner.scan.published import Waiver, waived


def finding(host, until=None):
    workload = Workload(host, "api", Source.DOCKER, Stage.RUNNING, "app:1")
    return Finding(workload, Verdict(Reason.PLATFORM_MISSING), waived_until=until)


def report(*findings):
    return Report("s", 0.0, 1.0, (), findings)


def waiver(host, until):
    return Waiver("me", "why", until, host=host)


def test_a_waiver_marks_what_it_covers_until_it_ends():
    given = report(finding("web-1"), finding("db-1"))
    marked = waived(given, [waiver("web-*", 50.0), waiver("web-1", 70.0)], now=10.0)
    assert [f.waived_until for f in marked.findings] == [70.0, None]


def test_a_waiver_that_has_ended_leaves_no_mark():
    marked = waived(report(finding("web-1", until=50.0)), [waiver("*", 50.0)], now=50.0)
    assert marked.findings == (finding("web-1"),)


def test_what_waivers_do_not_change_stays_the_same_object():
    given = report(finding("web-1", until=70.0), finding("db-1"))
    assert waived(given, [waiver("web-1", 70.0)], now=10.0) is given
    marked = waived(given, [waiver("web-1", 80.0)], now=10.0)
    assert marked.findings[0].waived_until == 80.0
    assert marked.findings[1] is given.findings[1]
