"""What an endpoint of service discovery does wrong is said in a line, within its time."""

import asyncio
from dataclasses import dataclass

import pytest

from scanner.inventory.reading.http_fetch import fetch
from tests.real.listener import Listener

OK = b"HTTP/1.1 200 OK\r\n"
NOT_WHOLE = "the answer is not whole, or not HTTP"
TIMEOUT_S = 0.5


@dataclass
class Endpoint(Listener):
    """Says something once, then, where that is not all, the same byte over and over."""

    said: bytes
    drip: bytes = b""

    async def talk(self, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self.said)
        while self.drip:
            await writer.drain()
            await asyncio.sleep(0.02)
            writer.write(self.drip)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


async def answered(said, drip=b"", timeout_s=60.0):
    endpoint = Endpoint(said, drip)
    await endpoint.start()
    try:
        return await asyncio.to_thread(fetch, f"http://{endpoint.address}/", timeout_s=timeout_s)
    finally:
        await endpoint.stop()


@pytest.mark.parametrize(
    ("said", "drip", "told"),
    [
        (b"SSH-2.0-x\r\n", b"", NOT_WHOLE),
        (b"", b"", NOT_WHOLE),
        (OK + b"Content-Length: 100\r\n\r\n[]", b"", NOT_WHOLE),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n[]", b"", NOT_WHOLE),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n[]", b"", NOT_WHOLE),
        (OK + b"x: y\r\n" * 500 + b"\r\n[]", b"", NOT_WHOLE),
        (OK + b"x: " + b"y" * 70_000 + b"\r\n\r\n[]", b"", NOT_WHOLE),
        (OK + b"Content-Length: 100000\r\n\r\n[", b" ", "timed out"),
        (OK, b"x: y\r\n", "timed out"),
        (b"HTTP/1.1 1", b"0", "timed out"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "timed out"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n", b"", "it redirects"),
        (b"HTTP/1.1 401 \x1b[31mNo\r\nContent-Length: 0\r\n\r\n", b"", "401"),
    ],
)
async def test_an_answer_that_is_not_whole_in_time_is_none(said, drip, told):
    with pytest.raises((OSError, ValueError), match=told):
        await asyncio.wait_for(answered(said, drip, TIMEOUT_S if told == "timed out" else 60.0), 60)


async def test_a_whole_answer_is_read():
    assert await answered(OK + b"Content-Length: 2\r\n\r\n[]") == b"[]"
    assert await answered(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n") == b"[]"
    assert await answered(OK + b"\r\n[]") == b"[]"
