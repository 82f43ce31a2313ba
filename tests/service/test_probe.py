"""One host scanned for whoever asks."""

from __future__ import annotations

from dataclasses import replace

from scanner.service.answers import Refusal, RefusalReason
from tests.service.environment import host


async def test_a_probe_says_what_it_found_and_publishes_nothing(service, environment):
    environment.hosts = (host("a", "10.0.0.1", "r.example/app:1"), host("b", "10.0.0.2"))
    assert service.reloading.reload("test").successful
    probed = await service.probe.scan("a", 5.0, "somebody")
    assert [reading.name for reading in probed.report.hosts] == ["a"]
    assert probed.log[:3] == (
        "asked by somebody: a, deadline 5 s",
        "a: x86_64; docker up 27.0",
        "r.example/app:1 (r.example/app:1): ok native ",
    )
    assert service.publication.report() is None


async def test_only_inventory_hosts_are_probed(service):
    refused = await service.probe.scan("169.254.169.254", 5.0, "somebody")
    assert isinstance(refused, Refusal)
    assert refused.reason is RefusalReason.HOST_NOT_IN_INVENTORY


async def test_a_probe_ends_at_its_deadline_with_the_host_unknown(service, environment):
    environment.go.clear()
    probed = await service.probe.scan("a", 0.05, "somebody")
    assert [str(reading.reading.reason) for reading in probed.report.hosts] == ["internal_deadline"]


async def test_an_alias_of_an_inventory_host_may_be_probed(service, environment):
    environment.hosts = (replace(host("a"), aliases=("w1",)),)
    environment.document["scan"]["allow_shrink"] = True
    assert service.reloading.reload("test").successful
    probed = await service.probe.scan("w1", 5.0, "somebody")
    assert [reading.name for reading in probed.report.hosts] == ["a"]
