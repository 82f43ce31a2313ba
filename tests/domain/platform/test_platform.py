"""What a platform is called, by everybody who names one."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.platform.platform import (
    KNOWN_ARCHITECTURES,
    MAX_SPECIFIER_CHARS,
    Platform,
    canonical,
    normalize,
    parse,
)
from tests.rows import each_row

LOCAL = Platform("linux", "amd64")
"""The rows were made on this platform, and those of one word depend on it."""

_VECTORS = Path(__file__).parents[2] / "data" / "vectors"
_ROWS = json.loads((_VECTORS / "normalize.json").read_text(encoding="utf-8"))


def of(row):
    return Platform(
        row["os"],
        row["architecture"],
        row.get("variant") or "",
        row.get("os.version", ""),
        tuple(row.get("os.features", ())),
    )


@each_row("row", [r for r in _ROWS if r["kind"] == "specifier" and r["out"]], ids=lambda r: r["in"])
def test_a_specifier_reads_as_containerd_reads_it(row):
    found = parse(row["in"], LOCAL)

    assert found == of(row["out"])
    assert normalize(found, "linux") == of(row["normalized"])


@each_row("row", [r for r in _ROWS if r["kind"] == "specifier" and not r["out"]], ids=lambda r: r["in"])
def test_what_containerd_refuses_is_refused(row):
    with pytest.raises(ValueError, match="platform"):
        parse(row["in"], LOCAL)


@each_row("row", [r for r in _ROWS if r["kind"] == "platform"], ids=lambda r: str(of(r["in"])))
def test_a_platform_is_normalised_as_containerd_does(row):
    assert normalize(of(row["in"]), "linux") == of(row["out"])


@pytest.mark.parametrize(
    ("text", "local", "expected"),
    [
        ("linux", Platform("linux", "arm", "v6"), Platform("linux", "arm", "v6")),
        ("linux", Platform("linux", "arm", "v7"), Platform("linux", "arm")),
        ("linux", Platform("linux", "arm64", "v8"), Platform("linux", "arm64")),
        ("s390x", Platform("freebsd", "arm64"), Platform("freebsd", "s390x")),
    ],
)
def test_a_single_word_takes_the_rest_from_the_local_platform(text, local, expected):
    assert parse(text, local) == expected


@pytest.mark.parametrize("text", ["linux", "amd64", "arm64", "windows(10.0.20348)"])
def test_half_a_platform_is_refused_when_nobody_says_what_is_local(text):
    with pytest.raises(ValueError, match="only half a platform: write os/arch"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' is not an operating system"),
        ("linux/", "'' is not a name"),
        ("/arm", "'' is not an operating system"),
        ("linux/arm/v7/x", "more than three parts"),
        ("linux/arm 64", "'arm 64' is not a name"),
        ("linux/arm64\n", "is not a name"),
        ("linux/*", "wildcards"),
        ("plan10", "neither a known operating system nor a known architecture"),
        ("windows(%zz)/amd64", "without two hexadecimal digits"),
        ("linux/" + "a" * MAX_SPECIFIER_CHARS, "at most 512 characters"),
    ],
)
def test_a_refused_specifier_says_what_is_wrong_with_it(text, message):
    with pytest.raises(ValueError) as refused:
        parse(text, LOCAL)

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("x86_64", "linux/amd64"),
        ("x86-64", "linux/amd64"),
        ("x64", "linux/amd64"),
        ("amd64/v1", "linux/amd64"),
        ("amd64/v3", "linux/amd64/v3"),
        ("aarch64", "linux/arm64"),
        ("arm64/v8", "linux/arm64"),
        ("arm64v8", "linux/arm64"),
        ("ARM64", "linux/arm64"),
        ("arm64/v9.0", "linux/arm64/v9"),
        ("armhf", "linux/arm/v7"),
        ("armel", "linux/arm/v6"),
        ("arm", "linux/arm/v7"),
        ("arm/6", "linux/arm/v6"),
        ("armv7l", "linux/arm/v7"),
        ("armv6hl", "linux/arm/v6"),
        ("armv5tejl", "linux/arm/v5"),
        ("armv8l", "linux/arm/v8"),
        ("armv7b", "linux/armv7b"),
        ("arm32v5", "linux/arm/v5"),
        ("i386", "linux/386"),
        ("i686", "linux/386"),
        ("loongarch64", "linux/loong64"),
        ("ppc64el", "linux/ppc64le"),
        ("mips64el", "linux/mips64le"),
        ("sh4", "linux/sh4"),
    ],
)
def test_every_name_of_an_architecture_has_one_canonical_spelling(written, expected):
    architecture, _, variant = written.partition("/")

    assert str(canonical(Platform("linux", architecture, variant))) == expected


def test_an_operating_system_that_is_not_named_stays_unnamed():
    assert normalize(Platform("", "x86_64")).os == ""


_NAMES = st.sampled_from([
    *sorted(KNOWN_ARCHITECTURES), "x86_64", "AARCH64", "armhf", "armel", "armv7l", "armv7b", "i686", "arm64v8", "loongarch64", "",
])  # fmt: skip
_VARIANTS = st.sampled_from(["", "v1", "v2", "v6", "7", "8", "V8", "v8.0", "9", "v9.2", "power9", "rva22u64", "x"])


@given(st.builds(Platform, st.sampled_from(["linux", "MacOS", "", "windows"]), _NAMES, _VARIANTS))
def test_normalising_twice_is_normalising_once(platform):
    assert normalize(normalize(platform)) == normalize(platform)
    assert canonical(canonical(platform)) == canonical(platform)


@given(st.text(max_size=40))
def test_any_text_is_either_a_platform_or_a_value_error(text):
    try:
        found = parse(text, LOCAL)
    except ValueError:
        return
    assert found.os
    assert found.architecture
