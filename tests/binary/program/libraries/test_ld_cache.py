"""Our reader of ld.so.cache against ldconfig, which writes it."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest

from scanner.binary.program.libraries import ld_cache

CACHE = Path("/etc/ld.so.cache")
_LINE = re.compile(r"\t(\S+) \(([^)]*)\) => (/\S+)")
_FLAGS = {"ELF": 1, "libc6,x86-64": 0x0303, "libc6": 0x0003, "libc6,x32": 0x0803, "libc6,AArch64": 0x0A03}


def as_ldconfig_says(cache=CACHE):
    shown = subprocess.run(
        ["/sbin/ldconfig", "-p", "-C", str(cache)], capture_output=True, text=True, check=True
    ).stdout
    found = []
    for match in filter(None, map(_LINE.match, shown.splitlines())):
        kind = match[2].split(", hwcap")[0].split(", OS ABI")[0]
        found.append((match[1], _FLAGS.get(kind, kind), match[3]))
    return found


def as_we_say(cache=CACHE):
    read = ld_cache.parse(cache.read_bytes(), "little")
    return [(name, entry.flags, entry.path) for name, entries in read.entries.items() for entry in entries]


def test_both_readers_agree_on_the_cache_of_this_machine():
    assert sorted(as_we_say()) == sorted(as_ldconfig_says())


@pytest.mark.parametrize("kind", ["new", "compat", "old"])
def test_every_format_that_ldconfig_writes_is_read(kit, tmp_path, kind):
    for name in ("libone.so.1", "libtwo.so.2"):
        (tmp_path / "opt").mkdir(exist_ok=True)
        (tmp_path / "opt" / name).write_bytes(kit.shared(soname=name))
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/ld.so.conf").write_text("/opt\n")
    subprocess.run(["/sbin/ldconfig", "-r", str(tmp_path), "-c", kind], check=True, capture_output=True)
    found = as_we_say(tmp_path / "etc/ld.so.cache")
    assert sorted(found) == [
        ("libone.so.1", 0x0303, "/opt/libone.so.1"), ("libtwo.so.2", 0x0303, "/opt/libtwo.so.2"),
    ]  # fmt: skip


def test_what_is_no_cache_is_one_without_entries():
    assert ld_cache.parse(b"", "little") == ld_cache.EMPTY
    assert ld_cache.parse(b"nothing of the kind", "little") == ld_cache.EMPTY


def test_a_cut_or_oversized_cache_is_not_followed():
    whole = CACHE.read_bytes()
    assert ld_cache.parse(whole[: len(whole) // 2], "little") is None
    assert ld_cache.parse(whole + bytes(ld_cache.MAX_CACHE_BYTES), "little") is None


def test_reading_a_cache_is_total_over_all_bytes():
    whole, choice = CACHE.read_bytes(), random.Random(1)
    for _ in range(200):
        changed = bytearray(whole[: choice.randrange(len(whole))])
        for place in range(0, min(64, len(changed)), choice.randint(1, 9)):
            changed[place] = choice.randrange(256)
        ld_cache.parse(bytes(changed), "little")
