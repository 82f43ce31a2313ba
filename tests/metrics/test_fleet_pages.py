import gzip
import threading
from dataclasses import replace

import pytest

from scanner.domain.facts import HostFacts, Kernel
from scanner.domain.platform.platform import Platform
from scanner.domain.report import HostReading, Report
from scanner.metrics import Metrics, fleet_pages

OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def a_report(*names, at=100.0):
    facts = [HostFacts(name, Kernel("Linux", "x86_64", platform=Platform("linux", "amd64"))) for name in names]
    hosts = tuple(HostReading(one.host, one, {}, at, at) for one in facts)
    return Report("s", at - 10, at, hosts, ())


@pytest.fixture
def made(monkeypatch):
    """The reports whose series were made, in order."""
    reports, own = [], fleet_pages.fleet

    def noted(report, *rest):
        reports.append(report)
        return own(report, *rest)

    monkeypatch.setattr(fleet_pages, "fleet", noted)
    return reports


def fleet_of(page):
    return [line for line in page.decode().splitlines() if line.startswith("archscan_host_up{")]


@pytest.mark.parametrize("accept", [None, OPENMETRICS])
def test_a_packed_page_says_what_the_plain_one_says(accept):
    metrics, report = Metrics("0.1.0"), a_report("web-1", "web-2")
    for _ in range(2):  # the second one begins with what the first one packed
        plain = metrics.render(report, accept)[1]
        packed = metrics.render(report, accept, packed=True)[1]
        assert fleet_of(gzip.decompress(packed)) == fleet_of(plain)
        assert gzip.decompress(packed).endswith(plain[-6:])


def test_what_was_prepared_is_not_made_again(made):
    metrics, report = Metrics("0.1.0"), a_report("web-1")
    metrics.render(None, None, packed=True)
    metrics.prepare(report)
    assert metrics.is_ready(report, None, packed=True)
    assert not metrics.is_ready(report, None), "nobody has asked for it so"
    assert b'archscan_host_up{host="web-1"} 1.0' in gzip.decompress(metrics.render(report, None, packed=True)[1])
    assert made == [None, report]


def test_only_formats_that_somebody_asked_for_are_prepared(made):
    Metrics("0.1.0").prepare(a_report("web-1"))
    assert not made


def test_a_scrape_while_the_next_report_is_prepared_makes_nothing_anew(made):
    metrics, old, new = Metrics("0.1.0"), a_report("web-1"), a_report("web-2")
    metrics.render(old, None)
    metrics.prepare(new)
    assert fleet_of(metrics.render(old, None)[1]) == ['archscan_host_up{host="web-1"} 1.0']
    assert fleet_of(metrics.render(new, None)[1]) == ['archscan_host_up{host="web-2"} 1.0']
    assert made == [old, new]


def test_reports_that_nobody_shows_any_more_are_let_go():
    metrics, reports = Metrics("0.1.0"), [a_report(f"web-{number}") for number in range(4)]
    for report in reports:
        metrics.prepare(report)
        metrics.render(report, None)
    assert [metrics.is_ready(report, None) for report in reports] == [False, False, False, True]


def test_what_is_known_of_architectures_already_makes_nothing_anew(made):
    metrics, report = Metrics("0.1.0"), a_report("web-1")
    metrics.architectures_changed({"web-1": 77.0})
    metrics.render(report, None)
    metrics.architectures_changed({"web-1": 77.0})
    metrics.render(report, None)
    assert made == [report]
    metrics.architectures_changed({"web-1": 78.0})
    assert b"78.0" in metrics.render(report, None)[1]
    assert len(made) == 2


def test_another_number_of_findings_counts_at_the_next_scrape(made):
    metrics, report = Metrics("0.1.0", max_findings=1), a_report("web-1")
    metrics.render(report, None)
    metrics.configure(max_findings=1, scan_interval_s=60.0)
    metrics.render(report, None)
    metrics.configure(max_findings=2, scan_interval_s=60.0)
    metrics.render(report, None)
    assert made == [report, report]


def test_a_page_that_was_being_made_by_former_settings_is_not_kept(monkeypatch):
    metrics, report, own = Metrics("0.1.0"), a_report("web-1"), fleet_pages.fleet
    begun, go_on = threading.Event(), threading.Event()

    def slow(*asked):
        found = own(*asked)
        begun.set()
        go_on.wait(10)
        return found

    monkeypatch.setattr(fleet_pages, "fleet", slow)
    scrape = threading.Thread(target=metrics.render, args=(report, None))
    scrape.start()
    begun.wait(10)
    metrics.architectures_changed({"web-1": 77.0})
    go_on.set()
    scrape.join()
    assert b"77.0" in metrics.render(report, None)[1]


def test_reports_that_say_the_same_are_two_all_the_same(made):
    metrics, report = Metrics("0.1.0"), a_report("web-1")
    metrics.render(report, None)
    metrics.render(replace(report), None)
    assert len(made) == 2
