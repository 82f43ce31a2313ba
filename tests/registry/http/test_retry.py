"""How long to wait before the next try."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.registry.http.retry import MAX_RETRIES, pause, retry_after

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 UTC


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        (" 5 ", 5.0),
        ("0", 0.0),
        ("1000000000", 1e9),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("Fri, 15 Jan 2027 10:00:30 +0200", 30.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("9" * 5000, None),
        ("Fri, 99 Jan 2027 08:00:30 GMT", None),
        ("Fri, 15 Jan 99999999 08:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(text, seconds):
    assert retry_after({"retry-after": text}, NOW) == seconds


@given(st.text(max_size=80))
def test_any_retry_after_is_read_or_ignored(text):
    found = retry_after({"retry-after": text}, NOW)
    assert found is None or found >= 0


@pytest.mark.parametrize("outcome", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_twice_more(outcome):
    waits = [pause(outcome, None, tried) for tried in range(1, MAX_RETRIES + 2)]
    assert all(wait and 0.4 < wait < 2 for wait in waits[:MAX_RETRIES])
    assert waits[MAX_RETRIES] is None


FINAL = [
    200,
    301,
    400,
    401,
    403,
    404,
    501,
    *map(Failure, (Reason.IMAGE_TLS_REJECTED, Reason.IMAGE_TIMEOUT, Reason.IMAGE_TOO_LARGE)),
]


@pytest.mark.parametrize("outcome", FINAL)
def test_what_will_not_pass_is_final(outcome):
    assert pause(outcome, 1.0, 1) is None


def test_the_servers_wish_lengthens_the_wait_and_never_shortens_it():
    assert pause(429, 20.0, 1) == 20.0
    assert pause(429, 0.0, 1) >= 0.5


@pytest.mark.parametrize("reason", [Reason.IMAGE_UNREACHABLE, Reason.IMAGE_MALFORMED])
def test_a_broken_connection_is_tried_once_more(reason):
    assert pause(Failure(reason), None, 1) < 1
    assert pause(Failure(reason), None, 2) is None
