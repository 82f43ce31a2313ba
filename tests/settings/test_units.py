import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.settings.units import format_duration, format_size, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("30s", 30), ("5m", 300), ("4h", 14400), ("90d", 7776000), ("1h30m", 5400), ("500ms", 0.5), ("0s", 0)],
)
def test_durations_are_seconds(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "5", "s", "-5s", "5 s", "1.5h", "5S", "30m1h", "5s5s", "\u0665s", 5, None, True, 1e9]
)
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValueError, match="must be a duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["", "5", "4MB", "4 MiB", "-1B", "1.5MiB", "4mib", 4, None])
def test_anything_else_is_no_size(text):
    with pytest.raises(ValueError, match="must be a size"):
        parse_size(text)


@given(st.integers(0, 10**11))
def test_a_written_duration_reads_back(milliseconds):
    assert round(parse_duration(format_duration(milliseconds / 1000)) * 1000) == milliseconds


@given(st.integers(0, 999_999_999))
def test_a_written_size_reads_back(count):
    assert parse_size(format_size(count)) == count
