"""Which CPU level a binary demands on machines other than amd64 and arm, as the file itself tells it."""

import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.binary.layers.body import Body
from scanner.binary.program.capture import PAGE_HINT, Capture
from scanner.binary.program.elf import elf, isa
from scanner.domain.platform.platform import Platform

X86_FLOOR = b"\0Fatal glibc error: CPU does not support x86-64-v2\n\0"


def captured(raw):
    capture = Capture(len(raw))
    for at in range(0, len(raw), 1000):
        capture.feed(memoryview(raw)[at : at + 1000])
    return capture.body()


def riscv_attributes(arch):
    pairs = b"\x04\x10" + b"\x05" + arch.encode() + b"\0"
    body = b"riscv\0" + b"\x01" + (len(pairs) + 5).to_bytes(4, "little") + pairs
    return b"A" + (len(body) + 4).to_bytes(4, "little") + body


@pytest.mark.parametrize(
    ("arch", "profile"),
    [
        ("rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_zicsr2p0_zifencei2p0_zmmul1p0_zaamo1p0_zalrsc1p0_zca1p0_zcd1p0", ""),
        ("rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_b1p0_zba1p0_zbb1p0_zbs1p0", "rva22u64"),
        ("rv64i2p1_m2p0_a2p1_f2p2_d2p2_c2p0_v1p0_zve32x1p0_zvl128b1p0", "rva23u64"),
        ("rv64i2p1_zfhmin1p0_zicond1p0", "rva23u64"),
        ("rv64i2p1_zbc1p0_v1p0", "zbc"),
        ("rv64i2p1_xtheadba1p0", "xtheadba"),
        ("", ""),
    ],
)
def test_extensions_name_the_oldest_profile_that_has_them_all(arch, profile):
    assert isa.riscv_profile(riscv_attributes(arch)) == profile


@pytest.mark.system
@pytest.mark.parametrize(
    ("march", "profile"),
    [
        ("rv64gc", ""),
        ("rv64imafdc", ""),
        ("rv64gc_zba_zbb", "rva22u64"),
        ("rv64gcv", "rva23u64"),
        ("rv64gc_zbc", "zbc"),
    ],
)
def test_a_linkers_attributes_are_read_as_readelf_reads_them(march, profile, tmp_path, require):
    tools = {
        name: require(f"riscv64-linux-gnu-{name}", "binutils-riscv64-linux-gnu") for name in ("as", "ld", "readelf")
    }
    (tmp_path / "a.s").write_text(".globl _start\n_start: li a0,42\nli a7,93\necall\n")
    subprocess.run([tools["as"], f"-march={march}", tmp_path / "a.s", "-o", tmp_path / "a.o"], check=True)
    subprocess.run([tools["ld"], tmp_path / "a.o", "-o", tmp_path / "a"], check=True)
    told = subprocess.run([tools["readelf"], "-A", tmp_path / "a"], capture_output=True, text=True, check=True).stdout
    arch = re.search(r'Tag_RISCV_arch: "(\S+)"', told)[1]
    parsed = elf.parse(captured((tmp_path / "a").read_bytes()))
    assert (parsed.needs, isa.riscv_profile(riscv_attributes(arch))) == (Platform("linux", "riscv64", profile), profile)


@pytest.mark.parametrize(
    ("machine", "order", "setting", "needs"),
    [
        (21, "little", ("GOPPC64", "power8"), "linux/ppc64le"),
        (21, "little", ("GOPPC64", "power9"), "linux/ppc64le/power9"),
        (21, "little", ("GOPPC64", "power10"), "linux/ppc64le/power10"),
        (243, "little", ("GORISCV64", "rva20u64"), "linux/riscv64"),
        (243, "little", ("GORISCV64", "rva22u64"), "linux/riscv64/rva22u64"),
        (243, "little", ("GORISCV64", "rva23u64"), "linux/riscv64/rva23u64"),
        (183, "little", ("GOARM64", "v8.0"), "linux/arm64"),
        (183, "little", ("GOARM64", "v8.0,lse"), "linux/arm64"),
        (183, "little", ("GOARM64", "v8.2,crypto"), "linux/arm64/v8.2"),
        (183, "little", ("GOARM64", "v9.0"), "linux/arm64/v9"),
        (183, "little", ("GOARM64", "v9.3"), "linux/arm64/v9.3"),
        (183, "little", ("GOARM64", "nonsense"), "linux/arm64"),
    ],
)
def test_go_settings_name_the_level(build, machine, order, setting, needs):
    raw = build.elf(
        machine=machine, order=order, notes=build.go_note(), data=build.go_buildinfo(dict([setting])), pad=200_000
    )
    assert str(elf.parse(captured(raw)).needs) == needs


@pytest.mark.parametrize(
    ("loader", "needs"),
    [("/lib64/ld.so.1", "linux/loong64/abi1"), ("/lib64/ld-linux-loongarch-lp64d.so.1", "linux/loong64")],
)
def test_a_loader_tells_loongarch_s_worlds_apart(build, loader, needs):
    assert str(elf.parse(captured(build.elf(machine=258, interp=loader))).needs) == needs


@pytest.mark.parametrize(
    ("text", "floor"),
    [
        (b"Fatal glibc error: CPU does not support x86-64-v2\n", "v2"),
        (b"Fatal glibc error: CPU does not support x86-64-v3\n", "v3"),
        (b"Fatal glibc error: CPU lacks ISA 3.00 support (POWER9 or later required)\n", "power9"),
        (b"Fatal glibc error: CPU lacks ISA 3.10 support (POWER10 or later required)\n", "power10"),
        (b"Fatal glibc error: CPU lacks VXE support (z14 or later required)\n", "z14"),
        (b"a (POWER9 or later required) b (POWER10 or later required)", "power10"),
        (b"CPU ISA level is lower than required", ""),
        (b"CPU does not support x86-64-v%d", ""),
    ],
)
def test_a_loaders_own_text_names_the_floor_it_demands(text, floor):
    assert isa.loader_floor(b"\0" + text + b"\0") == floor


def test_the_floor_of_a_loader_becomes_its_need(build):
    raw = build.elf(kind=3, pad=50_000, data=X86_FLOOR)
    assert elf.parse(captured(raw)).needs == Platform("linux", "amd64", "v2")
    program = build.elf(kind=3, pad=50_000, data=X86_FLOOR, interp="/lib64/ld-linux-x86-64.so.2")
    assert elf.parse(captured(program)).needs == Platform("linux", "amd64")


@pytest.mark.system
def test_debians_loader_demands_nothing():
    parsed = elf.parse(Body.whole(Path("/lib64/ld-linux-x86-64.so.2").read_bytes()))
    assert parsed.needs.variant == ""


@pytest.mark.parametrize(("machine", "found"), [(183, True), (21, True), (62, False)])
@pytest.mark.parametrize("at", [5_000, 150_000, 150_990, 199_900])
def test_an_allocators_words_are_found_anywhere_where_pages_may_be_larger(build, machine, found, at):
    raw = bytearray(build.elf(machine=machine, pad=200_000))
    raw[at : at + len(PAGE_HINT)] = PAGE_HINT
    assert elf.parse(captured(bytes(raw))).page_hint is found


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_attributes_raise(raw):
    assert isinstance(isa.riscv_profile(b"A" + raw), str)
    assert isinstance(isa.loader_floor(raw), str)
