"""What binfmt_misc entries, as kernels print them, emulate."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import Binfmt, BinfmtEntry
from scanner.domain.platform.binfmt import (
    MAX_ENTRY_CHARS,
    Handling,
    emulation,
    emulator_name,
    parse_entry,
)
from scanner.domain.platform.platform import KNOWN_ARCHITECTURES

_VECTORS = Path(__file__).parents[2] / "data" / "vectors"
_ROWS = json.loads((_VECTORS / "binfmt.json").read_text(encoding="utf-8"))
_READABLE = [r for r in _ROWS if r.get("content") and "matches_goarch" in r]


def taken(entry):
    """The architectures whose every program this entry takes where it is switched on."""
    alone = Binfmt(enabled=True, entries=(replace(entry, enabled=True),))
    return {
        name for name in KNOWN_ARCHITECTURES if emulation(alone, name).handling in (Handling.USABLE, Handling.HOST_ONLY)
    }


@pytest.mark.parametrize("row", _READABLE, ids=lambda r: f"{r['name']} {r['flags']}")
def test_a_real_entry_means_what_it_means_to_the_kernel(row):
    found = parse_entry(row["name"], row["content"])

    assert (found.enabled, found.flags, "F" in found.flags) == (row["enabled"], row["flags"], row["fix_binary"])
    assert taken(found) == set(row["matches_goarch"])
    alone = Binfmt(enabled=True, entries=(found,))
    usable = any(emulation(alone, name).handling is Handling.USABLE for name in KNOWN_ARCHITECTURES)
    assert usable == row["emulates_in_containers"]
    assert found.interpreter == row.get("interpreter", found.interpreter)


@pytest.mark.parametrize("row", [r for r in _ROWS if r not in _READABLE], ids=lambda r: r["name"])
def test_what_is_no_entry_is_none(row):
    assert parse_entry(row["name"], row.get("content") or "") is None


_ARM64 = "enabled\ninterpreter /q\nflags: F\noffset 0\nmagic 7f454c460201010000000000000000000200b700\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("enabled\ninterpreter /j\nflags: \nextension .jar\n", BinfmtEntry("x", True, "/j", extension=".jar")),
        ("enabled\nbpf some_handler\nflags: \n", BinfmtEntry("x", True, "")),
        ("disabled\ninterpreter /j\nflags: POCFTLD\nextension .py\nnews 1\n", BinfmtEntry("x", False, "/j", "POCFTLD", extension=".py")),
        ("enabled\ninterpreter /a b/c\noffset 4\nmagic 4d5a\n", BinfmtEntry("x", True, "/a b/c", offset=4, magic=b"MZ")),
        ("enabled\ninterpreter /j\nmagic 4d5\n", None),
        ("enabled\ninterpreter /j\noffset x\nmagic 4d5a\n", None),
        ("", None),
        ("registered\ninterpreter /j\n", None),
        ("enabled\n" + "x" * MAX_ENTRY_CHARS, None),
    ],
)  # fmt: skip
def test_entries_of_other_kinds_and_of_newer_kernels_are_tolerated(text, found):
    assert parse_entry("x", text) == found


def test_a_magic_without_mask_takes_only_what_equals_it():
    found = parse_entry("x", _ARM64)

    assert taken(found) == set()  # it takes fixed programs (ET_EXEC), not relocatable ones
    assert emulation(Binfmt(enabled=True, entries=(found,)), "arm64").handling is Handling.UNCLEAR


def test_an_extension_is_no_emulator():
    java = BinfmtEntry("jar", True, "/usr/bin/jexec", "F", extension=".jar")

    assert taken(java) == set()
    assert emulation(Binfmt(enabled=True, entries=(java,)), "amd64").handling is Handling.NONE


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_an_entry_that_shows_neither_magic_nor_extension_may_take_anything(architecture):
    bpf = parse_entry("x", "enabled\nbpf some_handler\nflags: \n")
    arm64 = BinfmtEntry("arm64", True, "/q", "F", magic=b"\x7fELF")
    assert emulation(Binfmt(enabled=True, entries=(arm64, bpf)), architecture).handling is Handling.UNCLEAR
    off = (Binfmt(enabled=False, entries=(bpf,)), Binfmt(enabled=True, entries=(replace(bpf, enabled=False),)))
    assert {emulation(binfmt, architecture).handling for binfmt in off} == {Handling.NONE}


@pytest.mark.parametrize(
    ("interpreter", "name"),
    [
        ("/usr/libexec/qemu-binfmt/aarch64-binfmt-P", "QEMU"),
        ("/run/rosetta/rosetta", "Rosetta"),
        ("/usr/bin/FEXInterpreter", "FEX"),
        ("/usr/local/bin/box64", "box64"),
        ("/opt/own", "mine"),
    ],
)
def test_an_emulator_is_named_by_its_interpreter(interpreter, name):
    assert emulator_name(BinfmtEntry("mine", True, interpreter)) == name


@given(st.text(max_size=200), st.binary(max_size=70), st.binary(max_size=70), st.integers(-5, 300))
def test_no_entry_whatever_breaks_the_reading(text, magic, mask, offset):
    parse_entry("x", "enabled\n" + text)
    entry = BinfmtEntry("x", True, "/i", "F", offset, magic, mask)

    assert emulation(Binfmt(enabled=True, entries=(entry,)), "amd64").handling in Handling
