"""What is passed on to the leader, over a real connection; what of it is passed back."""

import asyncio
import ssl

import pytest

from scanner.client.forwarding import Forwarder
from scanner.service.answers import Refusal, RefusalReason
from scanner.service.leadership import LeaderRequest


class Leader:
    """Answers every request with ``answer``; ``asked`` are their heads with their bodies."""

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    async def serve(self, reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:] if line)
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        self.asked.append((head.decode().split("\r\n")[0], fields, body))
        writer.write(self.answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def leader():
    made = Leader(
        b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nSet-Cookie: a=b\r\nContent-Length: 2\r\n\r\n{}"
    )
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield made
    server.close()
    await server.wait_closed()


@pytest.fixture
async def forwarder():
    made = Forwarder(ssl.create_default_context)
    yield made
    await made.close()


async def read(answer):
    return b"".join([piece async for piece in answer.body])


async def test_the_caller_s_authorization_goes_with_what_was_asked_and_nothing_else_of_the_caller(leader, forwarder):
    headers = {
        "authorization": "Bearer t",
        "cookie": "session=s",
        "x-forwarded-user": "kim",
        "content-type": "application/json",
    }
    answer = await forwarder(leader.url, LeaderRequest("POST", b"/api/v1/scans?a=%2F", headers, b'{"a":1}'))
    assert (answer.status, answer.headers, await read(answer)) == (202, {"content-type": "application/json"}, b"{}")
    ((line, fields, body),) = leader.asked
    assert (line, body) == ("POST /api/v1/scans?a=%2F HTTP/1.1", b'{"a":1}')
    assert fields["authorization"] == "bearer t"
    assert fields["archscan-forwarded"] == "1"
    assert not {"cookie", "x-forwarded-user"} & fields.keys()


async def test_a_redirect_is_followed_by_nobody(leader, forwarder):
    leader.answer = b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    answer = await forwarder(leader.url, LeaderRequest("POST", b"/api/v1/scans", {"authorization": "Bearer t"}))
    assert (answer.status, answer.headers["location"], len(leader.asked)) == (307, "http://127.0.0.1:1/", 1)
    await read(answer)


@pytest.mark.parametrize("target", [b"//evil.example/", b"/@evil.example/", b"/../x"])
async def test_no_path_leads_to_another_server(leader, forwarder, target):
    await read(await forwarder(leader.url, LeaderRequest("GET", target, {})))
    assert leader.asked[0][1]["host"] == leader.url.removeprefix("http://")


async def test_no_proxy_of_the_environment_sees_a_token(leader, forwarder, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert (await forwarder(leader.url, LeaderRequest("GET", b"/", {}))).status == 202


async def test_a_leader_that_does_not_answer_is_a_refusal(forwarder):
    answer = await forwarder("http://127.0.0.1:1", LeaderRequest("GET", b"/", {}))
    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.retry_after_s) == (RefusalReason.NOT_LEADER, 10.0)


async def test_an_answer_that_nobody_may_read_any_more_gives_its_connection_back(leader, forwarder):
    answer = await forwarder(leader.url, LeaderRequest("GET", b"/", {}))
    await answer.body.aclose()
    assert not forwarder._made._transport._pool.connections
