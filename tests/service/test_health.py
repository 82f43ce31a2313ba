"""When the service is ready, for how long it counts as healthy."""

from __future__ import annotations

import asyncio

from tests.service.environment import NOW, scanned


async def test_the_service_is_ready_once_there_is_a_report(service):
    assert not service.health.ready().ready
    await scanned(service)
    assert service.health.ready().ready


async def test_health_goes_by_scans_of_the_fleet_and_not_by_the_wall_clock(service, environment, monkeypatch):
    def healthy_after(seconds):
        loop = asyncio.get_running_loop()
        later = loop.time() + seconds
        with monkeypatch.context() as patch:
            patch.setattr(loop, "time", lambda: later)
            return service.health.healthy().ready

    limit_s = 3 * (3600 + 30)
    assert (healthy_after(limit_s - 60), healthy_after(limit_s + 60)) == (True, False)
    for step in (-86400.0, 86400.0):
        environment.now = NOW + step
        assert (healthy_after(limit_s - 60), healthy_after(limit_s + 60)) == (True, False)
    service.health._alive_at -= limit_s + 60
    await scanned(service, "a")
    assert not healthy_after(0)
    await scanned(service)
    assert healthy_after(0)
