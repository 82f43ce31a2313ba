"""What is written within one turn goes out together, once, in its order."""

import asyncio

import pytest

from scanner.hosts.ssh.fewer_writes import GatheringTransport


class Wire(asyncio.Transport):
    """Remembers what reached the socket."""

    def __init__(self):
        super().__init__()
        self.said = []

    def write(self, data):
        self.said.append(data)

    def close(self):
        self.said.append("closed")

    def abort(self):
        self.said.append("aborted")

    def is_closing(self):
        return bool(self.said) and self.said[-1] in {"closed", "aborted"}


@pytest.fixture
async def wire():
    """The wire with the transport before it."""
    under = Wire()
    return under, GatheringTransport(under, asyncio.get_running_loop())


async def test_what_one_turn_writes_goes_out_at_once(wire):
    under, transport = wire
    transport.write(b"a")
    transport.writelines([b"b", memoryview(b"c")])
    assert under.said == []
    await asyncio.sleep(0)
    transport.write(b"d")
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert under.said == [b"abc", b"d"]


async def test_a_buffer_may_be_used_again_after_it_was_written(wire):
    under, transport = wire
    buffer = bytearray(b"first")
    transport.write(buffer)
    buffer[:] = b"other"
    await asyncio.sleep(0)
    assert under.said == [b"first"]


async def test_closing_loses_nothing(wire):
    under, transport = wire
    transport.write(b"last words")
    transport.close()
    await asyncio.sleep(0)
    assert (under.said, transport.is_closing()) == ([b"last words", "closed"], True)


async def test_aborting_says_nothing_more(wire):
    under, transport = wire
    transport.write(b"too late")
    transport.abort()
    await asyncio.sleep(0)
    assert under.said == ["aborted"]
