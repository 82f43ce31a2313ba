import asyncio
import re
from dataclasses import replace

import pytest

from scanner.web.http.access import Access
from scanner.web.http.limits import LimitsMiddleware
from scanner.web.http.session import MAX_SESSIONS, SESSION_S, Session, Sessions
from tests.web.conftest import NOW, TOKENS

PEOPLE = {"Accept": "text/html"}


async def signed_in(as_, scope="operate"):
    client = as_(None)
    got = await client.post("/sign-in", data={"token": TOKENS[scope], "next": "/scanner"})
    assert got.status_code == 303
    assert got.headers["location"] == "/scanner"
    cookie = got.headers["set-cookie"].lower()
    assert all(words in cookie for words in ("httponly", "samesite=strict", "path=/", "max-age=43200"))
    assert TOKENS[scope] not in got.headers["set-cookie"]
    return client


def proof_in(text):
    return re.search(r'name="csrf" value="([0-9a-f]{128})"', text)[1]


async def test_a_person_without_a_credential_is_asked_to_sign_in(as_):
    got = await as_(None).get("/findings?q=x", headers=PEOPLE)
    assert got.status_code == 401
    assert 'name="token"' in got.text
    assert 'value="/findings?q=x"' in got.text
    assert "basic" not in got.headers["www-authenticate"].lower()


async def test_a_token_that_is_none_is_refused(as_):
    got = await as_(None).post("/sign-in", data={"token": "nonsense", "next": "/"})
    assert got.status_code == 401
    assert "set-cookie" not in got.headers


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b"archscan_session=a-_9", b"archscan_session=a-_9"),
        (
            b'x="\\\\\\""; archscan_session=a;__Host-archscan_session=b; y',
            b"archscan_session=a; __Host-archscan_session=b",
        ),
        (b'archscan_session="' + b"\\" * 16_000 + b'"', b""),
        (b"x_archscan_session=a; archscan_sessions=b; archscan_session=" + b"c" * 65, b""),
    ],
)
async def test_of_cookies_only_ours_are_read(sent, kept):
    """Two requests of half a second each would keep the service from everybody else for one."""
    heard = []

    async def app(scope, receive, send):
        heard.extend(scope["headers"])

    scope = {"type": "http", "path": "/", "query_string": b"", "headers": [(b"host", b"x"), (b"cookie", sent[:16_300])]}
    await LimitsMiddleware(app, None)(scope, None, None)
    assert heard == [(b"host", b"x"), (b"cookie", kept)]


async def test_a_session_lasts_beside_the_cookies_of_neighbours(as_):
    reader = await signed_in(as_, "read")
    name, value = next(iter(reader.cookies.items()))
    alone = as_(None)
    headers = PEOPLE | {"Cookie": f'neighbour="\\054"; {name}={value}; more'}
    assert "Sign out" in (await alone.get("/scanner", headers=headers)).text


@pytest.mark.parametrize("to", ["//evil.example/", "https://evil.example/", "/\\evil.example", "x", "/a\nb"])
async def test_sign_in_leads_only_to_our_own_pages(as_, to):
    got = await as_(None).post("/sign-in", data={"token": TOKENS["read"], "next": to})
    assert got.headers["location"] == "/"


async def test_a_session_may_what_its_token_may_and_nothing_else_is_offered(as_):
    reader = await signed_in(as_, "read")
    page = (await reader.get("/scanner")).text
    assert "Scan now</button>" not in page
    assert "Sign out" in page
    proof = proof_in(page)
    refused = await reader.post("/scanner/scans", data={"csrf": proof, "hosts": ""}, headers=PEOPLE)
    assert refused.status_code == 403
    assert "scope_missing" in refused.text


async def test_a_stream_ends_with_the_session_that_opened_it(as_, service):
    reader = await signed_in(as_, "read")
    proof = proof_in((await reader.get("/scanner")).text)
    request = service.queue.request(["a"])
    stream = asyncio.create_task(reader.get(f"/api/v1/scans/{request.id}/events"))
    while not service.app.state.context.listeners:
        await asyncio.sleep(0.01)
    assert (await reader.post("/sign-out", data={"csrf": proof})).status_code == 303
    assert "event: end" not in (await asyncio.wait_for(stream, 10)).text


ACTS = [
    ("/scanner/scans", {"hosts": ""}),
    ("/scanner/waivers/x/end", {}),
    ("/scanner/overrides", {}),
    ("/api/v1/scans", {}),
]


