"""What a scan needed for a moment does not stay with the process."""

import asyncio
import ctypes
import resource
from pathlib import Path

from scanner.app import memory

PIECES = 200_000
PIECE_BYTES = 700
"""Above what Python keeps for itself, below what the C library maps by itself."""


def resident_bytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_free_memory_goes_back_to_the_system():
    pieces = [bytearray(PIECE_BYTES) for _ in range(PIECES)]
    last = bytearray(PIECE_BYTES)  # in use at the heap's end, so that nothing goes back by itself
    pieces.clear()
    full = resident_bytes()
    assert memory.give_back()
    assert full - resident_bytes() > PIECES * PIECE_BYTES // 2
    del last


def test_a_c_library_that_needs_no_telling_is_not_told(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not memory.give_back()


async def test_it_happens_again_and_again_until_it_is_ended(monkeypatch):
    happened = []
    monkeypatch.setattr(memory, "give_back", lambda: not happened.append(1))
    task = asyncio.create_task(memory.keep_giving_back(every_s=0.0))
    async with asyncio.timeout(60):
        while len(happened) < 3:
            await asyncio.sleep(0)
    task.cancel()
    assert [type(end) for end in await asyncio.gather(task, return_exceptions=True)] == [asyncio.CancelledError]
