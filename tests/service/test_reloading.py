"""How the service takes reloads, while it scans or not."""

from __future__ import annotations

import asyncio

import pytest

from scanner.domain.host import Host
from scanner.inventory import Skipped
from scanner.service.scan_queue import ScanState
from scanner.settings.problem import Problem, SettingsError
from tests.service.environment import host, reasons, scanned, settled


async def test_a_running_scan_ends_on_the_settings_it_began_with(service, environment):
    environment.go.clear()
    first = environment.opened[0]
    request = await service.scans.request((), "test")
    await settled()
    environment.hosts = (host("a"), host("c"))
    assert service.reloading.reload("test").successful
    await settled()
    assert first.closed == 0
    environment.go.set()
    async for state in service.scans.watch(request.id):
        request = state
    await settled()
    assert list(reasons(service)) == ["a", "b"]
    assert (first.closed, environment.opened[1].closed) == (1, 0)


async def test_twenty_reloads_close_what_each_of_them_replaced_once(service, environment):
    for _ in range(20):
        assert service.reloading.reload("test").successful
        await settled()
    assert [adapters.closed for adapters in environment.opened] == [1] * 20 + [0]


async def test_reloads_from_many_threads_leave_one_set_of_adapters_open_and_close_none_twice(service, environment):
    await asyncio.gather(*(asyncio.to_thread(service.reloading.reload, "test") for _ in range(100)))
    await settled()
    assert environment.opened[0].closed == 1
    assert service.reloading._adapters.closed == 0
    assert max(adapters.closed for adapters in environment.opened) == 1
    assert (await scanned(service)).state is ScanState.DONE


async def test_a_fleet_that_shrinks_by_more_than_half_is_refused(service, environment):
    environment.hosts = tuple(host(name) for name in "abc")
    assert service.reloading.reload("test").successful
    environment.hosts = (host("a"),)
    refused = service.reloading.reload("test")
    assert (refused.successful, "allow_shrink" in refused.detail) == (False, True)
    assert [one.name for one in service.reloading.hosts()] == ["a", "b", "c"]


@pytest.mark.parametrize("bad", [SettingsError([Problem("f", 1, "scan", "bad")]), OSError("no such file")])
async def test_a_configuration_that_cannot_be_read_changes_nothing(service, environment, bad):
    environment.bad = bad
    assert not service.reloading.reload("test").successful
    await scanned(service)
    assert reasons(service) == {"a": "read", "b": "read"}


async def test_a_host_that_cannot_be_understood_is_in_the_report_beside_those_that_are_read(service, environment):
    environment.hosts = (host("a"), Host("odd", problem="hosts:3: host odd: is odd", labels={"team": "x"}), host("c"))
    assert service.reloading.reload("test").successful
    await scanned(service)
    assert [one.name for one in service.publication.report().hosts] == ["a", "odd", "c"]


async def test_a_fleet_of_which_most_can_no_longer_be_understood_is_refused(service, environment):
    environment.hosts = tuple(Host(name, problem="hosts:1: is odd") for name in "ab")
    refused = service.reloading.reload("test")
    assert (refused.successful, "would leave 0 of 2 hosts" in refused.detail) == (False, True)


async def test_the_metrics_count_what_the_inventory_names(service, environment):
    environment.hosts = (host("a"), host("b"), Host("odd", problem="hosts:1: is odd"))
    environment.skipped = (Skipped("win", "hosts:4", "its connection is winrm"),)
    assert service.reloading.reload("test").successful
    await settled()
    _, page = service.reloading._observer.render(None, None)
    shown = [line for line in page.decode().splitlines() if line.startswith("archscan_inventory_hosts{")]
    assert shown == [
        'archscan_inventory_hosts{state="read"} 2.0',
        'archscan_inventory_hosts{state="not_understood"} 1.0',
        'archscan_inventory_hosts{state="skipped"} 1.0',
    ]
