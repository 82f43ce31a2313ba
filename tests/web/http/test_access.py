import asyncio
import base64
import hashlib
import hmac
import time

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.web.http.access import MAX_CREDENTIAL_CHARS, Access, Scope, Token, host_name, is_loopback
from scanner.web.http.basic import BasicUsers
from scanner.web.http.problem import Problem
from scanner.web.http.trusted_proxy import TrustedProxy

GOOD = "t" * 43
READER = Token("reader", hashlib.sha256(GOOD.encode()).hexdigest(), frozenset({Scope.READ}))
GATE = Token("ci", hashlib.sha256(b"g" * 43).hexdigest(), frozenset({Scope.GATE}))


def basic(user, password):
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


async def outcome(access, scope, authorization=None, host="localhost:9719"):
    try:
        return await access.decide(scope, authorization, host)
    except Problem as problem:
        return problem.status, problem.reason


@pytest.mark.parametrize(
    ("scope", "authorization", "expected"),
    [
        (Scope.OPEN, None, "anonymous"),
        (Scope.READ, None, (401, "unauthenticated")),
        (Scope.READ, f"Bearer {GOOD}", "reader"),
        (Scope.READ, f"bearer   {GOOD} ", "reader"),
        (Scope.GATE, f"Bearer {GOOD}", (403, "scope_missing")),
        (Scope.OPERATE, f"Bearer {GOOD}", (403, "scope_missing")),
        (Scope.GATE, "Bearer " + "g" * 43, "ci"),
        (Scope.READ, "Bearer " + "g" * 43, (403, "scope_missing")),
        (Scope.READ, f"Bearer {GOOD[:-1]}", (401, "unauthenticated")),
        (Scope.READ, "Bearer", (401, "unauthenticated")),
        (Scope.READ, "Bearer " + "x" * 5000, (401, "unauthenticated")),
        (Scope.READ, f"Digest {GOOD}", (401, "unauthenticated")),
        (Scope.READ, GOOD, (401, "unauthenticated")),
        (Scope.READ, basic("me", GOOD), "reader"),
        (Scope.READ, basic("me", "nope"), (401, "unauthenticated")),
        (Scope.READ, f"{basic('me', GOOD)[:12]}*{basic('me', GOOD)[12:]}", (401, "unauthenticated")),
        (Scope.READ, "Basic !!!", (401, "unauthenticated")),
        (Scope.READ, "Basic " + base64.b64encode(b"nocolon").decode(), (401, "unauthenticated")),
        (Scope.READ, "Basic " + base64.b64encode(b"\xff:\xff").decode(), (401, "unauthenticated")),
        (Scope.GATE, basic("me", "g" * 43), (403, "bearer_required")),
        (Scope.READ, basic("me", "g" * 43), (403, "scope_missing")),
    ],
)
async def test_a_token_permits_its_scopes_only(scope, authorization, expected):
    access = Access([READER, GATE])
    assert await outcome(access, scope, authorization) == expected
    assert [access.knows(token.sha256) for token in access.tokens] == [True, True]
    assert not access.knows("0" * 64)


def _token(name, secret, *scopes, host=""):
    return Token(name, hashlib.sha256(secret.encode()).hexdigest(), frozenset(scopes), host)


async def test_a_credential_has_at_most_so_many_characters_wherever_it_is_asked_for():
    longest = "x" * MAX_CREDENTIAL_CHARS
    one, empty = _token("one", longest, Scope.READ, Scope.PUSH, host="box"), _token("empty", "", Scope.READ)
    more = _token("more", f"{longest}x", Scope.READ, Scope.PUSH, host="box")
    access = Access([one, more, empty, short := _token("short", "x", Scope.READ, host="other")])
    assert await outcome(access, Scope.READ, f"Bearer {longest}") == "one"
    assert await outcome(access, Scope.READ, f"Bearer {longest}x") == (401, "unauthenticated")
    no_colon = "Basic " + base64.b64encode(b"x").decode()
    assert await outcome(access, Scope.READ, no_colon) == (401, "unauthenticated")
    assert [access.holder(each) for each in ("", "x", longest, f"{longest}x")] == [None, short, one, None]
    told = [access.pushes_for(f"Bearer {each}") for each in (longest, f"{longest}x", "x", "", "unknown")]
    assert told == ["box", "", "", "", ""]
    assert access.pushes_for(f"Basic {longest}") == access.pushes_for(None) == ""


