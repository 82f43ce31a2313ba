"""Clients that take no answer, or send a body crumb by crumb, cost neither memory nor anybody else's time."""

import asyncio
import contextlib
import json
import socket
import struct

import httpx
import pytest
from starlette.responses import Response
from starlette.routing import Route

from scanner.web.http import limits, protocol
from scanner.web.http.limits import LimitsMiddleware
from scanner.web.http.rows_json import RowsJSONResponse
from scanner.web.http.server import Server

BODY = b"x" * (3 << 20)


class Counted:
    """Counts answers, as the metrics do."""

    def __init__(self):
        self.answers = []

    def http_request(self, route, status):
        self.answers.append(status)

    def internal_error(self):
        raise AssertionError("a bug")


@pytest.fixture
async def serving():
    """A server whose every path answers with three megabytes, and what it counted."""
    metrics = Counted()
    route = Route("/{rest:path}", lambda _: Response(BODY), methods=["GET", "POST"])
    server = Server(LimitsMiddleware(route.handle, metrics), "127.0.0.1", 0)
    await server.start()
    yield server, metrics
    await server.stop()


def ask(port):
    """A client that asks and reads nothing; its kernel takes some kilobytes."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.connect(("127.0.0.1", port))
    client.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client


async def test_nothing_more_is_written_to_a_client_that_has_gone(caplog):
    async def asked(_request):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        return Response(BODY)

    metrics = Counted()
    server = Server(LimitsMiddleware(Route("/{rest:path}", asked).handle, metrics), "127.0.0.1", 0)
    await server.start()
    client = ask(server.port)
    while not metrics.answers:
        await asyncio.sleep(0.01)
    await server.stop()
    assert not caplog.records


async def closed(writer):
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def connections(server, count):
    async with asyncio.timeout(60):
        while len(server._uvicorn.server_state.connections) != count:
            await asyncio.sleep(0.02)


async def test_a_client_that_takes_nothing_is_closed(serving, monkeypatch):
    monkeypatch.setattr(protocol, "TAKEN_WITHIN_S", 0.2)
    server, metrics = serving
    clients = [ask(server.port) for _ in range(5)]
    async with asyncio.timeout(60):
        while len(metrics.answers) < 5:
            await asyncio.sleep(0.01)
    await connections(server, 0)
    for client in clients:
        client.close()


async def test_an_answer_is_refused_rather_than_kept_beside_too_many_others(serving, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNSENT_BYTES", 7 << 20)
    server, metrics = serving
    slow = [ask(server.port) for _ in range(2)]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        while len(metrics.answers) < 2:
            await asyncio.sleep(0.01)
        refused = await client.get("/large")
        assert (refused.status_code, refused.json()["reason"]) == (503, "too_busy")
        assert refused.headers["retry-after"] == "10"
        for each in slow:
            each.close()
        await connections(server, 1)
        assert (await client.get("/large")).content == BODY
    assert metrics.answers == [200, 200, 503, 200]


async def test_the_first_large_answer_is_never_refused(serving, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNSENT_BYTES", 1)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{serving[0].port}", trust_env=False) as client:
        assert (await client.get("/")).content == BODY


async def test_a_body_in_crumbs_is_refused(serving):
    reader, writer = await asyncio.open_connection("127.0.0.1", serving[0].port)
    writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 2000)
    with contextlib.suppress(ConnectionError):
        assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 400")
    await closed(writer)


async def test_a_body_in_a_thousand_pieces_is_taken(serving):
    reader, writer = await asyncio.open_connection("127.0.0.1", serving[0].port)
    writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n")
    writer.write(b"1\r\na\r\n" * 1000 + b"0\r\n\r\n")
    assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 200")
    await closed(writer)


async def test_a_stop_cuts_slow_clients_off_without_a_line_of_their_own(serving, monkeypatch, caplog):
    monkeypatch.setattr("scanner.web.http.server.GRACE_S", 0)
    server, metrics = serving
    server._uvicorn.config.timeout_graceful_shutdown = 0.1
    clients = [ask(server.port) for _ in range(5)]
    while len(metrics.answers) < 5:
        await asyncio.sleep(0.01)
    await server.stop()
    assert not caplog.records
    for client in clients:
        client.close()


@pytest.mark.parametrize(
    "content",
    [
        {"a": [{"b": 1}, [2, None], "é"], "c": {"d": True}, "e": 1.5, "f": []},
        [{"a": 1}, {"b": [1, 2]}],
        {},
        [],
        "text",
    ],
)
def test_rows_are_the_same_json(content):
    assert json.loads(RowsJSONResponse(content).body) == content


def test_rows_hold_what_no_json_reader_takes_as_text():
    made = json.loads(RowsJSONResponse({"rows": [{"a": "x\ud800y", "b": 1 << 70}]}).body)
    assert made == {"rows": [{"a": "x\ufffdy", "b": str(1 << 70)}]}
