"""Archives of Java and Python, read as they stream past: what is in them is what Python's own zipfile put there."""

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.binary.program.survey import archived, zipstream
from scanner.binary.program.survey.archived import ArchiveReader
from scanner.binary.program.survey.zipstream import Allowance
from tests.real.elf import executable
from tests.real.zips import a_zip

AMD64, ARM64 = executable("amd64"), executable("arm64")
CLASS = b"\xca\xfe\xba\xbe" + bytes(range(256)) * 40


def read(raw, step=65536, allowance=None):
    reader = ArchiveReader(allowance or Allowance())
    for at in range(0, len(raw), step):
        reader.feed(memoryview(raw)[at : at + step])
    reader.end()
    return [(file.path, str(file.elf.needs)) for file in reader.found.files], reader.found.problem


FORMS = {
    "deflated": {},
    "deflated, sizes behind": {"streamed": True},
    "deflated, 64-bit sizes": {"zip64": True},
    "deflated, 64-bit sizes behind": {"streamed": True, "zip64": True},
    "stored": {"method": zipfile.ZIP_STORED},
    "stored, 64-bit sizes": {"method": zipfile.ZIP_STORED, "zip64": True},
}
MEMBERS = {"META-INF/": b"", "A.class": CLASS, "lib/linux-x86_64/l.so": AMD64, "x.txt": b"", "lib/arm64/l.so": ARM64}
SEEN = [("lib/linux-x86_64/l.so", "linux/amd64"), ("lib/arm64/l.so", "linux/arm64")]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("step", [1, 7, 4096, 1 << 20])
def test_libraries_of_an_archive_are_found_however_it_was_written(form, step):
    assert read(a_zip(MEMBERS, **form), step) == (SEEN, "")


@pytest.mark.parametrize("outer", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("inner", [FORMS["deflated"], FORMS["deflated, sizes behind"], FORMS["stored"]])
def test_archives_in_archives_are_read(outer, inner):
    raw = a_zip({"WEB-INF/lib/a.jar": a_zip(MEMBERS, **inner), "b.so": AMD64}, **outer)
    assert read(raw) == ([*((f"WEB-INF/lib/a.jar!/{name}", cpu) for name, cpu in SEEN), ("b.so", "linux/amd64")], "")


def nested(depth):
    raw = a_zip({"l.so": AMD64})
    for number in range(depth - 1):
        raw = a_zip({f"{number}.jar": raw})
    return raw


def changed(raw, at, new):
    return raw[:at] + new + raw[at + len(new) :]


PLAIN = a_zip(MEMBERS)
CUT = PLAIN[: len(PLAIN) // 2]
NOT_ALL = {
    "cut": (CUT, "it ends inside a member"),
    "encrypted": (changed(PLAIN, 6, b"\x01"), "a member is encrypted"),
    "a name without a letter": (changed(PLAIN, 26, b"\0\0"), "a member has a name of 0 bytes"),
    "another method": (
        changed(a_zip({"l.so": AMD64}), 8, struct.pack("<H3I", 14, 0, 0, 0)),
        "a member is packed in a way (14) that is not read",
    ),
    "garbage behind a member": (
        changed(a_zip({"a": b"", "l.so": AMD64}, method=zipfile.ZIP_STORED), 31, b"XXXX"),
        "what stands behind a member is no header",
    ),
    "damaged": (changed(a_zip({"l.so": AMD64}), 40, b"\xff" * 8), "a member is damaged"),
    "an archive in it is cut": (a_zip({"in.jar": CUT, "l.so": AMD64}), "in.jar: it ends inside a member"),
    "nested too deep": (nested(5), "3.jar!/2.jar: archives in it nest more than 3 deep"),
}


@pytest.mark.parametrize(("raw", "why"), NOT_ALL.values(), ids=NOT_ALL)
def test_an_archive_that_is_not_read_to_its_end_says_why(raw, why):
    assert why in read(raw)[1]


def test_three_archives_deep_is_read():
    assert read(nested(3)) == ([("1.jar!/0.jar!/l.so", "linux/amd64")], "")


def test_what_stands_beside_an_unreadable_archive_is_found():
    assert read(a_zip({"in.jar": CUT, "l.so": AMD64}))[0][-1] == ("l.so", "linux/amd64")


@pytest.mark.parametrize("inner", [b"", b"only called so", a_zip({})])
def test_what_is_only_called_an_archive_or_has_no_members_is_none(inner):
    assert read(a_zip({"in.jar": inner, "l.so": AMD64})) == ([("l.so", "linux/amd64")], "")


@pytest.mark.parametrize("step", [1, 7, 4096, 1 << 20])
def test_what_stands_before_the_first_member_is_passed_over(step):
    launched = b"#!/bin/bash\nPK\3exec java -jar $0\nPK" + PLAIN
    assert zipfile.ZipFile(io.BytesIO(launched)).namelist() == list(MEMBERS)
    assert read(launched, step) == (SEEN, "")
    inside = [(f"in.jar!/{name}", cpu) for name, cpu in SEEN]
    assert read(a_zip({"in.jar": launched}), step) == (inside, "")


def test_a_bomb_costs_no_more_than_all_archives_of_a_layer_may():
    allowance = Allowance(1 << 20)
    seen, why = read(a_zip({"big": bytes(4 << 20), "l.so": AMD64}, streamed=True), allowance=allowance)
    assert (seen, why) == ([], "the archives of its layer hold more than is read of them")
    assert allowance.left >= -zipstream.PIECE_BYTES


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_members_without_a_byte_are_counted_too(form):
    small = a_zip({f"{number}.class": b"" for number in range(40)} | {"l.so": AMD64}, **form)
    why = "in.jar: the archives of its layer hold more than is read of them"
    assert read(a_zip({"in.jar": small}), allowance=Allowance(64 << 10)) == ([], why)


def test_a_header_of_more_fields_than_any_is_not_searched():
    extra = b"\x09\0\0\0" * 16000 + struct.pack("<HHQQ", 1, 16, 0, 0)
    header = struct.pack("<4sHHHHHIIIHH", zipstream.MAGIC, 45, 0, 0, 0, 0, 0, 0xFFFFFFFF, 0xFFFFFFFF, 1, len(extra))
    assert read(header + b"a" + extra + PLAIN) == ([], "a member's size is told nowhere")


def test_more_libraries_than_any_archive_has_are_not_kept(monkeypatch):
    monkeypatch.setattr(archived, "MAX_MEMBERS", 1)
    seen, why = read(a_zip(MEMBERS))
    assert (len(seen), why) == (1, "it holds more than 1 programs and libraries")


@given(
    st.dictionaries(st.text("ab./", min_size=1, max_size=9), st.binary(max_size=300), max_size=5),
    st.sampled_from(list(FORMS.values())),
    st.integers(1, 700),
    st.integers(0, 999),
    st.integers(0, 255),
)
def test_any_bytes_are_an_archive_or_a_reason(members, form, step, at, byte):
    raw = bytearray(a_zip(members, **form))
    seen, _ = read(bytes(raw), step)
    assert seen == []
    raw[at % len(raw)] = byte
    read(bytes(raw), step)