@pytest.mark.parametrize(
    ("scope", "given", "expected"),
    [
        (Scope.OPEN, {"token_sha256": "0" * 64}, True),
        (Scope.OPEN, {"user": "ann"}, True),
        (Scope.READ, {"token_sha256": READER.sha256}, True),
        (Scope.READ, {"token_sha256": "0" * 64}, False),
        (Scope.GATE, {"token_sha256": READER.sha256}, False),
        (Scope.READ, {"user": "ann"}, True),
        (Scope.GATE, {"user": "ann"}, False),
        (Scope.GATE, {"user": "bob"}, True),
        (Scope.READ, {"authorization": f"Bearer {GOOD}"}, True),
        (Scope.GATE, {"authorization": f"Bearer {GOOD}"}, False),
        (Scope.READ, {}, False),
    ],
)
async def test_what_is_offered_to_somebody_is_what_they_may(scope, given, expected):
    proxy = TrustedProxy("x-user", (), frozenset({Scope.READ}), {"bob": frozenset({Scope.GATE})})
    access = Access([READER, GATE], proxy=proxy)
    assert await access.permits(scope, given.pop("authorization", None), "localhost", **given) is expected


async def test_who_signed_in_is_named_and_an_open_page_asks_for_nobody():
    access = Access([READER], proxy=TrustedProxy("x-user", (), frozenset({Scope.READ})))
    assert (access.of_session(Scope.OPEN, "0"), access.of_session(Scope.READ, READER.sha256)) == ("anonymous", "reader")
    assert (access.of_proxy(Scope.OPEN, "ann"), access.of_proxy(Scope.READ, "ann")) == ("anonymous", "proxy:ann")
    assert Access().of_proxy(Scope.OPEN, "ann") == await outcome(Access(), Scope.READ) == "anonymous"
    assert await outcome(Access(proxy=access.proxy), Scope.READ) == (401, "unauthenticated")
    with pytest.raises(Problem, match="no proxy"):
        Access().of_proxy(Scope.READ, "ann")
    assert (access.has_tokens, access.has_users, access.tokens) == (True, False, (READER,))
    bare = Access(users=BasicUsers({"ann": "$2b$"}))
    assert (bare.has_tokens, bare.has_users, bare.tokens) == (False, True, ())


@pytest.mark.parametrize(
    ("scope", "loopback", "host", "expected"),
    [
        (Scope.READ, True, "localhost:9719", "anonymous"),
        (Scope.READ, True, "127.0.0.1", "anonymous"),
        (Scope.READ, True, "[::1]:9719", "anonymous"),
        (Scope.READ, True, "evil.example", (403, "host_not_loopback")),
        (Scope.READ, True, "localhost.evil.example", (403, "host_not_loopback")),
        (Scope.READ, True, "a/?x=", (403, "host_not_loopback")),
        (Scope.READ, True, None, (403, "host_not_loopback")),
        (Scope.READ, False, "localhost", (403, "token_required")),
        (Scope.GATE, True, "localhost", (403, "token_required")),
        (Scope.OPERATE, True, "localhost", (403, "token_required")),
        (Scope.OPEN, False, "anything", "anonymous"),
    ],
)
async def test_without_tokens_only_reading_on_loopback_is_open(scope, loopback, host, expected):
    assert await outcome(Access(loopback=loopback), scope, None, host) == expected


