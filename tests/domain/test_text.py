"""Untrusted text, made fit to be shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.text import ELLIPSIS, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        ("two\nlines\r\n\tand more", "two lines and more"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07shell", "shell"),
        ("\x9b31mred", "red"),
        ("bell\x07 null\x00", "bell null"),
        ("admin\u202etxt.exe", "admintxt.exe"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("lone\ud800", "lone"),
        ("next\u2028line", "next line"),
        (b"caf\xc3\xa9 \xff", "café \ufffd"),
        ("{{7*7}} $(id) %s 'quote'", "{{7*7}} $(id) %s 'quote'"),
        ("Zürich 東京 🚢", "Zürich 東京 🚢"),
    ],
)
def test_text_is_one_printable_line(text, shown):
    assert printable(text) == shown


def test_what_is_too_long_ends_with_an_ellipsis():
    assert printable("abcdef", 4) == f"abc{ELLIPSIS}"
    assert printable("abcd", 4) == "abcd"
    assert printable("x" * 10_000_000, 10) == "x" * 9 + ELLIPSIS
    assert printable(" " * 100_000 + "x", 10).endswith(ELLIPSIS)


@given(st.one_of(st.text(), st.binary()), st.integers(0, 50))
def test_whatever_it_was_it_is_short_and_printable_and_encodes(text, limit):
    shown = printable(text, limit)

    assert len(shown) <= limit
    assert shown.isprintable()
    shown.encode("utf-8")


@given(st.text())
def test_cleaning_twice_changes_nothing(text):
    assert printable(printable(text)) == printable(text)
