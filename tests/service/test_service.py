"""The service from start to stop."""

from __future__ import annotations

import pytest

from scanner.errors import ServiceError
from scanner.store.error import StoreError
from tests.service.environment import scanned


async def test_a_store_that_cannot_be_read_at_the_start_is_told_in_one_line(service, store, monkeypatch):
    async def damaged(_kind):
        raise StoreError("store archscan.db: malformed: restore a backup")

    monkeypatch.setattr(store, "records", damaged)
    with pytest.raises(ServiceError, match="restore a backup"):
        await service.start()


async def test_whoever_finds_a_report_after_a_start_finds_rollbacks_and_waivers_too(
    service, environment, store, monkeypatch
):
    await scanned(service)
    again, known = environment.service(store), []

    async def loaded():
        known.append(again.publication.report())

    for one in (again.waivers, again.overrides, again.gate_memory, again.rollbacks):
        monkeypatch.setattr(one, "load", loaded)
    await again.start()
    await again.stop()
    assert known == [None] * 4
    assert again.publication.report() is not None