async def test_users_may_read_but_not_act():
    hashed = bcrypt.hashpw(b"pass", bcrypt.gensalt(4)).decode()
    access = Access(users=BasicUsers({"ann": hashed}))
    assert await outcome(access, Scope.READ, basic("ann", "pass")) == "ann"
    assert await outcome(access, Scope.READ, basic("ann", "pass")) == "ann"
    assert await outcome(access, Scope.READ, basic("ann", "Pass")) == (401, "unauthenticated")
    assert await outcome(access, Scope.READ, basic("bob", "pass")) == (401, "unauthenticated")
    assert await outcome(access, Scope.READ) == (401, "unauthenticated")
    assert await outcome(access, Scope.OPERATE, basic("ann", "pass")) == (403, "bearer_required")


@pytest.mark.parametrize("password", ["", "p" * 73, "pass\0word", "pass\0"])
async def test_passwords_that_bcrypt_would_cut_are_wrong(password):
    users = BasicUsers(
        {
            "ann": bcrypt.hashpw(b"pass", bcrypt.gensalt(4)).decode(),
            "long": bcrypt.hashpw(b"p" * 72, bcrypt.gensalt(4)).decode(),
        }
    )
    assert not await users.verify("ann", password)
    assert not await users.verify("long", password)


async def test_a_right_password_is_remembered_for_its_user_only(monkeypatch):
    same = bcrypt.hashpw(b"pass", bcrypt.gensalt(4)).decode()
    users = BasicUsers({"a": same, "b": bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()})
    assert await users.verify("a", "pass")
    checks = []
    monkeypatch.setattr("scanner.web.http.basic._matches", lambda secret, hashed: checks.append(secret) or False)
    assert await users.verify("a", "pass")
    assert checks == []
    assert not await users.verify("b", "pass")
    assert checks == [b"pass"]


async def test_the_time_of_a_guess_tells_nothing_of_the_token(monkeypatch):
    """Whatever is guessed, as many digests of the same length are compared, each in a time that hangs on its length."""
    compared = []

    def compare(one, other, _compare=hmac.compare_digest):
        compared.append((len(one), len(other)))
        return _compare(one, other)

    monkeypatch.setattr("scanner.web.http.access.hmac.compare_digest", compare)
    for guess in (GOOD, GOOD[:-1] + "u", "z" * 43, "g" * 43, "x"):
        compared.clear()
        await outcome(Access([READER, GATE]), Scope.READ, f"Bearer {guess}")
        assert compared == [(64, 64)] * 2, guess


@pytest.mark.parametrize(
    ("host", "name", "loopback"),
    [
        ("LOCALHOST:1", "localhost", True),
        ("app.localhost", "app.localhost", True),
        ("127.8.9.1:80", "127.8.9.1", True),
        ("[::1]", "::1", True),
        ("[::1", "::1", True),
        ("10.0.0.1", "10.0.0.1", False),
        ("2130706433", "2130706433", False),
        ("", "", False),
    ],
)
def test_a_host_header_is_loopback_only_by_name_or_address(host, name, loopback):
    assert (host_name(host), is_loopback(host_name(host))) == (name, loopback)


async def test_guesses_of_passwords_wait_for_each_other(monkeypatch):
    running, most = 0, 0

    def slow(secret, hashed):
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.005)
        running -= 1
        return False

    monkeypatch.setattr("scanner.web.http.basic._matches", slow)
    users = BasicUsers({})
    await asyncio.gather(*(users.verify("x", str(n)) for n in range(20)))
    assert most == 1


@settings(max_examples=50, deadline=None)  # each Basic credential costs a bcrypt
@given(st.text(st.characters(max_codepoint=255), max_size=80), st.sampled_from(["Basic ", "Bearer ", ""]))
async def test_no_header_is_more_than_a_refusal(words, scheme):
    access = Access([READER], users=BasicUsers({}))
    for scope in (Scope.READ, Scope.OPERATE):
        assert (await outcome(access, scope, scheme + words))[0] in (401, 403)
