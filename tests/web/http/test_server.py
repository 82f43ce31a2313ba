import asyncio
import contextlib
import ssl
import time

import httpx
import pytest

from scanner.web.http.access import Access
from scanner.web.http.server import ListenError, Server, context_of
from scanner.web.http.web_config import TlsFiles
from tests.real.certificate import self_signed


@pytest.fixture
async def serve(app_with):
    running = []

    async def start(access=None, **options):
        server = Server(app_with(access), "127.0.0.1", 0, **options)
        await server.start()
        running.append(server)
        return server

    yield start
    for server in running:
        await server.stop()


async def send(port, *pieces, pause=0.0):
    """Everything the server says to these bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def test_the_real_server_answers(serve):
    server = await serve()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        for path in ("/", "/metrics", "/-/healthy", "/api/v1/report"):
            got = await client.get(path)
            assert got.status_code == 200
            assert "server" not in got.headers


async def test_a_port_in_use_is_told_in_one_line(serve, app_with):
    server = await serve()
    with pytest.raises(ListenError, match=rf"cannot listen on 127.0.0.1:{server.port}: the port is in use"):
        Server(app_with(), "127.0.0.1", server.port)


@pytest.mark.parametrize(
    ("host", "words"), [("203.0.113.1", "no such address"), ("no.such.name.invalid", "cannot listen on")]
)
def test_an_address_that_is_not_ours_is_told_in_one_line(app_with, host, words):
    with pytest.raises(ListenError, match=words) as refused:
        Server(app_with(), host, 0)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("host", ["", "::1"])
async def test_every_interface_or_ipv6_can_be_listened_on(app_with, host):
    server = Server(app_with(), host, 0)
    await server.start()
    async with httpx.AsyncClient(trust_env=False) as client:
        name = "[::1]" if host else "127.0.0.1"
        assert (await client.get(f"http://{name}:{server.port}/-/healthy")).status_code == 200
    await server.stop()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1073741824\r\n\r\n", b"413"),
        (b"POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
        (b"POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"HEAD / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5;" + b"x" * 65536, b"400"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 65536 + b"\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"400"),
        (b"POST /-/reload HTTP/1.1\r\nHost: localhost/-/healthy?\r\nConnection: close\r\n\r\n", b"403"),
        (b"POST http://localhost/-/reload HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /hosts/%0d%0aX-Injected:%201 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", b"404"),
    ],
)  # fmt: skip
async def test_requests_that_are_none_are_refused(serve, service, caplog, request_bytes, status):
    server = await serve()
    got = await send(server.port, request_bytes)
    assert got.split(b" ")[1] == status, got[:300]
    assert b"content-type: application/problem+json" in got
    assert (b"head_too_large" in got) is (b"X: x" in request_bytes)
    assert "Fatal error" not in caplog.text
    assert b"X-Injected" not in got.partition(b"\r\n\r\n")[0]
    assert service.asked == []


async def test_endless_chunks_are_refused_at_the_limit(serve):
    server = await serve()
    head = b"POST /api/v1/explain HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(head)
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < 1 << 22 and not reader.at_eof():
            writer.write(b"2000\r\n" + b"x" * 8192 + b"\r\n")
            await writer.drain()
            sent += 8192
            await asyncio.sleep(0)
    with contextlib.suppress(ConnectionError):
        assert (await asyncio.wait_for(reader.read(), 60)).startswith(b"HTTP/1.1 413")
    writer.close()
    assert sent < 1 << 22


async def test_slow_clients_are_closed_while_others_are_served(serve, monkeypatch):
    monkeypatch.setattr("scanner.web.http.protocol.HEAD_WITHIN_S", 1.0)
    server = await serve()
    crawling = [asyncio.create_task(send(server.port, b"GET / HT", b"T", b"P", pause=0.2)) for _ in range(100)]
    await asyncio.sleep(0)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as client:
        for _ in range(5):
            assert (await client.get("/-/healthy")).status_code == 200
    closed = await asyncio.gather(*crawling, return_exceptions=True)
    assert all(answer == b"" or isinstance(answer, ConnectionError) for answer in closed)


async def test_a_kept_connection_that_starts_to_crawl_is_closed(serve, monkeypatch):
    monkeypatch.setattr("scanner.web.http.protocol.HEAD_WITHIN_S", 0.3)
    server = await serve()
    whole = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
    began = time.monotonic()
    got = await send(server.port, whole, b"GET /-/heal")
    assert got.count(b"HTTP/1.1 200") == 1
    assert time.monotonic() - began < 60


async def test_a_kept_connection_may_rest(serve, monkeypatch):
    monkeypatch.setattr("scanner.web.http.protocol.HEAD_WITHIN_S", 0.2)
    server = await serve()
    whole = b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n"
    last = whole.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    got = await send(server.port, whole, last, pause=0.5)
    assert got.count(b"HTTP/1.1 200") == 2


async def test_a_request_that_is_being_sent_during_a_reload_is_answered(serve):
    server = await serve()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n")
    while not server._uvicorn.server_state.connections:
        await asyncio.sleep(0.01)
    server.renew(None)
    writer.write(b"Connection: close\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_the_server_stops_while_somebody_listens(app_with, service, monkeypatch):
    monkeypatch.setattr("scanner.web.http.server.GRACE_S", 1)
    server = Server(app_with(), "127.0.0.1", 0)
    await server.start()
    request = service.queue.request(["a"])
    listening = asyncio.create_task(
        send(server.port, f"GET /api/v1/scans/{request.id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    )
    while not service.app.state.context.listeners:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    await server.stop()
    assert time.monotonic() - began < 60
    assert b"event: progress" in await listening
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection("127.0.0.1", server.port if server._socket.fileno() >= 0 else 1)


async def test_a_client_that_leaves_leaves_nothing_behind(serve, service):
    server = await serve()
    request = service.queue.request(["a"])
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET /api/v1/scans/{request.id}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    await reader.readuntil(b"event: progress")
    writer.close()
    await writer.wait_closed()
    service.finish.set()
    while service.app.state.context.listeners:
        await asyncio.sleep(0.01)


# ---------------------------------------------------------------- TLS


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    self_signed(folder)
    return folder / "cert.pem", folder / "key.pem"


async def test_tls_is_served_from_the_web_config(serve, certificate):
    server = await serve(context=context_of(TlsFiles(*certificate)))
    trusted = ssl.create_default_context(cafile=certificate[0])
    async with httpx.AsyncClient(verify=trusted, trust_env=False) as client:
        assert (await client.get(f"https://127.0.0.1:{server.port}/-/healthy")).status_code == 200


async def test_a_client_without_the_asked_for_certificate_is_refused(serve, certificate):
    files = TlsFiles(*certificate, client_ca_file=certificate[0], client_auth=ssl.CERT_REQUIRED)
    server = await serve(context=context_of(files))
    trusted = ssl.create_default_context(cafile=certificate[0])
    async with httpx.AsyncClient(verify=trusted, trust_env=False) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(f"https://127.0.0.1:{server.port}/-/healthy")
    known = ssl.create_default_context(cafile=certificate[0])
    known.load_cert_chain(*certificate)
    async with httpx.AsyncClient(verify=known, trust_env=False) as client:
        assert (await client.get(f"https://127.0.0.1:{server.port}/-/healthy")).status_code == 200


def test_a_missing_certificate_is_told_in_one_line(tmp_path, certificate):
    with pytest.raises(ListenError, match="certificate or key cannot be used"):
        context_of(TlsFiles(tmp_path / "none", tmp_path / "none"))
    (tmp_path / "bad").write_text("not a certificate")
    with pytest.raises(
        ListenError, match=r"cannot be used: no certificate, or no key, in PEM, or one behind a password$"
    ):
        context_of(TlsFiles(tmp_path / "bad", tmp_path / "bad"))
    self_signed(tmp_path)
    with pytest.raises(ListenError, match=r"cannot be used: the key is of another certificate$"):
        context_of(TlsFiles(certificate[0], tmp_path / "key.pem"))


async def test_two_hundred_connections_do_not_stop_a_health_check(serve):
    server = await serve(Access())
    idle = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(200)]
    async with httpx.AsyncClient(trust_env=False) as client:
        began = time.monotonic()
        assert (await client.get(f"http://127.0.0.1:{server.port}/-/healthy")).status_code == 200
        assert time.monotonic() - began < 60
    for _, writer in idle:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for _, writer in idle), return_exceptions=True)
