"""What the gate answers, by what the last scan knows of the hosts."""

from __future__ import annotations

import asyncio

import pytest

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.service.answers import Refusal
from scanner.service.scan_queue import ScanState
from scanner.store.error import StoreError
from tests.service.environment import gate, host, reasons, scanned

IMAGES = ("r.example/app:1", "r.example/other:1")


@pytest.fixture
def unasking(environment):
    """The gate does not read hosts itself."""
    environment.document["gate"] = {"reprobe": "0s"}


async def test_the_gate_holds_before_the_first_scan_then_decides_by_what_was_read(unasking, service):
    assert await gate(service, "a") == ("hold", ["host_stale"])
    await scanned(service)
    assert await gate(service, "a") == ("allow", ["native"])
    assert await gate(service, "b") == ("deny", ["platform_missing"])


async def test_the_gate_holds_for_hosts_that_a_partial_scan_left_out(unasking, service):
    await scanned(service, "a")
    assert await gate(service, "a") == ("allow", ["native"])
    assert await gate(service, "b") == ("hold", ["host_stale"])


@pytest.mark.parametrize("step", [16 * 60, 86400, -1, -86400])
async def test_the_gate_holds_where_the_clock_says_that_facts_are_old_or_not_taken_yet(
    unasking, service, environment, step
):
    await scanned(service)
    environment.now += step
    assert await gate(service, "a") == ("hold", ["host_stale"])
    await scanned(service)
    assert await gate(service, "a") == ("allow", ["native"])


async def test_the_gate_never_uses_facts_of_another_machine_that_had_the_name(unasking, service, environment):
    await scanned(service)
    environment.hosts = (host("a", "10.0.0.2"), host("b", "10.0.0.2"))
    assert service.reloading.reload("test").successful
    assert await gate(service, "a") == ("hold", ["host_stale"])
    await scanned(service, "b")
    assert reasons(service) == {"b": "read"}  # what was read of the other machine is gone
    await scanned(service)
    assert await gate(service, "a") == ("deny", ["platform_missing"])


async def test_the_gate_waits_for_the_new_machine_s_report_to_be_published(
    unasking, service, environment, store, monkeypatch
):
    await scanned(service)
    environment.hosts = (host("a", "10.0.0.2"),)
    assert service.reloading.reload("test").successful
    saving, go, save = asyncio.Event(), asyncio.Event(), store.save

    async def slowly(report):
        saving.set()
        await go.wait()
        return await save(report)

    monkeypatch.setattr(store, "save", slowly)
    scan = asyncio.create_task(scanned(service))
    await saving.wait()
    assert await gate(service, "a") == ("hold", ["host_stale"])
    go.set()
    await scan
    assert await gate(service, "a") == ("deny", ["platform_missing"])


async def test_the_gate_refuses_a_host_that_left_the_inventory(service, environment):
    await scanned(service)
    environment.hosts = (host("b", "10.0.0.2"),)
    assert service.reloading.reload("test").successful
    answer = await service.gate.check(("r.example/app:1",), ("a",), None, "test")
    assert isinstance(answer, Refusal)
    await scanned(service)
    assert reasons(service) == {"b": "read"}


async def test_the_gate_holds_after_a_restart_until_the_hosts_are_read_again(unasking, service, environment, store):
    await scanned(service)
    again = environment.service(store)
    environment.go.clear()
    await again.start()
    assert reasons(again) == {"a": "read", "b": "read"}  # shown, as history
    assert await gate(again, "a") == ("hold", ["host_stale"])
    environment.go.set()
    await scanned(again)
    assert await gate(again, "a") == ("allow", ["native"])
    await again.stop()


async def test_a_host_that_stops_answering_holds_the_gate_at_once(service, environment):
    await scanned(service)
    environment.machines["10.0.0.1"] = Failure(Reason.HOST_TIMEOUT)
    await scanned(service)
    assert await gate(service, "a") == ("hold", ["host_timeout"])
    assert await gate(service, "*") == ("deny", ["host_timeout", "platform_missing"])


async def test_a_store_that_fails_holds_the_gate_while_reports_go_on(service, environment, store, monkeypatch):
    async def full(_report):
        raise StoreError("the disk is full", fatal=False)

    await scanned(service)
    kept = store.save
    monkeypatch.setattr(store, "save", full)
    environment.now += 60
    assert (await scanned(service)).state is ScanState.DONE
    assert service.publication.report().finished_at == environment.now
    assert isinstance(await service.gate.check(("r.example/app:1",), ("a",), None, "test"), Refusal)
    monkeypatch.setattr(store, "save", kept)
    await scanned(service)
    assert await gate(service, "a") == ("allow", ["native"])


async def test_a_bug_while_the_gate_judges_is_counted_and_holds(service, environment, monkeypatch):
    await scanned(service)

    async def faulty(*_, **__):
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(environment, "resolve", faulty)
    counted = []
    monkeypatch.setattr(service.gate._observer, "internal_error", lambda: counted.append(1))
    assert await gate(service, "a") == ("hold", ["internal_bug"])
    assert counted == [1]


async def test_images_for_a_host_that_is_not_read_are_pinned_at_once_not_one_after_another(service, environment):
    environment.machines["10.0.0.1"] = Failure(Reason.HOST_TIMEOUT)
    await scanned(service)
    asked, together, resolve = [], asyncio.Event(), environment.resolve

    async def waiting(reference, *, depth, wanted=None):
        asked.append(reference)
        if len(asked) == len(IMAGES):
            together.set()
        await asyncio.wait_for(together.wait(), 60)
        return await resolve(reference, depth=depth, wanted=wanted)

    environment.resolve = waiting
    answer = await service.gate.check(IMAGES, ("a",), None, "test")
    assert set(answer.pins) == set(IMAGES)
