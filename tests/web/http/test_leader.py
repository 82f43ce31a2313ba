"""Which requests one who follows answers itself, which it passes on, which it refuses."""

import asyncio

import pytest

from scanner.service.answers import Refusal, RefusalReason
from scanner.service.leadership import LeaderAnswer
from scanner.web.http.access import Access


class Elsewhere:
    """Another leads."""

    leads = False

    def __init__(self):
        self.asked = []

    async def forward(self, asked):
        self.asked.append(asked)

        async def body():
            yield b"from the leader"

        return LeaderAnswer(202, {"content-type": "text/plain"}, body())

    def not_here(self):
        return Refusal(RefusalReason.NOT_LEADER, "a leads", 10.0)


@pytest.fixture
def followed(app_with, client_of, token_list, tokens):
    app = app_with(Access(token_list))
    app.state.leader = Elsewhere()
    return lambda scope: (client_of(app, tokens[scope]), app.state.leader)


@pytest.mark.parametrize(
    ("scope", "method", "path"),
    [
        ("operate", "POST", "/api/v1/scans"),
        ("operate", "POST", "/api/v1/waivers"),
        ("operate", "DELETE", "/api/v1/waivers/x"),
        ("operate", "POST", "/api/v1/overrides"),
        ("operate", "GET", "/probe?target=web-1"),
        ("gate", "POST", "/api/v1/check"),
        ("gate", "POST", "/admission/v1"),
        ("rollback", "POST", "/api/v1/rollbacks"),
        ("read", "GET", "/api/v1/scans/x"),
    ],
)
async def test_what_only_the_leader_does_is_passed_on_with_the_caller_s_token(followed, tokens, scope, method, path):
    client, leader = followed(scope)
    answer = await client.request(method, path, content=b"{}")
    assert (answer.status_code, answer.text) == (202, "from the leader")
    (asked,) = leader.asked
    assert (asked.method, asked.target.decode(), asked.body) == (method, path, b"{}")
    assert asked.headers["authorization"] == f"Bearer {tokens[scope]}"


@pytest.mark.parametrize("path", ["/api/v1/findings", "/api/v1/hosts", "/metrics", "/-/ready", "/-/healthy", "/"])
async def test_what_is_read_is_answered_from_the_store(followed, path):
    client, leader = followed("read")
    assert (await client.get(path)).status_code == 200
    assert leader.asked == []


async def test_a_reload_is_of_the_instance_that_is_asked(followed):
    client, leader = followed("operate")
    assert (await client.post("/-/reload")).status_code == 200
    assert leader.asked == []


async def test_a_caller_who_may_not_do_it_is_refused_before_anybody_is_asked(followed):
    client, leader = followed("read")
    assert (await client.post("/api/v1/scans", json={})).status_code == 403
    assert leader.asked == []


async def test_what_was_passed_on_once_is_refused_with_who_leads(followed):
    client, leader = followed("operate")
    answer = await client.post("/api/v1/scans", json={}, headers={"Archscan-Forwarded": "1"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert (answer.json()["reason"], answer.json()["detail"]) == ("not_leader", "a leads")
    assert leader.asked == []


async def test_what_the_leader_still_tells_ends_with_the_token_that_asked_for_it(followed, token_list):
    client, leader = followed("read")
    told, ended = asyncio.Event(), asyncio.Event()

    async def body():
        try:
            yield b"one"
            told.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def forward(_asked):
        return LeaderAnswer(200, {"content-type": "text/event-stream"}, body())

    leader.forward = forward
    app = client._transport.app
    answer = asyncio.create_task(client.get("/api/v1/scans/x/events"))
    await told.wait()
    app.state.access = Access([token for token in token_list if token.name != "reader"])
    app.state.context.access_changes.tell()
    assert (await asyncio.wait_for(answer, 10)).text == "one"
    assert ended.is_set()


async def test_nothing_is_told_to_a_token_that_was_removed_while_the_leader_was_asked(followed, token_list):
    client, leader = followed("read")
    app = client._transport.app

    async def body():
        await asyncio.Event().wait()
        yield b"never"

    async def forward(_asked):
        app.state.access = Access([token for token in token_list if token.name != "reader"])
        app.state.context.access_changes.tell()
        return LeaderAnswer(200, {"content-type": "text/event-stream"}, body())

    leader.forward = forward
    assert (await asyncio.wait_for(client.get("/api/v1/scans/x/events"), 10)).text == ""
