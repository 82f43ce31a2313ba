"""WWW-Authenticate headers as registries send them, and as an attacker would."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.auth import challenge
from scanner.registry.auth.challenge import MAX_CHALLENGE_CHARS, MAX_CHALLENGES, MAX_PARAMETERS, Challenge, parse
from tests import counted

VECTORS = json.loads((Path(__file__).parents[2] / "data/vectors/auth_challenges.json").read_text())


def said(answer):
    if isinstance(answer, Failure):
        return None
    return [{"scheme": challenge.scheme, "params": dict(challenge.params)} for challenge in answer]


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["header"][:60])
def test_a_header_from_the_field_reads_as_its_registry_meant_it(row):
    assert said(parse([row["header"]])) == row["challenges"]


@pytest.mark.parametrize(
    ("header", "challenges"),
    [
        ("", []),
        (" , ,", []),
        ("Negotiate", [("negotiate", {})]),
        ("Negotiate, Bearer realm=x", [("negotiate", {}), ("bearer", {"realm": "x"})]),
        ("NTLM TlRMTVNTUAAB==, Basic realm=r", [("ntlm", {}), ("basic", {"realm": "r"})]),
        ("Basic realm=/", [("basic", {"realm": "/"})]),
        ('BaSiC ReAlM="Case"', [("basic", {"realm": "Case"})]),
        ('Basic realm = "x"', [("basic", {"realm": "x"})]),
        (
            "Bearer realm=https://gcr.io/v2/token,service=gcr.io",
            [("bearer", {"realm": "https://gcr.io/v2/token", "service": "gcr.io"})],
        ),
        ("Bearer realm=https://a/t?x=y", [("bearer", {"realm": "https://a/t?x=y"})]),
        (
            'Bearer scope="repository:a:pull,push",realm="r", Basic realm="b, Digest c=d"',
            [("bearer", {"scope": "repository:a:pull,push", "realm": "r"}), ("basic", {"realm": "b, Digest c=d"})],
        ),
        (
            'Digest realm="d", qop="auth, auth-int", algorithm=MD5, Basic realm="b"',
            [("digest", {"realm": "d", "qop": "auth, auth-int", "algorithm": "MD5"}), ("basic", {"realm": "b"})],
        ),
        ('Bearer realm="a" service="b"', [("bearer", {"realm": "a", "service": "b"})]),
        ('Basic realm=""', [("basic", {"realm": ""})]),
        ('Basic realm="tab\there \\\\ \\""', [("basic", {"realm": 'tab\there \\ "'})]),
        ("Basic realm=x,", [("basic", {"realm": "x"})]),
    ],
)
def test_a_header_is_read_as_widely_as_it_is_written(header, challenges):
    assert parse([header]) == tuple(Challenge(scheme, params) for scheme, params in challenges)


@pytest.mark.parametrize(
    "header",
    [
        'Basic realm="unclosed',
        'Basic realm="ends in an escape\\\\',
        'Basic realm="x\\',
        'Basic realm="x"y',
        'Basic realm=x"y"',
        "Bearer service=a, realm=",
        "=x",
        "realm=x",
        '"Basic" realm=x',
        "Basic realm=x stray word",
        "Basic/ realm=x",
        "Basic realm=x, realm=y",
        'Basic realm="a\r\nb"',
        'Basic realm="a\x00b"',
        "\u00e9 realm=x",
    ],
)
def test_a_broken_header_is_denied(header):
    answer = parse([header])
    assert isinstance(answer, Failure)
    assert answer.reason is Reason.IMAGE_DENIED
    assert answer.detail.isprintable()


def test_several_headers_are_read_in_order():
    assert said(parse(["Basic realm=a", "", "Bearer realm=b, Negotiate"])) == [
        {"scheme": "basic", "params": {"realm": "a"}},
        {"scheme": "bearer", "params": {"realm": "b"}},
        {"scheme": "negotiate", "params": {}},
    ]


def test_one_broken_header_among_several_spoils_them_all():
    assert isinstance(parse(["Basic realm=a", 'Bearer realm="b']), Failure)


def test_a_thousand_challenges_are_denied():
    assert parse(["Basic realm=a, " * 1000]) == Failure(
        Reason.IMAGE_DENIED, f"WWW-Authenticate holds more than {MAX_CHALLENGES} challenges"
    )
    assert isinstance(parse(["Basic realm=a"] * 1000), Failure)


def test_as_many_challenges_as_allowed_are_read():
    assert len(parse(["Basic realm=a, " * MAX_CHALLENGES])) == MAX_CHALLENGES


def test_too_many_parameters_are_denied():
    assert len(parse(["Basic " + ",".join(f"p{i}=v" for i in range(MAX_PARAMETERS))])[0].params) == MAX_PARAMETERS
    assert isinstance(parse(["Basic " + ",".join(f"p{i}=v" for i in range(MAX_PARAMETERS + 1))]), Failure)


LONG = 1 << 19
"""Of the longest that is read the square would be seconds, of this hours."""


@pytest.mark.parametrize("filler", ["a", " ", ",", '"', "\\", "=", "a ", 'a="', "a=b,", "a\\", "/", '"\\'])
def test_a_header_costs_work_in_proportion_whatever_it_holds(filler, monkeypatch):
    monkeypatch.setattr(challenge, "MAX_CHALLENGE_CHARS", LONG)
    header = ("Basic " + filler * LONG)[:LONG]
    with counted.in_proportion():
        parse([header])
        parse(['Basic realm="' + header[13:]])


def test_a_longer_header_is_denied_unread():
    assert isinstance(parse(["Basic realm=" + "a" * MAX_CHALLENGE_CHARS]), Failure)


@given(st.lists(st.text(max_size=200), max_size=4))
def test_any_text_gives_challenges_or_a_failure(headers):
    answer = parse(headers)
    assert isinstance(answer, Failure | tuple)


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=30)
PARAMS = st.dictionaries(NAMES.map(str.lower), VALUES, min_size=1, max_size=5)


def quoted(value):
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


@given(st.lists(st.tuples(NAMES, PARAMS), min_size=1, max_size=5))
def test_what_is_written_by_the_grammar_is_read_back(written):
    header = ", ".join(f"{scheme} " + ",".join(f"{n}={quoted(v)}" for n, v in p.items()) for scheme, p in written)
    assert said(parse([header])) == [{"scheme": scheme.lower(), "params": p} for scheme, p in written]
