"""Scans on request, from the settings in force to their publication."""

from __future__ import annotations

from scanner.domain.verdict.reason import Reason, Status
from scanner.service.scan_queue import ScanState
from tests.service.environment import ARM64, NOW, host, reasons, scanned, settled


async def test_a_partial_scan_keeps_the_last_reading_of_everybody_else(service, environment):
    await scanned(service)
    environment.machines = {"10.0.0.2": ARM64}
    environment.now += 60
    await scanned(service, "b")
    assert reasons(service) == {"a": "read", "b": "read"}
    assert [reading.taken_at for reading in service.publication.report().hosts] == [NOW, NOW + 60]


async def test_an_interrupted_scan_publishes_nothing(service, environment):
    await scanned(service)
    published = service.publication.report()
    environment.go.clear()
    request = await service.scans.request((), "test")
    await settled()
    await service.stop()
    assert service.scans.find(request.id).state is ScanState.FAILED
    assert service.publication.report() is published


async def test_a_scan_that_hangs_ends_at_its_deadline_with_its_hosts_unknown(service, environment):
    environment.document = {"scan": {"interval": "1h", "deadline": "500ms", "jitter": "0s"}, "ssh": {
        "connect_timeout": "100ms", "probe_timeout": "100ms"}}  # fmt: skip
    environment.hosts = (host("a", "10.0.0.1", "r.example/app:1"),)
    assert service.reloading.reload("test").successful
    environment.go.clear()
    assert (await scanned(service)).state is ScanState.DONE
    assert reasons(service) == {"a": Reason.INTERNAL_DEADLINE}
    assert service.publication.report().counts[Status.UNKNOWN] == 1
