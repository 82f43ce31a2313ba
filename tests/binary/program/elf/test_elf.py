"""What ELF headers, notes and build settings prove."""

import json
import re
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.binary.layers.body import Body
from scanner.binary.program.capture import Capture
from scanner.binary.program.content import examine
from scanner.binary.program.elf import elf, isa
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Elf, FileKind
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status

VECTORS = Path(__file__).parents[3] / "data" / "vectors"
MACHINES = [row for row in json.loads((VECTORS / "elf_machine.json").read_text()) if "e_machine" in row]
MAGICS = [row for row in json.loads((VECTORS / "elf_machine.json").read_text()) if "magic_hex" in row]
HEADERS = json.loads((VECTORS / "elf_headers.json").read_text())
LOADERS = json.loads((VECTORS / "pt_interp.json").read_text())
ORDER = {"LSB": "little", "MSB": "big", None: "little"}


def captured(raw, piece=1000):
    """A file as the tar reader hands it out: in pieces, of which only some parts are kept."""
    capture = Capture(len(raw))
    for at in range(0, len(raw), piece):
        capture.feed(memoryview(raw)[at : at + piece])
    return capture.body()


@pytest.mark.parametrize("row", MACHINES, ids=lambda row: f"{row['name']}-{row['ei_class']}-{row['ei_data']}")
def test_machine_class_and_order_name_the_goarch(build, row):
    raw = build.elf(machine=row["e_machine"], bits=row["ei_class"] or 64, order=ORDER[row["ei_data"]])
    parsed = elf.parse(Body.whole(raw))
    assert (parsed.needs.architecture if parsed.needs else None) == row["goarch"]


def test_a_script_is_no_elf_and_its_interpreter_is_named():
    content = examine(Body.whole(b"#!/bin/sh"))
    assert (content.kind, content.elf, str(content.shebang)) == (FileKind.SCRIPT, None, "/bin/sh")


@pytest.mark.parametrize("row", [row for row in MAGICS if row["name"] != "script"], ids=lambda row: row["name"])
def test_other_formats_are_no_elf(row):
    content = examine(Body.whole(bytes.fromhex(row["magic_hex"])))
    assert content.elf is None
    assert content.problem is not None
    assert STATUS_OF[content.problem.reason] is Status.BROKEN


@pytest.mark.parametrize("row", HEADERS, ids=lambda row: f"{row['os']}-{row['goarch']}-{row['build_variant']}")
def test_a_real_header_is_read_as_measured(row):
    if row["elf"] is None:
        assert examine(Body.whole(bytes.fromhex(row["first_bytes_hex"]))).problem.reason is Reason.NOT_A_PROGRAM
        return
    header, measured = elf.read_header(bytes.fromhex(row["header_hex"])), row["elf"]
    assert header.goarch == row["goarch"]
    assert (header.bits, header.byte_order) == (measured["ei_class"], ORDER[measured["ei_data"]])
    assert (header.osabi, header.type) == (measured["ei_osabi"], measured["e_type"])
    assert (header.machine, header.flags) == (measured["e_machine"], measured["e_flags"])


@pytest.mark.parametrize("row", LOADERS, ids=lambda row: row["goarch"])
def test_the_loaders_name_tells_the_libc(row):
    assert elf.libc_of(row["glibc"]) == "glibc"
    assert elf.libc_of(row["musl"]) == "musl"


@pytest.mark.parametrize("path", ["/system/bin/linker64", "/libexec/ld-elf.so.1", "/lib/ld-uClibc.so.0", ""])
def test_other_loaders_tell_no_libc(path):
    assert elf.libc_of(path) == ""


@pytest.mark.parametrize(("flags", "expected"), [(0x1000, "mips"), (0x20, None), (0x50001024, None)])
def test_n32_has_no_goarch(build, flags, expected):
    parsed = elf.parse(Body.whole(build.elf(machine=8, bits=32, order="big", flags=flags)))
    assert (parsed.needs.architecture if parsed.needs else None) == expected


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("bits", [32, 64])
def test_the_interpreter_is_read_in_either_class_and_order(build, bits, order):
    raw = build.elf(bits=bits, order=order, machine=8, interp="/lib/ld.so.1")
    assert elf.parse(Body.whole(raw)).interpreter == "/lib/ld.so.1"


