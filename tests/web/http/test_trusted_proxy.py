"""Sign-in by a trusted proxy's header: its word counts from its own addresses, nobody else's does."""

import re
from ipaddress import ip_network

import httpx
import pytest
import yaml

from scanner.app.listen import face_of
from scanner.settings.load import load
from scanner.settings.problem import SettingsError
from scanner.web.http.access import Access, Scope
from scanner.web.http.trusted_proxy import TrustedProxy
from tests.web.conftest import TOKENS

PAGE = {"Accept": "text/html"}
READ, ACTS = frozenset({Scope.READ}), frozenset({Scope.READ, Scope.GATE, Scope.OPERATE})
NETWORKS = (ip_network("10.0.0.5/32"), ip_network("fd00::/64"))
PROXY = TrustedProxy("Remote-User", NETWORKS, READ, {"ada@example.com": ACTS})
URL = "http://archscan.example"


@pytest.fixture
async def asking(app_with, token_list):
    """A client that asks from an address."""
    app, opened = app_with(Access(token_list, proxy=PROXY)), []

    def from_(address, **headers):
        transport = httpx.ASGITransport(app, client=(address, 40000))
        opened.append(httpx.AsyncClient(transport=transport, base_url=URL, headers=headers))
        return opened[-1]

    yield from_
    for client in opened:
        await client.aclose()


def user(name):
    return {"Remote-User": name}


async def test_the_proxy_says_who_reads(asking):
    got = await asking("10.0.0.5").get("/scanner", headers=PAGE | user("bob"))
    assert got.status_code == 200
    assert "You are proxy:bob and may read." in got.text
    assert "Sign out" not in got.text
    assert "/scanner/scans" not in got.text


@pytest.mark.parametrize("address", ["fd00::7", "::ffff:10.0.0.5"])
async def test_its_address_is_the_connection_s_however_it_is_written(asking, address):
    assert (await asking(address).get("/api/v1/report", headers=user("bob"))).status_code == 200


@pytest.mark.parametrize(
    ("address", "more"),
    [
        ("10.0.0.6", {}),
        ("127.0.0.1", {}),
        ("fd01::7", {}),
        ("not-an-address", {}),
        ("10.0.0.6", {"X-Forwarded-For": "10.0.0.5", "Forwarded": "for=10.0.0.5", "X-Real-IP": "10.0.0.5"}),
        ("10.0.0.6", {"Authorization": f"Bearer {TOKENS['read']}"}),
    ],
)
async def test_the_header_from_elsewhere_is_refused_whatever_comes_with_it(asking, address, more):
    got = await asking(address).get("/api/v1/report", headers=user("ada@example.com") | more)
    assert (got.status_code, got.json()["reason"]) == (403, "proxy_not_trusted")


@pytest.mark.parametrize("headers", [[], [("Remote-User", "")], [("Remote-User", "  ")]])
async def test_whom_the_proxy_does_not_name_is_nobody(asking, headers):
    got = await asking("10.0.0.5").get("/api/v1/report", headers=headers)
    assert (got.status_code, got.json()["reason"]) == (401, "unauthenticated")


async def test_on_loopback_too_nobody_reads_whom_the_proxy_does_not_name(app_with):
    app = app_with(Access(proxy=PROXY))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost:9719") as client:
        assert (await client.get("/api/v1/report")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        [("Remote-User", "bob"), ("Remote-User", "ada@example.com")],
        [("Remote-User", "bob"), ("remote-user", "ada@example.com")],
        [("Remote-User", "a" * 257)],
        [("Remote-User", b"a\tb")],
    ],
)
async def test_a_name_that_is_none_or_two_is_refused(asking, headers):
    assert (await asking("10.0.0.5").get("/api/v1/report", headers=headers)).status_code == 400


