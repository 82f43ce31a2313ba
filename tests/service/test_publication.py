"""What is published of a report once waivers are applied."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from types import SimpleNamespace

from scanner.domain.failure import Failure
from scanner.domain.ownership import OwnerRule
from scanner.domain.report import HostReading, Report
from scanner.domain.verdict.reason import Reason, Status
from scanner.domain.waiver import Waiver
from scanner.service.publication import Marks, Publication, merged, waived
from scanner.service.recording import Recording
from scanner.store.error import StoreError
from tests import builders
from tests.counted import calls

report = builders.report


def finding(host, until=None):
    workload = builders.workload("api", "app:1", host=host)
    return builders.finding(Reason.PLATFORM_MISSING, workload, waived_until=until)


def waiver(host, until):
    return Waiver("", "me", "why", until, host=host)


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


def scan_of(*names, at):
    readings = tuple(HostReading(name, Failure(Reason.HOST_TIMEOUT), taken_at=at) for name in names)
    return Report(f"at {at}", at - 1, at, readings, tuple(finding(name) for name in names))


def test_a_scan_of_some_hosts_keeps_what_is_known_of_the_others_but_not_of_hosts_that_left():
    whole = merged(scan_of("web-1", "web-2", "web-3", at=10.0), scan_of("web-1", at=20.0), ["web-1", "web-2"])
    assert [(host.name, host.taken_at) for host in whole.hosts] == [("web-1", 20.0), ("web-2", 10.0)]
    assert sorted(f.workload.host for f in whole.findings) == ["web-1", "web-2"]


def test_a_scan_of_some_hosts_does_not_make_the_fleet_look_fresh():
    fleet = ["web-1", "web-2"]
    partial = merged(scan_of(*fleet, at=10.0), scan_of("web-1", at=20.0), fleet)
    assert (partial.finished_at, partial.fleet_scanned_at) == (20.0, 10.0)
    assert merged(partial, scan_of("web-2", at=30.0), fleet).fleet_scanned_at == 10.0
    assert merged(partial, scan_of(*fleet, at=40.0), fleet).fleet_scanned_at == 40.0


def test_other_owners_are_asked_at_once_and_the_same_ones_change_nothing():
    marks, given = Marks(), report(finding("web-1"))
    owners = (OwnerRule("shop", images=("*",)),)
    marked = marks.of(given, [], 0.0, owners)
    assert [f.team for f in marked.findings] == ["shop"]
    assert marks.of(given, [], 0.0, owners) is marked
    assert [f.team for f in marks.of(given, [], 0.0).findings] == [""]


def test_whose_a_finding_is_is_asked_again_where_only_the_labels_of_its_host_changed():
    marks, given = Marks(), report(finding("web-1"))
    for team in ("shop", "till"):
        read = HostReading("web-1", Failure(Reason.HOST_TIMEOUT), taken_at=0.0, labels={"team": team})
        assert [f.team for f in marks.of(replace(given, hosts=(read,)), [], 0.0).findings] == [team]


class Full:
    """A store whose disk is full as soon as it has a report."""

    is_full = True

    async def save(self, given):
        return given

    async def put_record(self, *_record):
        if self.is_full:
            raise StoreError("the disk is full", fatal=False)

    async def architectures(self):
        return {}


def published(given, store):
    """The publication of a report, by whoever runs the event loop."""
    publication = quiet(store)
    publication.own((OwnerRule("shop", images=("*",)),))

    async def work():
        assert await publication.append(given, [], []) is publication.report()
        assert publication.report().counts[Status.MISMATCH] == len(given.findings)
        publication.own((OwnerRule("till", images=("*",)),))
        await publication.waive([waiver("*", 50.0)])

    asyncio.run(work())
    assert {(each.team, each.waived_until) for each in publication.report().findings} == {("till", 50.0)}


def quiet(store):
    """A publication at 10 s whose observer is told in vain."""
    observer = SimpleNamespace(
        prepare=lambda _report: None, first_scanned=lambda _at: None, architectures_changed=lambda _changed: None
    )
    return Publication(store, observer, lambda: 10.0, Recording(None, lambda: 10.0))


async def test_waivers_that_are_given_up_or_given_in_mid_publication_are_in_force_once_given_again():
    store = Full()
    store.is_full = False
    publication, waivers, given = quiet(store), [waiver("web-1", 50.0)], report(finding("web-1"))
    prepares, may_end = threading.Event(), threading.Event()
    publication.prepare_with(lambda _report: (prepares.set(), may_end.wait()))
    appended = asyncio.create_task(publication.append(given, [], []))
    await asyncio.to_thread(prepares.wait)
    try:
        given_up = asyncio.create_task(publication.waive(waivers))
        await asyncio.sleep(0)
        given_up.cancel()
        again = asyncio.create_task(publication.waive(waivers))
        await asyncio.sleep(0)
        assert publication.report() is None
    finally:
        may_end.set()
    assert [f.waived_until for f in (await appended).findings] == [None]
    await again
    assert [f.waived_until for f in publication.report().findings] == [50.0]


async def test_owners_that_cannot_be_applied_keep_no_service_from_ending(monkeypatch):
    store = Full()
    store.is_full = False
    publication = quiet(store)
    await publication.append(report(finding("web-1")), [], [])
    monkeypatch.setattr(publication, "_counted", None)
    publication.own((OwnerRule("shop", images=("*",)),))
    await publication.close()


def test_what_a_large_report_takes_is_not_done_in_the_event_loop():
    store = Full()
    store.is_full = False
    small, large = (report(*(finding(f"web-{number}") for number in range(count))) for count in (1, 1000))
    in_loop = [calls(lambda given=given: published(given, store)) for given in (small, large)]
    assert in_loop[1] < in_loop[0] + 1000  # not so much as a call for each finding


async def test_a_store_that_fails_once_a_report_is_durable_keeps_nobody_from_reading_it():
    told, failed, store = [], [], Full()
    observer = SimpleNamespace(
        prepare=lambda _report: None,
        store_failed=lambda: failed.append(1),
        first_scanned=told.append,
        architectures_changed=lambda _changed: None,
    )
    publication = Publication(store, observer, lambda: 10.0, Recording(None, lambda: 10.0))
    prepared = []
    publication.prepare_with(lambda upcoming: prepared.append((upcoming, publication.report())))
    given = report(finding("web-1"))
    await publication.append(given, [], [])
    assert prepared == [(publication.report(), None)]
    assert (publication.report(), publication.store_error, failed) == (publication._durable, "the disk is full", [1])
    store.is_full = False
    await publication.append(given, [], [])
    assert (told, publication.store_error) == ([given.finished_at], "")