@pytest.mark.parametrize(("path", "fields"), ACTS)
@pytest.mark.parametrize("proof", ["", "00" * 64, "nonsense", None])
async def test_a_session_does_nothing_for_a_form_of_somebody_else(as_, service, path, fields, proof):
    client = await signed_in(as_)
    sent = fields if proof is None else fields | {"csrf": proof}
    got = await client.post(path, data=sent)
    assert got.status_code == 403
    assert got.json()["reason"] == "csrf_token_missing"
    assert service.asked == []


async def test_a_proof_from_another_site_is_none(client_of, app_with, token_list, service):
    client = client_of(app_with(Access(all_scopes(token_list))))
    await client.post("/sign-in", data={"token": TOKENS["operate"], "next": "/"})
    proof = proof_in((await client.get("/scanner")).text)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        got = await client.post("/scanner/scans", data={"csrf": proof, "hosts": ""}, headers=headers)
        assert got.status_code == 403
    done = await client.post(
        "/scanner/scans", data={"csrf": proof, "hosts": ""}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert done.status_code == 303
    assert service.asked == [("scan", "operateer")]


async def test_what_a_page_shows_of_its_secret_differs_each_time(client_of, app_with, token_list):
    client = client_of(app_with(Access(all_scopes(token_list))))
    await client.post("/sign-in", data={"token": TOKENS["operate"], "next": "/"})
    first, second = [proof_in((await client.get("/scanner")).text) for _ in range(2)]
    assert first != second


async def test_signing_out_ends_the_session_even_for_a_kept_cookie(client_of, app_with, token_list):
    client = client_of(app_with(Access(all_scopes(token_list))))
    await client.post("/sign-in", data={"token": TOKENS["operate"], "next": "/"})
    kept = client.cookies["archscan_session"]
    page = (await client.get("/scanner")).text
    assert (await client.post("/sign-out", data={"csrf": proof_in(page)})).status_code == 303
    client.cookies.set("archscan_session", kept)
    assert (await client.get("/scanner")).status_code == 401


async def test_a_token_that_is_in_force_no_more_ends_its_sessions(client_of, app_with, token_list):
    app = app_with(Access(all_scopes(token_list)))
    client = client_of(app)
    await client.post("/sign-in", data={"token": TOKENS["operate"], "next": "/"})
    assert (await client.get("/scanner")).status_code == 200
    app.state.access = Access(all_scopes(token_list)[:1])
    assert (await client.get("/scanner")).status_code == 401


async def test_a_form_of_too_many_fields_is_refused(client_of, app_with, token_list):
    client = client_of(app_with(Access(all_scopes(token_list))))
    got = await client.post("/sign-in", data={f"a{number}": "" for number in range(100)})
    assert got.status_code == 400


def all_scopes(token_list):
    """The tokens, the one that operates reading as well, as people have them."""
    every = frozenset(scope for token in token_list for scope in token.scopes)
    return [replace(token, scopes=every) if token.name == "operateer" else token for token in token_list]


class Request:
    def __init__(self, cookie):
        self.cookies = {"archscan_session": cookie}
        self.url = type("Url", (), {"scheme": "http"})


def test_a_session_ends_after_its_time_and_when_the_clock_steps_back():
    now = [NOW]
    sessions = Sessions(lambda: now[0])
    cookie = sessions.begin("digest")
    assert sessions.of(Request(cookie)).token_sha256 == "digest"
    now[0] += SESSION_S
    assert sessions.of(Request(cookie)) is None
    now[0] = NOW
    assert sessions.of(Request(cookie)) is None
    cookie = sessions.begin("digest")
    now[0] -= 60
    assert sessions.of(Request(cookie)) is None


def test_sessions_are_bounded():
    sessions = Sessions(lambda: NOW)
    cookies = [sessions.begin("digest") for _ in range(MAX_SESSIONS + 1)]
    assert sessions.of(Request(cookies[0])) is None
    assert sessions.of(Request(cookies[-1]))


def test_a_proof_proves_its_own_session_only():
    one, other = Session("d", b"a" * 32, 0.0), Session("d", b"b" * 32, 0.0)
    assert one.is_proved_by(one.proof())
    assert not other.is_proved_by(one.proof())
    assert not one.is_proved_by(one.proof()[:-2])