async def test_what_acts_needs_the_scope_and_a_form_of_this_person(asking, service):
    client = asking("10.0.0.5")
    page = await client.get("/scanner", headers=PAGE | user("ada@example.com"))
    proof = re.search(r'name="csrf" value="([0-9a-f]{128})"', page.text)[1]
    other = re.search(
        r'name="csrf" value="([0-9a-f]{128})"', (await client.get("/decoder", headers=PAGE | user("bob"))).text
    )[1]
    path = "/scanner/scans"
    for name, form, status, reason in (
        ("ada@example.com", {}, 403, "csrf_token_missing"),
        ("ada@example.com", {"csrf": other}, 403, "csrf_token_missing"),
        ("bob", {"csrf": other}, 403, "scope_missing"),
    ):
        got = await client.post(path, data=form, headers=user(name))
        assert (got.status_code, got.json()["reason"]) == (status, reason)
    got = await client.post(
        path, data={"csrf": proof}, headers=user("ada@example.com") | {"Sec-Fetch-Site": "cross-site"}
    )
    assert got.status_code == 403
    assert service.asked == []
    assert (await client.post(path, data={"csrf": proof}, headers=user("ada@example.com"))).status_code == 303
    assert service.asked == [("scan", "proxy:ada@example.com")]


async def test_nobody_confirms_a_way_back_by_a_proxy_s_word(asking):
    got = await asking("10.0.0.5").post("/api/v1/rollbacks", json={}, headers=user("ada@example.com"))
    assert (got.status_code, got.json()["reason"]) == (403, "scope_missing")


async def test_a_token_behind_the_proxy_counts_as_it_does_anywhere(asking):
    got = await asking("10.0.0.5").get("/api/v1/report", headers={"Authorization": f"Bearer {TOKENS['read']}"})
    assert got.status_code == 200


async def test_without_the_setting_the_header_says_nothing(app_with, token_list, client_of):
    got = await client_of(app_with(Access(token_list))).get("/api/v1/report", headers=user("ada@example.com"))
    assert got.status_code == 401


async def test_a_proxy_that_a_reload_removed_signs_nobody_in(asking, service, token_list):
    client = asking("10.0.0.5")
    assert (await client.get("/api/v1/report", headers=user("bob"))).status_code == 200
    service.app.state.access = Access(token_list)
    assert (await client.get("/api/v1/report", headers=user("bob"))).status_code == 401


async def test_a_name_in_utf_8_is_read_as_such(asking):
    got = await asking("10.0.0.5").get(
        "/scanner", headers=[("Accept", "text/html"), ("Remote-User", "Jürgen".encode())]
    )
    assert "You are proxy:Jürgen" in got.text


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ({"header": "Authorization", "trusted": ["10.0.0.5"]}, "means something else"),
        ({"header": "X User", "trusted": ["10.0.0.5"]}, "header"),
        ({"header": "Remote-User", "trusted": []}, "trusted"),
        ({"header": "Remote-User"}, "trusted"),
        ({"header": "Remote-User", "trusted": ["0.0.0.0/0"]}, "everybody"),
        ({"header": "Remote-User", "trusted": ["::/0"]}, "everybody"),
        ({"header": "Remote-User", "trusted": ["proxy.example"]}, "trusted"),
        ({"header": "Remote-User", "trusted": ["10.0.0.5"], "scopes": ["rollback"]}, "scopes"),
        ({"header": "Remote-User", "trusted": ["10.0.0.5"], "users": {"ada": ["push"]}}, "users"),
    ],
)
def test_a_setting_that_would_let_in_more_than_the_proxy_is_refused(tmp_path, proxy, words):
    with pytest.raises(SettingsError, match=words):
        loaded(tmp_path, proxy)


def test_the_settings_are_what_lets_in(tmp_path):
    said = {"header": "Remote-User", "trusted": ["10.0.0.5"], "users": {"ada@example.com": ["read", "gate", "operate"]}}
    found = face_of(loaded(tmp_path, said)).access.proxy
    assert found == TrustedProxy("Remote-User", NETWORKS[:1], READ, {"ada@example.com": ACTS})


def loaded(folder, proxy):
    (folder / "archscan.yml").write_text(yaml.safe_dump({"inventory": [{"kind": "local"}], "web": {"proxy": proxy}}))
    return load(folder / "archscan.yml", {}, need_hosts=True)
