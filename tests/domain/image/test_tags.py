"""Which tags come closest to one that does not fit."""

from __future__ import annotations

import pytest

from scanner.domain.image.tags import MAX_TAG_CHARS, candidates


@pytest.mark.parametrize(
    ("tag", "listed", "best"),
    [
        ("1.4", ["1.3", "1.5", "2.0", "1.4-arm64", "latest"], ["1.4-arm64", "1.5", "1.3", "2.0"]),
        ("8.0.1-cpuv3", ["8.0.1", "8.0.1-cpuv1", "8.0.1-baseline", "8.0.0"],
         ["8.0.1", "8.0.1-baseline", "8.0.1-cpuv1", "8.0.0"]),
        ("v2", ["v2-v2", "v3", "v1"], ["v2-v2", "v3", "v1"]),
        ("1.10", ["1.9", "1.2", "1.11"], ["1.11", "1.9", "1.2"]),
        ("3.19-alpine", ["3.20", "3.20-alpine", "3.20-debian", "3.18-alpine"], ["3.20-alpine", "3.18-alpine"]),
        ("1.4", ["1.5-rc1", "1.5.0-beta.2", "1.4.1"], ["1.4.1"]),
        ("1.5-rc1", ["1.5-rc2", "1.5"], ["1.5", "1.5-rc2"]),
        ("latest", ["latest-arm64", "latest-amd64", "1.0", "stable"], ["latest-amd64", "latest-arm64"]),
        ("edge", ["1.0", "2.0"], []),
        ("1.4", ["1.4"], []),
        ("1.4", ["x" * (MAX_TAG_CHARS + 1), "1." + "9" * 500], []),
        ("15", ["16", "15.2", "15.10", "14"], ["15.10", "15.2", "16", "14"]),
    ],
)  # fmt: skip
def test_the_nearest_tags_come_first(tag, listed, best):
    assert candidates(tag, listed, 10) == best


def test_no_more_are_given_than_are_asked_for():
    assert candidates("1.0", [f"1.{number}" for number in range(5000)], 3) == ["1.4999", "1.4998", "1.4997"]


def test_no_pre_release_is_proposed_where_none_is_deployed():
    assert candidates("1.2", ["1.2-rc1-amd64", "1.2-amd64", "1.3", "latest"], 9) == ["1.2-amd64", "1.3"]
