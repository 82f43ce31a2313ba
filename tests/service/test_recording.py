import threading

import pytest

from scanner.domain.decision import Decision
from scanner.domain.report import Report
from scanner.domain.waiver import Waiver
from scanner.scan.aside import FEW
from scanner.service.answers import Checked, Refusal
from scanner.store.error import StoreError
from scanner.trail import entries, leaf, report_rows
from scanner.trail.note import Signer
from scanner.trail.trail import Trail
from scanner.trail.verify import verify
from tests.builders import host_facts, read_host
from tests.service.environment import gate, host, scanned, settled


@pytest.fixture
async def trail(store, environment):
    made = Trail(store, Signer.made("log.example"), clock=environment.clock)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def service(environment, store, trail):
    environment.hosts = (host("a", "10.0.0.1", "r.example/app:1"), host("b", "10.0.0.2", "r.example/app:1"))
    made = environment.service(store, trail)
    yield made
    environment.go.set()
    await made.stop()


async def told(trail):
    return [leaf.decode(body) for _, body in await trail.leaves(0, 1000)]


async def test_a_scan_a_decision_a_waiver_a_reload_stand_in_the_trail(service, trail, store, environment):
    await scanned(service)
    answer = await service.gate.check(("r.example/app:1",), ("a",), None, "ci")
    waiver = await service.waivers.add(Waiver("", "me", "known", environment.now + 60), "ops")
    await service.waivers.delete(waiver.id, "ops")
    service.reloading.reload("SIGHUP")
    await settled()
    await service.recording.close()
    entries = await told(trail)
    assert [one.event for one in entries] == [
        "scan_started", "finding_opened", "scan_finished", "gate_decided", "waiver_added", "waiver_deleted",
        "configuration_reloaded",
    ]  # fmt: skip
    assert [one.by for one in entries] == ["test", "test", "test", "ci", "ops", "ops", "SIGHUP"]
    opened, decided = entries[1], entries[3]
    assert (opened.about["host"], opened.about["status"]) == ("b", "mismatch")
    assert decided.about["id"] == answer.id
    assert decided.about["decision"] == str(answer.decision)
    assert answer.trail_index == 3
    assert (await store.trail(lambda rows: verify(rows, trail.verifier))).found == []


async def test_whatever_waits_for_the_store_waits_for_no_report_s_digest(service, trail, store, monkeypatch):
    made_in, digest = [], report_rows.report_digest

    def report_digest(report):
        made_in.append(threading.current_thread().name)
        return digest(report)

    monkeypatch.setattr(report_rows, "report_digest", report_digest)
    await scanned(service)
    assert made_in
    assert not any(name.startswith("archscan-store") for name in made_in)
    assert (await told(trail))[-1].about["report"] == digest(await store.load())


async def test_what_got_well_is_closed_and_what_stays_is_not_told_again(service, trail, environment):
    await scanned(service)
    await scanned(service)
    environment.machines["10.0.0.2"] = environment.machines["10.0.0.1"]
    await scanned(service)
    entries = await told(trail)
    assert [one.event for one in entries].count("finding_opened") == 1
    assert {"architecture_changed", "finding_closed"} <= {one.event for one in entries[-4:]}


async def test_while_the_trail_fails_the_gate_holds_and_scans_go_on(service, trail, store, monkeypatch):
    await scanned(service)
    monkeypatch.setattr(trail._log, "append", lambda *_: (_ for _ in ()).throw(trail_error()))
    await scanned(service)
    assert len(await store.scans()) == 2
    answer = await service.gate.check(("r.example/app:1",), ("a",), None, "ci")
    assert isinstance(answer, Refusal)
    assert answer.reason == "trail_failed"
    assert (await service.waivers.add(Waiver("", "me", "known", 2e9), "ops")).reason == "trail_failed"
    assert await store.records("waiver") == {}
    monkeypatch.undo()
    assert (await gate(service, "a"))[0] == "allow"
    assert "trail_resumed" in [one.event for one in await told(trail)]


async def test_a_store_that_fails_is_told_once_it_works(service, trail, store, monkeypatch):
    async def full(*_):
        raise StoreError("disk full", fatal=False)

    monkeypatch.setattr(store, "save", full)
    await scanned(service)
    monkeypatch.undo()
    await scanned(service)
    assert "trail_resumed" in [one.event for one in await told(trail)]
    assert trail.failure == ""


@pytest.mark.parametrize(("many", "is_aside"), [(FEW, False), (FEW + 1, True)])
async def test_a_decision_about_many_hosts_is_written_up_beside_the_loop(service, monkeypatch, many, is_aside):
    seen, made = [], entries.gate_decided
    hosts = tuple(read_host(host_facts(f"h{number}")) for number in range(many))
    monkeypatch.setattr(entries, "gate_decided", lambda *a, **b: seen.append(threading.get_ident()) or made(*a, **b))
    await service.recording.decided(Checked(Report("s", 0.0, 1.0, hosts, ()), Decision.HOLD), {}, "ci")
    assert (seen != [threading.get_ident()]) is is_aside


def trail_error():
    from scanner.trail.log import TrailError  # noqa: PLC0415 -- only here

    return TrailError("somebody else wrote to the trail")
