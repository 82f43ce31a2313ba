"""A section that is to hold one JSON object, and what is told where it does not."""

import pytest

from scanner.probe.answer import Answer, Section
from scanner.probe.engines import engine_listing
from scanner.probe.engines.engine_section import Gaps


def read(body):
    gaps = Gaps()
    answer = Answer({"docker/info": Section("docker/info", body)})
    return engine_listing.json_object(answer, "docker/info", gaps, "docker"), dict(gaps)


def test_messages_around_an_object_are_passed_over():
    assert read(b'WARNING: no swap\n{"a": 1}\n') == ({"a": 1}, {})


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"[" * 500_000, "not JSON: '[[["),
        (b"", "not JSON: ''"),
        (b"null", "null where an object must be"),
        (b"NaN", "not an object: nan"),
        (b'"x"', "not an object: 'x'"),
        (b'{"a":' * 1000, "not JSON: '{"),
        (b"}{", "not JSON: '}{'"),
        (b'{"a": \xff}', "not JSON"),
    ],
)
def test_what_is_no_object_is_a_gap_that_shows_it(body, told):
    found, gaps = read(body)
    assert found == {}
    assert told in gaps["docker"].detail
