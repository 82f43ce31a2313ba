"""The service from start to stop."""

from __future__ import annotations

import pytest

from scanner.errors import ServiceError
from scanner.store.error import StoreError


async def test_a_store_that_cannot_be_read_at_the_start_is_told_in_one_line(service, store, monkeypatch):
    async def damaged(_kind):
        raise StoreError("store archscan.db: malformed: restore a backup")

    monkeypatch.setattr(store, "records", damaged)
    with pytest.raises(ServiceError, match="restore a backup"):
        await service.start()
