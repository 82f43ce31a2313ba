"""What a report or what was learned of images costs the store, counted in statements and values written: not time, which other programs share."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import event

from scanner.domain.finding_groups import Findings
from scanner.domain.image.offers import Program
from scanner.domain.verdict.reason import Reason
from scanner.store import codec, findings
from scanner.store.store import Store
from scanner.trail.leaf import Entry, Event
from scanner.trail.note import Signer
from scanner.trail.trail import Trail


@contextmanager
def counted(store, monkeypatch):
    """Counts SQL statements, values made into JSON, hosts whose findings were compared one by one."""
    found = {"statements": 0, "written": 0, "compared": 0}
    engine = store._database._engine

    def statement(*_):
        found["statements"] += 1

    def counting(name, module, attribute):
        own = getattr(module, attribute)

        def call(*args, **more):
            found[name] += 1
            return own(*args, **more)

        monkeypatch.setattr(module, attribute, call)

    event.listen(engine, "before_cursor_execute", statement)
    with monkeypatch.context():
        counting("written", codec.Writer, "dumps")
        counting("compared", findings, "_planned")
        yield found
    event.remove(engine, "before_cursor_execute", statement)


def report_of(fleet, hosts, at=100.0):
    names = [f"h{number}" for number in range(hosts)]
    return fleet.report([fleet.reading(name) for name in names], [fleet.finding(name) for name in names], at)


@pytest.fixture
async def store(url):
    opened = await Store.open(url)
    yield opened
    await opened.close()


@pytest.mark.parametrize("hosts", [10, 200])
async def test_a_fleet_that_did_not_change_costs_the_same_few_statements_whatever_its_size(
    store, fleet, hosts, monkeypatch
):
    report = report_of(fleet, hosts)
    saved = await store.save(report)
    with counted(store, monkeypatch) as found:
        again = await store.save(replace(report, finished_at=200.0))
    # begin, when hosts were read, then begin, scan, releases
    assert found == {"statements": 5, "written": 0, "compared": 0}
    assert all(again.by_host[name] is saved.by_host[name] for name in saved.by_host)


async def test_a_decision_waits_for_the_moments_of_few_hosts_whatever_the_size_of_a_fleet(store, fleet, monkeypatch):
    await store.save(report_of(fleet, 10))
    monkeypatch.setattr(findings, "MOMENTS_AT_ONCE", 2)
    done = []
    saving = asyncio.create_task(store.save(report_of(fleet, 10, at=200.0)))
    saving.add_done_callback(lambda _: done.append("saved"))
    for number in range(3):
        await store.put_record("kind", f"key-{number}", {})
        done.append(number)
    saved = await saving
    assert done == [0, 1, 2, "saved"]
    assert {host.taken_at for host in saved.hosts} == {host.taken_at for host in report_of(fleet, 10, at=200.0).hosts}


async def test_a_report_is_compared_with_what_is_stored_while_others_write(store, fleet, monkeypatch):
    compared_in, own = [], findings.plan

    def plan(*asked):
        compared_in.append(threading.current_thread().name)
        return own(*asked)

    monkeypatch.setattr(findings, "plan", plan)
    await store.save(report_of(fleet, 3))
    assert compared_in
    assert not any(name.startswith("archscan-store") for name in compared_in)


async def test_of_two_reports_at_once_the_second_is_compared_with_the_first(store, fleet):
    both = [report_of(fleet, 3, at=100.0), report_of(fleet, 4, at=200.0)]
    await asyncio.gather(*map(store.save, both))
    await store.recall()
    assert {host.name for host in (await store.load()).hosts} == {"h0", "h1", "h2", "h3"}


async def test_a_host_that_changed_has_no_moment_of_a_report_that_was_not_stored(store, fleet, monkeypatch):
    before = report_of(fleet, 1)
    await store.save(before)
    compared, go_on, own = threading.Event(), threading.Event(), findings.plan

    def plan(memory, report):
        made = own(memory, report)
        if report.finished_at == 300.0 and not go_on.is_set():
            compared.set()
            go_on.wait(10)
        return made

    def fails(_changes):
        raise ValueError("a trail that cannot be written")

    monkeypatch.setattr(findings, "plan", plan)
    lost = asyncio.create_task(store.save(report_of(fleet, 1, at=300.0), fails))
    await asyncio.to_thread(compared.wait, 10)
    (changed,) = (replace(host, labels={"rack": "7"}, taken_at=200.0) for host in before.hosts)
    await store.save(replace(before, hosts=(changed,), finished_at=200.0))
    go_on.set()
    with pytest.raises(ValueError, match="cannot be written"):
        await lost
    await store.recall()
    assert [(host.labels, host.taken_at) for host in (await store.load()).hosts] == [({"rack": "7"}, 200.0)]


async def test_one_host_that_changed_costs_what_one_host_costs(store, fleet, monkeypatch):
    report = report_of(fleet, 200)
    saved = await store.save(report)
    other = Findings.grouped([fleet.finding("h7", reason=Reason.NATIVE)]).by_host
    with counted(store, monkeypatch) as found:
        again = await store.save(replace(report, findings=Findings.of({**report.by_host, **other}), finished_at=200.0))
    assert (found["written"], found["compared"]) == (1, 1)
    changed = [name for name in saved.by_host if again.by_host[name] is not saved.by_host[name]]
    assert changed == ["h7"]


async def test_what_is_stored_already_is_not_compared_when_it_is_given_back(store, fleet, monkeypatch):
    saved = await store.save(report_of(fleet, 50))
    with counted(store, monkeypatch) as found:
        await store.save(replace(saved, finished_at=200.0))
    assert found["compared"] == 0


async def test_what_is_learned_of_images_is_written_in_few_statements_and_not_looked_for_where_it_cannot_be(
    store, fleet, monkeypatch
):
    documents = {f"sha256:{hashlib.sha256(body).hexdigest()}": body for body in map(str.encode, map(str, range(300)))}
    program = Program(("/app",))
    with counted(store, monkeypatch) as found:
        for digest, body in documents.items():
            assert await store.get(digest) is None
            assert await store.get_program(digest, ("/app",), "1") is None
            await store.put(digest, body, "m")
            await store.put_program(digest, ("/app",), "1", program)
        assert [await store.get(digest) for digest in documents] == list(documents.values())
        assert found["statements"] == 0
        await store.save(report_of(fleet, 1))
    assert found["statements"] <= 5 + 12  # a transaction with two statements for each cache, then the report's
    with counted(store, monkeypatch) as found:
        assert [await store.get(digest) for digest in documents] == list(documents.values())
        assert await store.get("sha256:" + "0" * 64) is None
    assert found["statements"] == 2 * 300  # begin, select


async def test_equal_findings_in_new_objects_are_compared_but_not_written(store, fleet, monkeypatch):
    saved = await store.save(report_of(fleet, 50))
    with counted(store, monkeypatch) as found:
        again = await store.save(report_of(fleet, 50, at=200.0))
    assert (found["written"], found["compared"]) == (0, 50)
    assert all(again.by_host[name] is saved.by_host[name] for name in saved.by_host)


async def test_a_decision_that_is_told_to_the_trail_costs_the_same_few_statements_however_long_that_is(
    store, monkeypatch
):
    trail = Trail(store, Signer.made("log.example"))
    await trail.open()
    for already in (0, 300):
        if already:
            await trail.append(*[Entry(Event.GATE_DECIDED, 1.0)] * already)
        with counted(store, monkeypatch) as found:
            await trail.append(Entry(Event.GATE_DECIDED, 1.0))
        assert found["statements"] == 5  # begin, where the log ends, the entry, its tiles, the head
