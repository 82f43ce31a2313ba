from dataclasses import replace

import pytest

from scanner.domain.finding_groups import Findings
from scanner.domain.verdict.reason import Reason
from scanner.trail import leaf, report_rows
from tests import builders


@pytest.fixture(autouse=True, params=[0, report_rows.FEW])
def few(request, monkeypatch):
    """Small reports are hashed as large ones are, too."""
    monkeypatch.setattr(report_rows, "FEW", request.param)
    return request.param


def found(host, name, reason=Reason.NATIVE):
    return builders.finding(reason, builders.workload(name, "app:1", host=host))


def report_of(findings, hosts=("web-1", "web-10", "web-2", "w\u00e9b", "Web-1", "empty")):
    return builders.report(*findings, hosts=[builders.read_host(builders.host_facts(name)) for name in hosts])


SOME = [found("web-2", "b"), found("web-10", "z"), found("web-1", "b"), found("w\u00e9b", "a"), found("Web-1", "a")]
SOME += [found("web-1", "a"), found("web-1", "a", Reason.EMULATED), found("web-2", "a")]


def digest_by_its_definition(report):
    hosts = sorted([one.name, str(one.platform)] for one in report.hosts)
    rows = sorted([*report_rows.named(f.workload, f.verdict).values()] for f in report.findings)
    return leaf.digest([hosts, [[*map(str, row)] for row in rows]])


def test_a_report_that_is_hashed_host_by_host_has_the_digest_of_all_its_rows_in_order():
    for findings in ([], SOME, SOME[::-1]):
        report = report_of(findings)
        assert report_rows.report_digest(report) == digest_by_its_definition(report)
        assert report_rows.report_digest(report) == digest_by_its_definition(report), "as it was remembered"


def test_findings_in_a_group_of_another_name_are_in_their_place_all_the_same():
    report = report_of(SOME)
    groups = {f"{99 - place}": group for place, group in enumerate(report.by_host.values())}
    other = replace(report, findings=Findings.of(groups))
    assert report_rows.report_digest(other) == digest_by_its_definition(other)


def test_only_hosts_of_which_something_changed_are_spelt_anew(monkeypatch):
    monkeypatch.setattr(report_rows, "FEW", 0)
    spelt, own = [], report_rows.spelt
    monkeypatch.setattr(report_rows, "spelt", lambda rows: spelt.append(rows[0][0]) or own(rows))
    report = report_of(SOME)
    report_rows.report_digest(report)
    assert sorted(spelt) == ["Web-1", "web-1", "web-10", "web-2", "w\u00e9b"]
    spelt.clear()
    changed = Findings.grouped([found("web-2", "b", Reason.EMULATED)]).by_host
    other = replace(report, findings=Findings.of({**report.by_host, **changed}))
    assert report_rows.report_digest(other) == digest_by_its_definition(other) != report_rows.report_digest(report)
    assert spelt == ["web-2"]
