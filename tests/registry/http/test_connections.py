"""A transport's connections are kept, shared, given back, never more than allowed; the server is asyncio's own."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from types import SimpleNamespace

import httpcore
import httpx
import pytest

from scanner.registry.http.connection import PARTS_A_TURN, Connection
from scanner.registry.http.connection_limit import ConnectionLimit
from scanner.registry.http.connections import Connections
from scanner.registry.http.pinned_transport import make_transport
from scanner.registry.http.sockets import AsyncioBackend
from tests import counted
from tests.real.process import free_port

MOST = 2


class Server:
    """Answers each request with its path, and with ``more`` behind it, keeping the connection unless the path says otherwise."""

    def __init__(self):
        self.more = b""
        self.accepted = 0
        self.open = 0
        self.asked = 0
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def serve(self, reader, writer):
        self.accepted += 1
        self.open += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split()[1]
                self.asked += 1
                await self.go_on.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path) + self.more)
                await writer.drain()
                if path == b"/last":
                    break
        except asyncio.IncompleteReadError:
            pass
        finally:
            self.open -= 1
            writer.close()


@asynccontextmanager
async def serving(kept_for_s=60.0):
    server = Server()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    places = ConnectionLimit(MOST)
    connections = Connections(
        AsyncioBackend(places), ssl.create_default_context(), most=MOST, keep_for_s=kept_for_s, places=places
    )
    port = listening.sockets[0].getsockname()[1]
    try:
        yield server, connections, f"http://127.0.0.1:{port}"
    finally:
        await connections.aclose()
        listening.close()
        await listening.wait_closed()


async def asked(connections, url, pool_s=None):
    request = httpcore.Request("GET", url, headers={"Host": "x"}, extensions={"timeout": {"pool": pool_s}})
    response = await connections.handle_async_request(request)
    try:
        return await response.aread()
    finally:
        await response.aclose()


async def until(condition):
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0)


async def test_one_after_another_takes_the_same_connection():
    async with serving() as (server, connections, base):
        assert [await asked(connections, f"{base}/{number}") for number in range(5)] == [b"/%d" % n for n in range(5)]
        assert server.accepted == 1


async def test_never_more_connections_than_allowed():
    async with serving() as (server, connections, base):
        server.go_on.clear()
        asking = [asyncio.create_task(asked(connections, f"{base}/{number}")) for number in range(7)]
        await until(lambda: server.asked == MOST)
        server.go_on.set()
        assert sorted(await asyncio.gather(*asking)) == sorted(b"/%d" % number for number in range(7))
        assert server.accepted == MOST


async def test_who_waits_longer_than_its_time_is_told_so():
    async with serving() as (server, connections, base):
        server.go_on.clear()
        asking = [asyncio.create_task(asked(connections, f"{base}/{number}")) for number in range(MOST)]
        await until(lambda: server.asked == MOST)
        with pytest.raises(httpcore.PoolTimeout):
            await asked(connections, f"{base}/late", pool_s=0.01)
        server.go_on.set()
        await asyncio.gather(*asking)
        assert await asked(connections, f"{base}/later") == b"/later"


async def test_a_connection_that_the_server_has_closed_is_not_taken_again():
    async with serving() as (server, connections, base):
        assert await asked(connections, f"{base}/last") == b"/last"
        await until(lambda: server.open == 0)
        assert await asked(connections, f"{base}/next") == b"/next"
        assert server.accepted == 2


@pytest.mark.parametrize(
    "more", [b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother", b"HTTP/1.1 100 Go on\r\n\r\n", b"?"]
)
async def test_what_comes_behind_an_answer_is_none_to_the_next_request(more):
    async with serving() as (server, connections, base):
        server.more = more
        assert [await asked(connections, f"{base}/{number}") for number in range(3)] == [b"/0", b"/1", b"/2"]
        assert server.accepted == 3


async def test_a_connection_kept_too_long_is_not_taken_again():
    async with serving(kept_for_s=0.0) as (server, connections, base):
        await asked(connections, f"{base}/1")
        await asked(connections, f"{base}/2")
        assert server.accepted == 2


async def test_two_who_find_the_same_connections_too_old_close_each_once():
    async with serving(kept_for_s=0.0) as (server, connections, base):
        for _ in range(2):  # the second time both find what the first has left
            server.go_on.clear()
            asking = [asyncio.create_task(asked(connections, f"{base}/{number}")) for number in range(MOST)]
            await until(lambda: server.asked == MOST)
            server.go_on.set()
            assert await asyncio.gather(*asking) == [b"/0", b"/1"]
            server.asked = 0
        assert server.accepted == 2 * MOST


async def test_a_connection_made_while_the_pool_is_closed_is_closed_behind_its_answer(monkeypatch):
    async with serving() as (server, connections, base):
        connecting, go_on, own = asyncio.Event(), asyncio.Event(), AsyncioBackend.connect_tcp

        async def late(*arguments, **named):
            connecting.set()
            await go_on.wait()
            return await own(*arguments, **named)

        monkeypatch.setattr(AsyncioBackend, "connect_tcp", late)
        asking = asyncio.create_task(asked(connections, f"{base}/1"))
        await connecting.wait()
        await connections.aclose()
        go_on.set()
        assert await asking == b"/1"
        await until(lambda: server.open == 0)


async def test_an_answer_left_unread_costs_its_connection_alone():
    async with serving() as (server, connections, base):
        request = httpcore.Request("GET", f"{base}/unread", headers={"Host": "x"})
        response = await connections.handle_async_request(request)
        await response.aclose()
        await response.aclose()
        await until(lambda: server.open == 0)
        assert [await asked(connections, f"{base}/{number}") for number in range(MOST + 1)]


async def test_whoever_gives_up_gives_its_place_back():
    async with serving() as (server, connections, base):
        server.go_on.clear()
        for _ in range(MOST + 1):
            before = server.asked
            asking = asyncio.create_task(asked(connections, f"{base}/never"))
            await until(lambda seen=before: server.asked > seen)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        server.go_on.set()
        assert await asked(connections, f"{base}/after") == b"/after"


async def test_another_origin_takes_the_place_of_the_oldest_idle_connection():
    async with serving() as (first, connections, base), serving() as (second, _, other), serving() as (third, _, more):
        for url in (base, other, more):
            await asked(connections, f"{url}/x")
        await until(lambda: first.open == 0)
        assert (second.open, third.open) == (1, 1)


async def test_a_place_is_free_again_after_a_connection_that_could_not_be_made():
    async with serving() as (_, connections, base):
        for _ in range(MOST + 1):
            with pytest.raises(httpcore.ConnectError):
                await asked(connections, f"http://127.0.0.1:{free_port()}/")
        assert await asked(connections, f"{base}/after") == b"/after"


async def test_closing_ends_those_at_work_too():
    async with serving() as (server, connections, base):
        server.go_on.clear()
        asking = asyncio.create_task(asked(connections, f"{base}/1"))
        await until(lambda: server.asked == 1)
        await connections.aclose()
        with pytest.raises((httpcore.ReadError, httpcore.RemoteProtocolError)):
            await asking
        server.go_on.set()
        await until(lambda: server.open == 0)


async def test_a_client_of_httpx_opens_them_then_closes_them():
    async with serving() as (server, _, base):
        transport = make_transport(own_hosts=("127.0.0.1",), plain_http=True)
        async with httpx.AsyncClient(transport=transport) as client:
            answers = [await client.get(f"{base}/{number}") for number in range(3)]
        assert ([answer.text for answer in answers], server.accepted) == (["/0", "/1", "/2"], 1)
        await until(lambda: server.open == 0)


class Said(httpcore.AsyncNetworkStream):
    """A server that has answered before it is asked; takes down what it is asked."""

    def __init__(self, *answers):
        self.heard, self._answers = [], list(answers)

    async def read(self, max_bytes, timeout=None):
        said = self._answers.pop(0)
        self._answers[:0] = filter(None, [said[max_bytes:]])
        return said[:max_bytes]

    async def write(self, buffer, timeout=None):
        self.heard.append(buffer)

    async def aclose(self):
        self._answers = []

    def get_extra_info(self, info):
        return False


def connection_over(stream, request):
    async def connected(*_):
        return stream

    backend = SimpleNamespace(connect_tcp=connected)
    return Connection(request.url.origin, backend, ssl.create_default_context(), 60.0)


def stepped(work):
    """What a coroutine gives that waits for nobody, with the calls that it makes."""
    found = []

    def run():
        try:
            work.send(None)
        except StopIteration as ended:
            found.append(ended.value)

    made = counted.calls(run)
    assert found, "it let the event loop turn"
    return found[0], made


def turns_of(work):
    """How often a coroutine lets the event loop turn until it ends."""
    made = 0
    while True:
        try:
            work.send(None)
        except StopIteration:
            return made
        made += 1


def test_a_request_whose_answer_is_there_lets_no_turn_of_the_loop_pass_and_makes_few_calls():
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nDocker-Content-Digest: sha256:0\r\n\r\n"
    stream, asked_for = (
        Said(answer, answer),
        httpcore.Request("HEAD", "http://x/v2/a/manifests/1", headers={"Host": "x"}),
    )
    connection = connection_over(stream, asked_for)

    async def whole():
        found = await connection.send(asked_for)
        body = [piece async for piece in connection.body(1.0)]
        await connection.done()
        return found, body

    for _ in range(2):  # the second is over a kept connection
        ((status, headers, _), body), calls = stepped(whole())
        assert (status, dict(headers)[b"Docker-Content-Digest"], body) == (200, b"sha256:0", [])
        assert (connection.is_idle, connection.still_stands) == (True, True)
    assert stream.heard == 2 * [b"HEAD /v2/a/manifests/1 HTTP/1.1\r\nHost: x\r\n\r\n"]
    assert calls < 800  # httpcore makes some 1,450, and lets the loop turn three times


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 9 * PARTS_A_TURN + b"0\r\n\r\n",
        b"HTTP/1.1 103 Hints\r\n\r\n" * 9 * PARTS_A_TURN + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=["crumbs", "hints"],
)
def test_an_answer_in_many_parts_lets_others_have_their_turns(answer):
    request = httpcore.Request("GET", "http://x/", headers={"Host": "x"})
    connection = connection_over(Said(answer), request)

    async def whole():
        await connection.send(request)
        return [piece async for piece in connection.body(1.0)]

    assert turns_of(whole()) == 9


@pytest.mark.parametrize(("lines", "is_taken"), [(5_000, True), (15_000, False)])
async def test_a_head_that_is_long_to_read_is_refused(lines, is_taken):
    """A line of three bytes costs as much as one of a hundred."""
    request = httpcore.Request("GET", "http://x/", headers={"Host": "x"})
    sent = connection_over(Said(b"HTTP/1.1 200 OK\r\n" + b"a:\n" * lines + b"\n"), request).send(request)
    if is_taken:
        status, headers, _ = await sent
        assert (status, len(headers)) == (200, lines)
    else:
        with pytest.raises(httpcore.RemoteProtocolError):
            await sent


@pytest.mark.parametrize(("lines", "is_taken"), [(5_000, True), (17_000, False)])
async def test_lines_behind_a_body_in_chunks_that_are_long_to_read_are_refused(lines, is_taken):
    request = httpcore.Request("GET", "http://x/", headers={"Host": "x"})
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    connection = connection_over(Said(head, b"1\r\nx\r\n0\r\n" + b"a:\n" * lines + b"\r\n"), request)
    await connection.send(request)
    if is_taken:
        assert [piece async for piece in connection.body(1.0)] == [b"x"]
    else:
        with pytest.raises(httpcore.RemoteProtocolError):
            [piece async for piece in connection.body(1.0)]


async def test_a_connection_that_ends_with_its_answer_is_not_kept():
    request = httpcore.Request("GET", "http://x/", headers={"Host": "x"})
    connection = connection_over(Said(b"HTTP/1.1 200 OK\r\n\r\nbody", b""), request)
    await connection.send(request)
    assert [piece async for piece in connection.body(1.0)] == [b"body"]
    await connection.done()
    assert not connection.is_idle
