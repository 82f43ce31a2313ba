"""A registry behind a proxy: what the proxy is told, what it may say, that it is kept apart from what stands behind it."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import httpx
import pytest

from scanner.domain.verdict.reason import Reason
from scanner.registry.http.connection import MAX_HEAD_BYTES
from scanner.registry.http.exchange import exchange
from scanner.registry.http.pinned_transport import make_transport
from scanner.registry.http.tls import tls_context
from tests.real.listener import Listener


@dataclass
class ForwardProxy(Listener):
    """Makes a tunnel for whoever asks, passes on what comes in plain http; every name leads to ``target``."""

    target: int = 0
    heads: list[bytes] = field(default_factory=list)

    async def talk(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        there_reads, there_writes = await asyncio.open_connection("127.0.0.1", self.target)
        if head.startswith(b"CONNECT "):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            ways = [passed(reader, there_writes), passed(there_reads, writer)]
        else:
            there_writes.write(without_credentials(head))
            ways = [self.requests_passed(reader, there_writes), passed(there_reads, writer)]
        both = asyncio.gather(*ways)
        try:
            await both
        finally:
            both.cancel()
            there_writes.transport.abort()

    async def requests_passed(self, reader, writer):
        while True:
            self.heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(without_credentials(self.heads[-1]))


def without_credentials(head):
    return b"\r\n".join(line for line in head.split(b"\r\n") if not line.startswith(b"Proxy-Authorization"))


async def passed(reader, writer):
    while piece := await reader.read(1 << 16):
        writer.write(piece)
        await writer.drain()
    writer.close()


@pytest.fixture
async def through(authority):
    """``await through(proxy_tls=False)``: a proxy and the transport that goes through it."""
    started, made = [], []

    async def to(target, *, proxy_tls=False, credentials="user:pass@"):
        proxy = ForwardProxy(target=target)
        await proxy.start(authority.server("127.0.0.1") if proxy_tls else None)
        started.append(proxy)
        url = f"{'https' if proxy_tls else 'http'}://{credentials}{proxy.address}"
        made.append(make_transport(verify=tls_context(authority.ca_file), plain_http=True, proxy=url))
        return proxy, made[-1]

    yield to
    for each in made:
        await each.aclose()
    for each in started:
        await each.stop()


async def asked(transport, url, max_bytes=200_000, deadline_s=20):
    request = httpx.Request("GET", url, headers={"Authorization": "Bearer token"})
    return await exchange(transport, request, max_bytes=max_bytes, deadline_s=deadline_s)


@pytest.mark.parametrize("proxy_tls", [False, True], ids=["http proxy", "https proxy"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_is_told_its_own_credentials_and_the_registry_those_that_are_for_it(
    http_server, authority, through, reply, scheme, proxy_tls
):
    server = await http_server(
        lambda seen: reply(200, seen.target.encode() + b"x" * 100_000),
        authority.server("registry.test") if scheme == "https" else None,
    )
    proxy, transport = await through(server.port, proxy_tls=proxy_tls)
    base = f"{scheme}://registry.test:{server.port}"
    answers = [await asked(transport, f"{base}/v2/{number}") for number in range(3)]
    assert [len(answer.body) for answer in answers] == [100_000 + len(seen.target) for seen in server.seen]
    assert [seen.headers.get("proxy-authorization") for seen in server.seen] == [None] * 3
    assert [seen.authorization for seen in server.seen] == ["Bearer token"] * 3
    assert (proxy.connections, server.connections) == (1, 1)
    told = [head.splitlines()[0].decode() for head in proxy.heads]
    if scheme == "http":
        assert told == [f"GET {base}/v2/{number} HTTP/1.1" for number in range(3)]
    else:
        assert told == [f"CONNECT registry.test:{server.port} HTTP/1.1"]
        assert b"token" not in proxy.heads[0]
    assert all(b"\r\nProxy-Authorization: Basic dXNlcjpwYXNz\r\n" in head for head in proxy.heads)


async def test_a_proxy_without_credentials_is_told_none(http_server, through, reply):
    server = await http_server(lambda _: reply(200, b"fine"))
    proxy, transport = await through(server.port, credentials="")
    assert (await asked(transport, "http://registry.test/v2/")).body == b"fine"
    assert b"proxy-authorization" not in proxy.heads[0].lower()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", Reason.IMAGE_UNREACHABLE),
        (b"HTTP/1.1 200 OK\r\n\r\n\x16\x03\x03 and what no server has said", Reason.IMAGE_UNREACHABLE),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2 * MAX_HEAD_BYTES, Reason.IMAGE_MALFORMED),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Reason.IMAGE_MALFORMED),
        (b"HTTP/1.1 103 Hints\r\n\r\n" * 1000, Reason.IMAGE_MALFORMED),
        (b"", Reason.IMAGE_MALFORMED),
        (b"HTTP/1.1 200 OK\r\n\r\n", Reason.IMAGE_UNREACHABLE),
    ],
    ids=["refused", "more", "long", "other", "hints", "nothing", "gone"],
)  # fmt: skip
async def test_a_proxy_that_makes_no_tunnel_costs_its_requests_alone(http_server, reply, said, reason):
    proxy = await http_server(lambda _: reply(raw=said))
    transport = make_transport(proxy=f"http://{proxy.address}")
    for _ in range(2):
        assert (await asked(transport, "https://registry.test/v2/")).reason is reason
    await transport.aclose()
    assert [seen.target for seen in proxy.seen] == ["registry.test:443"] * 2


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://[fd00::1]:5000/v2/?n=1", "http://[fd00::1]:5000/v2/?n=1"),
        ("http://[fd00::1]/v2/", "http://[fd00::1]/v2/"),
        ("https://[fd00::1]/v2/", "[fd00::1]:443"),
        ("https://user:pass@registry.test:5000/v2/", "registry.test:5000"),
        ("http://user:pass@registry.test/v2/", "http://registry.test/v2/"),
    ],
)
async def test_a_proxy_is_told_where_to_as_it_reads_it(http_server, reply, url, target):
    proxy = await http_server(lambda _: reply(502))
    transport = make_transport(plain_http=True, allow_networks=True, proxy=f"http://{proxy.address}")
    await asked(transport, url)
    await transport.aclose()
    assert [seen.target for seen in proxy.seen] == [target]


async def test_a_proxy_that_says_nothing_is_a_timeout(http_server):
    async def never(_):
        await asyncio.Event().wait()

    proxy = await http_server(never)
    transport = make_transport(proxy=f"http://{proxy.address}")
    answer = await asked(transport, "https://registry.test/v2/", deadline_s=0.2)
    assert answer.reason is Reason.IMAGE_TIMEOUT
    await transport.aclose()


async def test_a_proxy_that_nobody_vouches_for_is_told_nothing(http_server, authority, reply):
    proxy = await http_server(lambda _: reply(200), authority.server("other.test"))
    transport = make_transport(verify=tls_context(authority.ca_file), proxy=f"https://user:pass@{proxy.address}")
    assert (await asked(transport, "https://registry.test/v2/")).reason is Reason.IMAGE_TLS_REJECTED
    await transport.aclose()
    assert proxy.seen == []


async def test_a_server_behind_a_tunnel_that_nobody_vouches_for_is_asked_nothing(
    http_server, authority, through, reply
):
    server = await http_server(lambda _: reply(200), authority.server("other.test"))
    _, transport = await through(server.port)
    answer = await asked(transport, f"https://registry.test:{server.port}/v2/")
    assert (answer.reason, server.seen) == (Reason.IMAGE_TLS_REJECTED, [])


async def test_what_comes_behind_an_answer_through_a_proxy_is_none_to_the_next_request():
    accepted = []

    async def serve(reader, writer):
        accepted.append(writer)
        with contextlib.suppress(asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split()[1]
                more = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother"
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s%s" % (len(path), path, more))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        transport = make_transport(plain_http=True, proxy=f"http://127.0.0.1:{port}")
        urls = [f"http://registry.test/{number}" for number in range(3)]
        assert [(await asked(transport, url)).body.decode() for url in urls] == urls
        await transport.aclose()
    assert len(accepted) == 3
