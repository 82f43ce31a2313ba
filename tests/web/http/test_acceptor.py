"""However many connections strangers open, whoever asks for health is answered."""

import asyncio
import contextlib
import resource
import socket
import time

import httpx
import pytest
import structlog

from scanner.web.http import acceptor
from scanner.web.http.acceptor import Complaint
from scanner.web.http.server import Server

HUNG_S = 60
"""Longer than any answer takes, however busy the machine."""
GET = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
async def serve(app_with, monkeypatch):
    monkeypatch.setattr(acceptor, "for_clients", lambda: 20)
    server = Server(app_with(), "127.0.0.1", 0)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def connect(serve):
    opened = []

    async def connection(sent=b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", serve.port)
        opened.append(writer)
        writer.write(sent)
        return reader, writer

    yield connection
    for writer in opened:
        writer.close()
    for writer in opened:
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def healthy(server):
    began = time.monotonic()
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.get(f"http://127.0.0.1:{server.port}/-/healthy")).status_code == 200
    return time.monotonic() - began


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        GET,
        b"POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nx",
    ],
)
async def test_those_that_keep_the_server_waiting_make_room(serve, connect, sent):
    for _ in range(200):
        await connect(sent)
        await asyncio.sleep(0)
    assert await healthy(serve) < HUNG_S
    assert len(serve._uvicorn.server_state.connections) <= 20 + acceptor.EXTRA_CLIENTS


async def test_a_request_that_has_come_is_answered_however_many_wait_behind_it(serve):
    """A machine that had the server wait hands it the connections of that while all at once."""
    with contextlib.ExitStack() as opened:

        def connection(sent):
            one = opened.enter_context(socket.create_connection(("127.0.0.1", serve.port)))
            one.sendall(sent)
            return one

        asking = connection(GET)
        for _ in range(200):
            connection(b"GET / HT")
        asking.setblocking(False)
        answer = await asyncio.get_running_loop().sock_recv(asking, 4096)
    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_among_requests_at_work_health_is_answered_and_others_are_told_to_come_back(serve, connect, service):
    request = service.queue.request(["a"])
    listen = f"GET /api/v1/scans/{request.id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    readers = [(await connect(listen))[0] for _ in range(20)]
    for reader in readers:
        await reader.readuntil(b"event: progress")
    assert await healthy(serve) < HUNG_S
    async with httpx.AsyncClient(trust_env=False) as client:
        refused = await client.get(f"http://127.0.0.1:{serve.port}/api/v1/report")
    assert (refused.status_code, refused.json()["reason"]) == (503, "too_many_connections")
    assert refused.headers["retry-after"] == "5"


async def test_beyond_the_extra_ones_connections_are_closed_and_the_log_says_so_once(serve, connect, service):
    request = service.queue.request(["a"])
    listen = f"GET /api/v1/scans/{request.id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    with structlog.testing.capture_logs() as logged:
        for _ in range(20):
            await (await connect(listen))[0].readuntil(b"event: progress")
        for protocol in serve._uvicorn.server_state.connections:
            assert protocol.waits_since is None
        serve._uvicorn.acceptor._limit = 20 - acceptor.EXTRA_CLIENTS
        for _ in range(5):
            reader, _ = await connect()
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
    assert [line["event"] for line in logged] == ["connections_refused"]


async def test_a_system_without_descriptors_pauses_and_tells_once(serve, connect, monkeypatch):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = []
    with structlog.testing.capture_logs() as logged:
        clients = [socket.socket() for _ in range(30)]
        try:
            while True:
                held.append(socket.socket())
                if len(held) == 1:
                    resource.setrlimit(resource.RLIMIT_NOFILE, (held[0].fileno() + 3, hard))
        except OSError:
            pass
        for client in clients:
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", serve.port))
        await asyncio.sleep(0.5)
        for one in held:
            one.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert await healthy(serve) < HUNG_S
        for client in clients:
            client.close()
    assert {line["event"] for line in logged} <= {"descriptors_exhausted", "connections_ended"}
    assert len(logged) <= 2


async def test_answers_do_not_wait_for_receipts(serve, connect):
    reader, writer = await connect()
    writer.write(GET)
    await reader.readuntil(b"archscan is healthy.\n")
    for protocol in serve._uvicorn.server_state.connections:
        mine = protocol.transport.get_extra_info("socket")
        assert mine.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_complaint_is_told_once_an_interval_with_how_often():
    now = [0.0]
    complaint = Complaint(lambda: now[0], 60)
    with structlog.testing.capture_logs() as logged:
        for second in (0, 1, 2, 59, 61):
            now[0] = second
            complaint.tell("accept_failed", "why")
    assert [line["times"] for line in logged] == [1, 4]