@pytest.mark.parametrize(("level", "variant"), [(1, ""), (2, "v2"), (3, "v3"), (4, "v4")])
def test_the_gnu_property_note_names_the_level(build, level, variant):
    raw = build.elf(notes=build.gnu_property(level))
    assert elf.parse(Body.whole(raw)).needs == Platform("linux", "amd64", variant)


def test_a_note_behind_others_is_found(build):
    raw = build.elf(notes=build.go_note() + build.gnu_property(3))
    assert elf.parse(Body.whole(raw)).needs.variant == "v3"


@pytest.mark.parametrize(("said", "variant"), [("v1", ""), ("v2", "v2"), ("v3", "v3"), ("v4", "v4"), ("v9", "")])
def test_goamd64_names_the_level(build, said, variant):
    raw = build.elf(notes=build.go_note(), data=build.go_buildinfo({"-compiler": "gc", "GOAMD64": said}))
    assert elf.parse(captured(raw)).needs == Platform("linux", "amd64", variant)


@pytest.mark.parametrize(("said", "variant"), [("5", "v5"), ("6", "v6"), ("7,softfloat", "v7"), ("9", ""), ("", "")])
def test_goarm_names_the_version(build, said, variant):
    data = build.go_buildinfo({"GOARM": said})
    raw = build.elf(machine=40, bits=32, flags=0x05000002, notes=build.go_note(), data=data, pad=200_000)
    assert elf.parse(captured(raw)).needs == Platform("linux", "arm", variant)


@pytest.mark.parametrize(
    ("tag", "variant"), [(2, ""), (4, "v5"), (6, "v6"), (7, "v6"), (10, "v7"), (14, "v8"), (99, "")]
)
def test_arm_attributes_name_the_version(build, tag, variant):
    raw = build.elf(machine=40, bits=32, attributes=build.arm_attributes(tag), pad=100_000)
    assert elf.parse(captured(raw)).needs == Platform("linux", "arm", variant)


def test_arm_attributes_are_found_at_the_end_of_a_large_file(build):
    raw = build.elf(machine=40, bits=32, attributes=build.arm_attributes(10), pad=6 << 20)
    body = captured(raw, 65536)
    assert sum(len(piece) for _, piece in body.pieces) < 3 << 20
    assert elf.parse(body).needs.variant == "v7"


def test_string_tags_before_the_architecture_are_skipped(build):
    extra = b"\x04name\0" + b"\x20\x01gnu\0" + b"\x43x\0" + b"\x41y\0"
    assert isa.arm_variant(build.arm_attributes(10, extra=extra)) == "v7"


def test_program_headers_at_the_end_of_the_file_are_found(build):
    raw = build.elf(interp="/lib64/ld-linux-x86-64.so.2", pad=100_000, phoff=150_000)
    assert elf.parse(captured(raw)).interpreter == "/lib64/ld-linux-x86-64.so.2"


@pytest.mark.parametrize(("owner", "system"), [
    (b"FreeBSD\0", "freebsd"), (b"NetBSD\0\0", "netbsd"), (b"OpenBSD\0", "openbsd"), (b"DragonFly\0\0\0", "dragonfly"),
])  # fmt: skip
def test_another_system_is_told_by_its_note_its_loader_or_gos_settings_not_by_osabi(build, owner, system):
    note = struct.pack("<III", len(owner.rstrip(b"\0")) + 1, 4, 1) + owner + bytes(4)
    settings = build.go_buildinfo({"-compiler": "gc", "GOOS": system})
    assert elf.parse(Body.whole(build.elf(osabi=9))).needs.os == "linux"
    assert elf.parse(Body.whole(build.elf(notes=note))).needs.os == system
    assert elf.parse(Body.whole(build.elf(notes=build.go_note(), data=settings))).needs.os == system
    assert elf.parse(Body.whole(build.elf(interp="/libexec/ld-elf.so.1"))).needs.os == "freebsd"


@pytest.mark.parametrize("said", ["linux", "android"])
def test_what_go_made_for_linux_or_androids_is_linux_own(build, said):
    data = build.go_buildinfo({"-compiler": "gc", "GOOS": said})
    assert elf.parse(Body.whole(build.elf(notes=build.go_note(), data=data))).needs.os == "linux"


REFUSED = [
    ({"kind": 1}, Reason.NOT_A_PROGRAM),
    ({"kind": 4}, Reason.NOT_A_PROGRAM),
    ({"interp_raw": b"/lib/ld.so"}, Reason.LOADER_INVALID),
    ({"interp_raw": b"\0"}, Reason.LOADER_INVALID),
    ({"interp_raw": b"/" * 4096 + b"\0"}, Reason.LOADER_INVALID),
    ({"interp_raw": b"\0\0"}, Reason.LOADER_INVALID),
]


