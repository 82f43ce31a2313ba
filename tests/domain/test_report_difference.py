import contextlib
from dataclasses import replace

import pytest

from scanner.domain.report import Report
from scanner.domain.report_difference import difference, difference_document
from scanner.domain.report_json import document
from scanner.domain.report_reading import decision_of, report_of
from scanner.domain.verdict.reason import Reason
from tests.web.conftest import a_report, finding, reading


def report_with(*findings, hosts=None):
    return Report("s", 1.0, 2.0, hosts or (reading("web-1"),), findings)


OK = finding("web-1", "api", Reason.NATIVE, "a:1")
BAD = finding("web-1", "api", Reason.WRONG_BINARY, "a:1")
WORSE = finding("web-1", "api", Reason.PLATFORM_MISSING, "a:1")

CASES = [
    ((), (BAD,), (1, 0, 0)),
    ((OK,), (BAD,), (1, 0, 0)),
    ((BAD,), (BAD,), (0, 0, 0)),
    ((BAD,), (WORSE,), (0, 1, 0)),
    ((BAD,), (OK,), (0, 0, 1)),
    ((BAD,), (), (0, 0, 1)),
    ((OK,), (OK,), (0, 0, 0)),
    ((OK,), (), (0, 0, 0)),
    ((), (OK,), (0, 0, 0)),
]


@pytest.mark.parametrize(("before", "after", "counts"), CASES)
def test_what_opened_changed_closed_is_told_apart(before, after, counts):
    found = difference(report_with(*before), report_with(*after))
    assert (len(found.opened), len(found.changed), len(found.closed)) == counts
    assert len(found.fresh.findings) == counts[0] + counts[1]


def test_what_is_on_a_host_that_was_not_read_has_not_closed():
    gone = reading("web-1", failed=Reason.HOST_TIMEOUT)
    found = difference(report_with(BAD), report_with(hosts=(gone,)))
    assert found.closed == ()
    assert found.unread == ("web-1",)
    assert [host.name for host in found.fresh.hosts] == ["web-1"]
    assert difference(report_with(hosts=(gone,)), report_with(hosts=(gone,))).fresh.hosts == ()


def test_a_host_that_was_not_asked_has_closed_nothing():
    found = difference(report_with(BAD), report_with(hosts=(reading("web-2"),)))
    assert found.closed == ()


def test_the_document_names_both_moments():
    made = difference_document(difference(report_with(BAD), report_with(WORSE)))
    assert made["changed"][0]["before"]["reason"] == "wrong_binary"
    assert made["changed"][0]["after"]["reason"] == "platform_missing"


# ---------------------------------------------------------------- reading a document back


def test_a_report_read_back_writes_the_same_document():
    sent = document(a_report())
    got = document(report_of(sent))
    for host in (*sent["hosts"], *got["hosts"]):
        del host["facts"]
    assert got == sent


WRONG = [
    (None, "no object"),
    ({}, "schema"),
    ({"schema": "archscan/v2"}, "schema"),
    ({"schema": "archscan/v1", "scan": []}, "scan is no object"),
    ({"schema": "archscan/v1", "scan": {"id": 1}}, "scan.id is no text"),
]


@pytest.mark.parametrize(("value", "said"), WRONG)
def test_what_is_no_report_is_refused_with_its_place(value, said):
    with pytest.raises(ValueError, match=said):
        report_of(value)


@pytest.mark.parametrize(
    "name", ["host", "workload", "source", "stage", "image", "reason", "evidence", "offered", "fix"]
)
@pytest.mark.parametrize("value", [1, {"x": 1}, "\x00", None])
def test_no_field_of_a_finding_breaks_the_reader(name, value):
    whole = document(replace(a_report(), findings=a_report().findings[:1]))
    whole["findings"][0][name] = value
    with contextlib.suppress(ValueError):
        report_of(whole)


def test_a_document_that_decides_nothing_is_refused():
    with pytest.raises(ValueError, match="decision"):
        decision_of({})
