"""Who answers for which finding, until when."""

from __future__ import annotations

from scanner.domain.verdict.reason import Status
from scanner.domain.waiver import Waiver
from scanner.service.answers import RefusalReason
from scanner.store.error import StoreError
from scanner.store.lease import TakenOverError
from tests.service.environment import NOW, gate, host, scanned


async def test_a_waiver_says_until_when_and_never_changes_what_is_found_or_decided(service, environment):
    environment.hosts = (host("b", "10.0.0.2", "r.example/app:1"),)
    assert service.reloading.reload("test").successful
    await scanned(service)
    made = await service.waivers.add(Waiver("", "me", "why", NOW + 100, image="r.example/*"), "test")
    [finding] = service.publication.report().findings
    assert (finding.waived_until, finding.verdict.status) == (NOW + 100, Status.MISMATCH)
    assert (await gate(service, "b"))[0] == "deny"
    environment.now += 101
    await scanned(service)
    assert (service.publication.report().findings[0].waived_until, await service.waivers.in_force()) == (None, [])
    assert await service.waivers.delete(made.id, "test") is True


async def test_a_waiver_that_another_instance_added_counts_from_the_next_scan(service, environment, store):
    environment.hosts = (host("b", "10.0.0.2", "r.example/app:1"),)
    assert service.reloading.reload("test").successful
    other = environment.service(store)
    made = await other.waivers.add(Waiver("", "me", "why", NOW + 100, image="r.example/*"), "test")
    await other.stop()
    await scanned(service)
    assert service.publication.report().findings[0].waived_until == NOW + 100
    assert await service.waivers.in_force() == [made]


async def test_a_store_that_fails_keeps_the_waivers_in_force_and_takes_no_more(service, store, monkeypatch):
    raised = [StoreError("the disk is full", fatal=False)]

    async def failing(*_):
        raise raised[-1]

    made = await service.waivers.add(Waiver("", "me", "why", NOW + 100, host="a"), "test")
    for name in ("records", "put_record", "delete_record"):
        monkeypatch.setattr(store, name, failing)
    assert await service.waivers.in_force() == [made]
    refused = await service.waivers.add(made, "test"), await service.waivers.delete(made.id, "test")
    assert [(one.reason, one.retry_after_s) for one in refused] == [(RefusalReason.STORE_FAILED, 60)] * 2
    raised.append(TakenOverError("postgresql://x", "b"))
    refused = await service.waivers.add(made, "test"), await service.waivers.delete(made.id, "test")
    assert [(one.reason, one.retry_after_s) for one in refused] == [(RefusalReason.NOT_LEADER, 10)] * 2