@pytest.mark.parametrize(("attributes", "reason"), REFUSED)
def test_what_no_kernel_starts_is_refused_with_its_reason(build, attributes, reason):
    refused = elf.parse(Body.whole(build.elf(**attributes)))
    assert isinstance(refused, Failure)
    assert refused.reason is reason


def test_a_file_cut_anywhere_is_truncated_and_never_a_program(build):
    raw = build.elf(interp="/lib/ld.so", notes=build.gnu_property(3))
    for cut in range(1, len(raw)):
        content = examine(captured(raw[:cut], 64))
        assert content.elf is None
        assert content.problem.reason in {Reason.ENTRYPOINT_TRUNCATED, Reason.BINARY_UNKNOWN}


def test_a_note_or_setting_that_is_cut_or_lies_is_no_level(build):
    note = build.gnu_property(4)
    assert [isa.x86_level(note[:cut], "<") for cut in range(len(note) - 4)] == [0] * (len(note) - 4)
    assert isa.x86_level(b"\xff" * 64, "<") == 0
    assert isa.go_build_settings(b"\xff Go buildinf:" * 20) == {}


@settings(deadline=None)
@given(st.binary(max_size=600))
def test_no_bytes_behind_the_magic_raise(tail):
    parsed = elf.parse(Body.whole(elf.MAGIC + tail))
    assert isinstance(parsed, Elf | Failure)


@settings(deadline=None)
@given(st.data())
def test_no_change_to_a_valid_file_raises(data):
    base = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 8))):
        base[data.draw(st.integers(0, len(base) - 1))] = data.draw(st.integers(0, 255))
    for raw in (bytes(base), bytes(base)[: data.draw(st.integers(0, len(base)))]):
        content = examine(captured(raw, 777))
        assert (content.elf is None) == (content.problem is not None) or content.kind is FileKind.SCRIPT


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_no_attributes_or_settings_raise(raw):
    assert re.fullmatch("|v[5-8]", isa.arm_variant(b"A" + raw))
    assert isinstance(isa.go_build_settings(b"\xff Go buildinf:\x08\x02" + bytes(16) + raw), dict)
    assert 0 <= isa.x86_level(raw, "<") <= 4


VALID = bytes.fromhex(
    "7f454c4602010100000000000000000002003e0001000000b000400000000000400000000000000000000000000000000000000040003800"
    "0200000000000000"
) + struct.pack(
    "<IIQQQQQQ IIQQQQQQ", 3, 4, 0xB0, 0x4000B0, 0x4000B0, 16, 16, 1, 1, 5, 0, 0x400000, 0x400000, 0xC0, 0xC0, 0x1000
) + b"/lib/ld-musl.so\0"  # fmt: skip


def test_the_valid_file_of_the_fuzz_is_valid():
    assert elf.parse(Body.whole(VALID)).interpreter == "/lib/ld-musl.so"


@pytest.mark.system
@pytest.mark.parametrize("option", ["-O1", "-no-pie", "-static", "-static-pie"])
def test_a_compilers_output_is_read_as_readelf_reads_it(tmp_path, option, require):
    gcc = require("gcc", "gcc libc6-dev")
    source, binary = tmp_path / "a.c", tmp_path / "a"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run([gcc, option, "-o", binary, source], check=True)
    parsed = examine(captured(binary.read_bytes())).elf
    told = subprocess.run(["readelf", "-hlW", binary], capture_output=True, text=True, check=True).stdout
    loader = re.search(r"interpreter: (\S+)\]", told)
    assert parsed.interpreter == (loader[1] if loader else "")
    assert (parsed.needs.architecture == "amd64") == ("X86-64" in told)


@pytest.mark.system
@pytest.mark.parametrize("level", [2, 3, 4])
def test_a_linkers_isa_note_is_read(tmp_path, level, require):
    gcc = require("gcc", "gcc libc6-dev")
    source, binary = tmp_path / "a.c", tmp_path / "a"
    source.write_text("int main(void) { return 0; }\n")
    subprocess.run([gcc, f"-Wl,-z,x86-64-v{level}", "-o", binary, source], check=True)
    assert examine(captured(binary.read_bytes())).elf.needs.variant == f"v{level}"
