"""A loop whose names are looked up by a server that says nothing."""

from __future__ import annotations

import asyncio
import threading

import pytest

from scanner import ending
from scanner.hosts import names

WAITS_S = 60.0


@pytest.fixture
def silent(monkeypatch):
    """A lookup that ends with the test."""
    answered = threading.Event()
    monkeypatch.setattr(names, "addresses", lambda *_asked, **_options: answered.wait(WAITS_S))
    yield answered
    answered.set()
    for thread in threading.enumerate():
        if thread.name.startswith(ending.UNAWAITED):
            thread.join()


def test_a_loop_ends_while_a_name_server_still_says_nothing(silent):
    async def look():
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await asyncio.get_running_loop().getaddrinfo("slow.example", 22)
        return "ended"

    assert (names.run(look()), silent.is_set()) == ("ended", False)
    waiting = [thread for thread in threading.enumerate() if thread.name.startswith(ending.UNAWAITED)]
    assert [thread.is_alive() for thread in waiting] == [True]
