"""Our reader of dynamic symbols against pyelftools, on real libraries of two CPUs, besides tables that linkers no longer make."""

from __future__ import annotations

import io
import struct
from array import array
from pathlib import Path

import pytest
from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerSymSection
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection

from scanner.binary.layers.body import Body
from scanner.binary.program.elf import dynamic, symbols
from scanner.binary.program.elf.dynamic import Dynamic
from scanner.binary.program.elf.symbols import NamesTooLongError, Symbols

LIBRARIES = [
    *(Path("/usr/lib/x86_64-linux-gnu") / name for name in ("libc.so.6", "libstdc++.so.6", "libm.so.6", "libz.so.1")),
    *(Path("/usr/aarch64-linux-gnu/lib") / name for name in ("libc.so.6", "libatomic.so.1", "libm.so.6")),
    Path("/lib64/ld-linux-x86-64.so.2"),
    Path("/bin/bash"),
]
FOUND_TYPES = {"STT_NOTYPE", "STT_OBJECT", "STT_FUNC", "STT_COMMON", "STT_TLS", "STT_LOOS"}


def as_pyelftools_sees(content):
    """Names that are offered with their version words, names that relocations ask for."""
    file = ELFFile(io.BytesIO(content))
    table = next(s for s in file.iter_sections() if isinstance(s, SymbolTableSection) and s.name == ".dynsym")
    words = next((s for s in file.iter_sections() if isinstance(s, GNUVerSymSection)), None)
    offered = []
    for index, each in enumerate(table.iter_symbols()):
        bound = each.entry.st_info.bind != "STB_LOCAL" and each.entry.st_shndx != "SHN_UNDEF"
        has_value = each.entry.st_value or each.entry.st_shndx == "SHN_ABS" or each.entry.st_info.type == "STT_TLS"
        if bound and has_value and each.entry.st_info.type in FOUND_TYPES:
            word = words.get_symbol(index).entry.ndx if words is not None else 1
            number = {"VER_NDX_LOCAL": 0, "VER_NDX_GLOBAL": 1}.get(word, word)
            offered.append((each.name.encode(), number))
    asked = set()
    for section in file.iter_sections():
        if isinstance(section, RelocationSection) and section.name.startswith(".rela"):
            for relocation in section.iter_relocations():
                each = table.get_symbol(relocation["r_info_sym"])
                if each.entry.st_info.bind == "STB_GLOBAL" and each.entry.st_shndx == "SHN_UNDEF":
                    asked.add(each.name.encode())
    return sorted(offered), asked


@pytest.mark.parametrize("path", LIBRARIES, ids=str)
def test_both_readers_agree_on_what_is_offered_and_asked_for(path):
    content = path.read_bytes()
    parsed = dynamic.parse(Body.whole(content))
    assert isinstance(parsed, Dynamic)
    offered, asked = as_pyelftools_sees(content)
    assert sorted(parsed.symbols.offered()) == offered
    assert {ask.name for ask in parsed.symbols.asks() if not ask.is_copied} == asked


def tags_of(content):
    section = next(s for s in ELFFile(io.BytesIO(content)).iter_sections() if isinstance(s, DynamicSection))
    return {tag.entry.d_tag: tag.entry.d_val for tag in section.iter_tags()}


def test_the_older_hash_table_leads_to_the_same_symbols(kit):
    made = {way: kit.shared(flags=(f"-Wl,--hash-style={way}",), libc=True) for way in ("gnu", "sysv")}
    assert "DT_GNU_HASH" not in tags_of(made["sysv"])
    gnu, sysv = (dynamic.parse(Body.whole(raw)).symbols for raw in made.values())
    assert gnu.offered() == sysv.offered() == [(b"a", 1)]


@pytest.mark.parametrize(("flags", "later"), [(("-Wl,-z,now",), False), (("-Wl,-z,lazy",), True)])
def test_what_is_asked_for_on_the_first_call_is_told_apart(kit, flags, later):
    parsed = dynamic.parse(Body.whole(kit.shared(libc=True, flags=flags)))
    assert [(str(ask), ask.later) for ask in parsed.symbols.asks()] == [("getpid, version GLIBC_2.2.5", later)]


def test_a_file_that_offers_nothing_offers_nothing(kit):
    parsed = dynamic.parse(Body.whole(kit.program(calls=())))
    assert parsed.symbols.offered() == []


def test_tables_that_are_too_large_are_not_kept(kit, monkeypatch):
    content = kit.shared(libc=True)
    for name in ("MAX_TABLE_BYTES", "MAX_RELOCATION_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(symbols, name, 8)
            assert dynamic.parse(Body.whole(content)).symbols is None


def test_symbols_of_a_32_bit_file_are_read(kit):
    parsed = dynamic.parse(Body.whole(kit.shared(flags=("-m32",))))
    assert parsed.symbols.offered() == [(b"a", 1)]
    assert list(parsed.symbols.asks()) == []


@pytest.mark.parametrize("names", [b"a" * (1 << 21) + b"\0", b"a" * 30_000 + b"\0"], ids=["one-long-name", "its-ends"])
def test_names_that_add_up_to_more_than_any_linker_writes_are_not_copied(names):
    offered = b"".join(struct.pack("<IBBHQQ", at % 9, 0x12, 0, 1, 8, 8) for at in range(500))
    asked = b"".join(struct.pack("<IBBHQQ", at % 9, 0x12, 0, 0, 0, 0) for at in range(500))
    every, none = array("I", range(500)), array("I")
    with pytest.raises(NamesTooLongError):
        Symbols(64, "<", offered, names, b"", range(500), none, none, none, {}).offered()
    with pytest.raises(NamesTooLongError):
        list(Symbols(64, "<", asked, names, b"", range(0), every, none, none, {}).asks())
