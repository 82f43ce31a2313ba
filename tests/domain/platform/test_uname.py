"""What machine names stand for."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.platform.platform import Platform, canonical
from scanner.domain.platform.uname import Certainty, from_uname
from tests.rows import each_row

_ROWS = json.loads((Path(__file__).parents[2] / "data" / "vectors" / "uname.json").read_text(encoding="utf-8"))


def expected(row):
    """The row's platform in our spelling, in which arm64/v8 is arm64."""
    if row["architecture"] is None:
        return None
    named = Platform(row["os"], row["architecture"], row["variant"] or "")
    return named if named.architecture in ("arm", "armbe") else canonical(named)


@each_row("row", [r for r in _ROWS if r["kind"] == "uname"], ids=lambda r: repr((r["uname_s"], r["uname_m"])))
def test_a_machine_name_proves_what_it_proves(row):
    found = from_uname(row["uname_s"], row["uname_m"])

    assert (found.certainty, found.platform) == (row["status"], expected(row))
    assert list(found.candidates) == row.get("candidates", [])


@pytest.mark.parametrize(
    ("machine", "byte_order", "platform"),
    [
        ("mips64", "little", Platform("linux", "mips64le")),
        ("mips64", "big", Platform("linux", "mips64")),
        ("mips", "little", Platform("linux", "mipsle")),
        ("mips", "big", Platform("linux", "mips")),
        ("mips64", None, None),
        ("mips64", "middle", None),
    ],
)
def test_the_byte_order_settles_what_the_name_leaves_open(machine, byte_order, platform):
    assert from_uname("Linux", machine, byte_order).platform == platform


@pytest.mark.parametrize(
    ("system", "machine"), [("Linux", "z80"), ("Plan9", "amd64"), ("", "x86_64"), ("FreeBSD", "vax")]
)
def test_what_nobody_knows_is_unknown_with_a_word_why(system, machine):
    found = from_uname(system, machine)

    assert (found.certainty, found.platform) == (Certainty.UNKNOWN, None)
    assert found.detail


@given(st.text(max_size=20), st.text(max_size=20))
def test_any_words_have_an_answer(system, machine):
    found = from_uname(system, machine)

    assert found.platform is None or found.platform.architecture
