"""Answers taken apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.probe.answer import READABLE, VERSION, Answer, parse
from tests.rows import each_row

WHOLE = b"archscan-probe 1\n@section a 3\nabc\n@section b/c 0\n\n@section d 2 truncated\nx\n\n@end\n"


def test_a_whole_answer_is_its_sections():
    answer = parse(WHOLE)

    assert isinstance(answer, Answer)
    assert [(s.name, s.body, s.truncated) for s in answer.sections.values()] == [
        ("a", b"abc", False), ("b/c", b"", False), ("d", b"x\n", True),
    ]  # fmt: skip


@each_row("end", range(len(WHOLE)))
def test_an_answer_cut_anywhere_is_incomplete(end):
    found = parse(WHOLE[:end])

    assert isinstance(found, Failure)
    assert found.reason is Reason.HOST_INCOMPLETE


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"Welcome to web-1!\n" + WHOLE, Reason.HOST_MALFORMED),
        (b"\xef\xbb\xbf" + WHOLE, Reason.HOST_MALFORMED),
        (WHOLE.replace(b"probe 1", b"probe %d" % (VERSION + 1)), Reason.HOST_MALFORMED),
        (WHOLE.replace(b"probe 1", b"probe 0"), Reason.HOST_MALFORMED),
        (WHOLE.replace(b"probe 1", b"probe 10"), Reason.HOST_MALFORMED),
        (WHOLE + b"x", Reason.HOST_MALFORMED),
        (WHOLE + WHOLE, Reason.HOST_MALFORMED),
        (WHOLE.replace(b"a 3", b"a 2"), Reason.HOST_MALFORMED),
        (WHOLE.replace(b"a 3", b"a 4"), Reason.HOST_MALFORMED),
        (WHOLE.replace(b"a 3", b"a 03"), Reason.HOST_MALFORMED),
        (WHOLE.replace(b"a 3", b"a -3"), Reason.HOST_MALFORMED),
        (WHOLE.replace(b"a 3", b"a 999999999"), Reason.HOST_INCOMPLETE),
        (WHOLE.replace(b"a 3", b"a 9999999999"), Reason.HOST_MALFORMED),
        (WHOLE.replace(b"a 3", b"b/c 3"), Reason.HOST_MALFORMED),
        (WHOLE.replace(b"@section a", b"@section a b"), Reason.HOST_MALFORMED),
        (WHOLE.replace(b"@section a", b"@section " + b"a" * 201), Reason.HOST_MALFORMED),
        (WHOLE.replace(b"\n", b"\r\n"), Reason.HOST_MALFORMED),
        (WHOLE.replace(b"truncated", b"cut"), Reason.HOST_MALFORMED),
        (b"archscan-probe 1\n" + b"".join(b"@section s%d 0\n\n" % n for n in range(5000)) + b"@end\n", Reason.HOST_TOO_LARGE),
    ],
)  # fmt: skip
def test_whatever_else_comes_is_refused(raw, reason):
    found = parse(raw)

    assert isinstance(found, Failure)
    assert found.reason is reason


def test_an_end_mark_within_a_section_ends_nothing():
    answer = parse(b"archscan-probe 1\n@section a 6\n@end\n\n\n@end\n")

    assert isinstance(answer, Answer)
    assert answer.sections["a"].body == b"@end\n\n"


@pytest.mark.parametrize(
    ("body", "words"),
    [(b"half\n@hung 4", "in time"), (b"Error: no\n@exit 1", "Error: no"), (b"@exit 127", "s")],
)
def test_a_command_that_failed_says_so(body, words):
    answer = parse(b"archscan-probe 1\n@section s %d\n%s\n@end\n" % (len(body), body))

    found = answer.succeeded("s")

    assert isinstance(found, Failure)
    assert found.reason is Reason.PART_INCOMPLETE
    assert words in found.detail


@given(st.binary(max_size=400))
def test_any_bytes_are_an_answer_or_a_failure(raw):
    assert isinstance(parse(raw), Answer | Failure)
    assert isinstance(parse(b"archscan-probe 1\n" + raw), Answer | Failure)


@given(st.lists(st.binary(max_size=50), max_size=8), st.data())
def test_what_was_framed_comes_back_and_only_whole(bodies, data):
    raw = b"archscan-probe 1\n" + b"".join(
        b"@section s%d %d\n%s\n" % (number, len(body), body) for number, body in enumerate(bodies)
    ) + b"@end\n"  # fmt: skip

    assert [section.body for section in parse(raw).sections.values()] == bodies
    assert isinstance(parse(raw[: data.draw(st.integers(0, len(raw) - 1))]), Failure)


@pytest.mark.parametrize("version", READABLE)
def test_the_last_three_versions_are_read(version):
    assert parse(WHOLE.replace(b"probe 1", b"probe %d" % version)).version == version
    assert len(READABLE) <= 3
    assert READABLE[-1] == VERSION


def test_a_probe_that_is_newer_than_its_server_is_told_from_one_that_is_none():
    assert "newer than this archscan" in parse(WHOLE.replace(b"probe 1", b"probe 77")).detail
