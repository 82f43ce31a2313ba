"""What reports for other programs say of each finding, above all of one that somebody answers for."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest

from scanner.cli.output import html_report, report_formats
from scanner.domain.verdict.reason import Reason
from tests.builders import finding, report, unread, workload

UNTIL = 1_800_000_000.0
SAID = "waived until 2027-01-15 08:00:00 UTC"
WAIVED = finding(Reason.WRONG_BINARY, workload("api", "app:1"), waived_until=UNTIL)
OPEN = finding(Reason.PLATFORM_MISSING, workload("cron", "app:2"))
BOTH = report(WAIVED, OPEN, finding(Reason.NATIVE, workload("web", "app:3"), waived_until=UNTIL), hosts=(unread("b"),))


def test_a_case_that_somebody_answers_for_is_skipped_and_counts_as_nothing_else():
    suite = ET.fromstring(report_formats.junit(BOTH)).find("testsuite")
    numbers = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert numbers == {"tests": "4", "failures": "1", "errors": "1", "skipped": "1"}
    [skipped] = suite.findall("testcase[@name='api (app:1)']/skipped")
    assert skipped.get("message").startswith(f"{SAID}: mismatch wrong_binary")
    assert len(suite.findall("testcase[@name='api (app:1)']/*")) == 1


def sarif_of(given):
    [run] = report_formats.sarif(given)["runs"]
    return run


def test_a_result_that_somebody_answers_for_is_suppressed():
    """All results of a run have the property, or none has it (SARIF 2.1.0, 3.27.23)."""
    waiver = {"kind": "external", "status": "accepted", "justification": SAID}
    assert [result["suppressions"] for result in sarif_of(BOTH)["results"]] == [[waiver], []]


@pytest.mark.parametrize(
    ("image", "uri"),
    [
        ("nginx:1.27", "nginx%3A1.27"),
        ("r.example:5000/shop/api:1", "r.example%3A5000/shop/api%3A1"),
        ("a/b@sha256:" + "0" * 64, "a/b@sha256%3A" + "0" * 64),
    ],
)
def test_the_place_of_a_result_is_a_relative_address(image, uri):
    [result] = sarif_of(report(finding(Reason.WRONG_BINARY, workload("api", image))))["results"]
    location = result["locations"][0]["physicalLocation"]["artifactLocation"]
    assert (location, urlsplit(uri)[:2]) == ({"uri": uri}, ("", ""))


def test_every_rule_says_what_it_means_and_where_more_is_said():
    driver = sarif_of(BOTH)["tool"]["driver"]
    told = {rule["id"]: rule for rule in (*driver["rules"], *driver["notifications"])}
    assert set(told) == {"wrong_binary", "platform_missing", str(unread("b").reading.reason)}
    rule = told["wrong_binary"]
    assert rule["helpUri"] == "https://github.com/archscan/archscan/blob/main/docs/reasons.md#wrong_binary"
    assert rule["shortDescription"]["text"].startswith("The program inside is for another CPU")
    assert rule["defaultConfiguration"] == {"level": "error"}


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (lambda one: replace(one, first_seen=5.0, waived_until=None, team="web"), True),
        (lambda one: replace(one, verdict=replace(one.verdict, detail="other words")), True),
        (lambda one: replace(one, workload=replace(one.workload, host="another")), False),
        (lambda one: replace(one, workload=replace(one.workload, image="app:9")), False),
        (lambda one: finding(Reason.WRONG_LOADER, one.workload), False),
    ],
)
def test_a_fingerprint_stays_for_as_long_as_the_finding_is_the_same(change, same):
    def prints(one):
        return [result["partialFingerprints"] for result in sarif_of(report(one))["results"]]

    assert (prints(change(WAIVED)) == prints(WAIVED)) is same


def test_people_read_in_markdown_and_on_the_page_until_when_it_is_waived():
    told = report_formats.markdown(BOTH, None)
    assert told.count(SAID) == 1
    assert html_report.page(BOTH).count("waived until 2027-01-15") == 1


def test_every_colour_of_a_html_report_s_picture_has_its_word():
    text = html_report.page(BOTH)
    drawn = set(re.findall(r'<path class="cells (k-\w+)"', text))
    assert drawn <= set(re.findall(r'<rect class="(k-\w+)" width="9" height="9"/></svg>\w+<', text))
    assert drawn
    assert ", 1 host<" in text
