"""The tar reader against tarfile's archives, and against lies."""

import contextlib
import io
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.binary.layers import tarstream
from scanner.binary.layers.limits import LayerError
from scanner.binary.layers.tarstream import TarReader
from scanner.domain.verdict.reason import Reason


class Keep:
    """Keeps every entry with its content."""

    def __init__(self):
        self.entries = []
        self.content = b""

    def begin(self, entry):
        self.content = b""
        return self

    def feed(self, piece):
        self.content += bytes(piece)

    def end(self, entry, content):
        self.entries.append((entry, self.content))


def read(raw, piece=4096):
    sink = Keep()
    reader = TarReader(sink)
    for at in range(0, len(raw), piece):
        reader.feed(raw[at : at + piece])
    reader.close()
    return sink.entries


def refusal(raw):
    with pytest.raises(LayerError) as caught:
        read(raw)
    return caught.value.failure.reason


def header(name=b"a", size=b"00000000000", flag=b"0", mode=b"0000755\0", **fields):
    block = bytearray(512)
    block[: len(name)] = name
    block[100:108] = mode
    block[124:136] = size.ljust(12, b"\0")
    block[156:157] = flag
    block[257:265] = b"ustar\x0000"
    for at, raw in fields.pop("put", {}).items():
        block[at : at + len(raw)] = raw
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


NAMES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), min_size=1, max_size=300)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=1500)), max_size=6),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT]),
    st.integers(1, 3000),
)
def test_every_archive_of_tarfile_is_read_as_tarfile_reads_it(entries, tar_format, piece):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tar_format) as archive:
        for name, content in entries:
            entry = tarfile.TarInfo(name.rstrip("/") or "x")
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    ours = [(entry.name, entry.mode, entry.size, content) for entry, content in read(out.getvalue(), piece)]
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
        theirs = [(m.name, m.mode, m.size, archive.extractfile(m).read()) for m in archive]
    assert [(n.rstrip("/"), *rest) for n, *rest in ours] == theirs


def test_links_devices_and_directories_have_no_content_whatever_they_say():
    raw = b"".join(header(b"x", b"00000001000", flag) for flag in (b"1", b"2", b"3", b"4", b"5", b"6"))
    assert [(entry.flag, entry.size) for entry, _ in read(raw)] == [(flag, 0) for flag in "123456"]


def test_a_directory_of_the_oldest_format_is_told_by_its_slash():
    assert read(header(b"d/", flag=b"\0"))[0][0].flag == "5"


def test_a_size_in_base_256_is_read():
    raw = header(size=b"\x80" + bytes(9) + b"\x02\x03") + bytes(515) + bytes(1024 - 515)
    assert read(raw + bytes(1024))[0][0].size == 515


def test_an_old_sparse_file_is_skipped_with_its_map():
    blocks = bytes(504) + b"\1" + bytes(7) + bytes(512)
    raw = header(b"s", b"00000000003", b"S", put={482: b"\1"}) + blocks + b"abc".ljust(512, b"\0") + header(b"b")
    assert [(entry.name, entry.sparse) for entry, _ in read(raw)] == [("s", True), ("b", False)]


def test_signed_checksums_of_old_writers_are_accepted():
    block = bytearray(header("\xe4\xf6".encode("latin-1")))
    counted = bytes(block[:148]) + b" " * 8 + bytes(block[156:])
    block[148:156] = b"%06o\0 " % (sum(counted) - 256 * sum(byte > 127 for byte in counted))
    assert len(read(bytes(block))) == 1


LIES = [
    (b"\1" * 512, Reason.LAYER_UNREADABLE),
    (header()[:300], Reason.LAYER_UNREADABLE),
    (header(size=b"00000001000"), Reason.LAYER_UNREADABLE),
    (header(size=b"9999"), Reason.LAYER_UNREADABLE),
    (header(size=b"\xff" * 12), Reason.LAYER_UNREADABLE),
    (header(size=b"\x80" + b"\xff" * 11), Reason.LAYER_UNREADABLE),
    (header(flag=b"x", size=b"77777777777"), Reason.LAYER_LIMIT),
    (header(flag=b"L", size=b"77777777777"), Reason.LAYER_LIMIT),
    (header(flag=b"L") * 40, Reason.LAYER_LIMIT),
    (header(flag=b"L", size=b"00000012000") + b"n" * 0o12000 + header(), Reason.LAYER_LIMIT),
    (header(flag=b"x", size=b"00000000005") + b"junk!".ljust(512, b"\0"), Reason.LAYER_UNREADABLE),
    (header(flag=b"x", size=b"00000000012") + b"9 path=abc".ljust(512, b"\0"), Reason.LAYER_UNREADABLE),
    (header(flag=b"x", size=b"00000000014") + b"12 size=-99\n".ljust(512, b"\0"), Reason.LAYER_UNREADABLE),
    (header(flag=b"x", size=b"00000000016") + b"14 path=a\0bcd\n".ljust(512, b"\0"), Reason.LAYER_UNREADABLE),
    (bytes(512) + header(), Reason.LAYER_UNREADABLE),
    (header(b"s", flag=b"S", put={482: b"\1"}) + (bytes(504) + b"\1" + bytes(7)) * 5000, Reason.LAYER_LIMIT),
]


@pytest.mark.parametrize(("raw", "reason"), LIES)
def test_a_lie_is_refused_with_its_reason(raw, reason):
    assert refusal(raw) is reason


def test_what_follows_the_end_mark_is_no_part_of_the_archive(build):
    raw = build.tar([("a", b"1")])
    assert [entry.name for entry, _ in read(raw + b"junk" * 1000)] == ["a"]


@settings(deadline=None)
@given(st.binary(max_size=2000), st.integers(1, 700))
def test_no_bytes_raise_anything_but_a_layer_error(raw, piece):
    with contextlib.suppress(LayerError):
        read(raw, piece)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 511), st.integers(0, 255)), max_size=6), st.sampled_from(b"0123456xgLKSVX"))
def test_no_field_of_a_header_with_a_right_checksum_raises_anything_else(changes, flag):
    raw = header(b"a", b"00000000020", bytes([flag]), put={at: bytes([byte]) for at, byte in changes if at != 156})
    with contextlib.suppress(LayerError):
        read(raw + b"20 path=" + b"a" * 504 + header())


def test_the_limits_are_those_of_the_file_systems_and_of_go():
    assert (tarstream.MAX_PATH_BYTES, tarstream.MAX_EXTENSION_BYTES) == (4096, 1 << 20)


# ---------------------------------------------------------------- owners


@pytest.mark.parametrize("tar_format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize(("uid", "gid"), [(0, 0), (1000, 50), (2_097_151, 2_097_151)])
def test_whose_an_entry_is_stands_in_its_header(tar_format, uid, gid):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tar_format) as archive:
        entry = tarfile.TarInfo("a")
        entry.uid, entry.gid = uid, gid
        archive.addfile(entry)
    [(found, _)] = read(raw.getvalue())
    assert (found.uid, found.gid) == (uid, gid)


@pytest.mark.parametrize("tar_format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_large_owners_stand_in_extensions_or_in_base_256(tar_format):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tar_format) as archive:
        entry = tarfile.TarInfo("a")
        entry.uid, entry.gid = 3_000_000, 4_000_000_000
        archive.addfile(entry)
    [(found, _)] = read(raw.getvalue())
    assert (found.uid, found.gid) == (3_000_000, 4_000_000_000)


def test_an_owner_that_cannot_be_read_is_not_known_while_its_entry_is():
    [(found, _)] = read(header(put={108: b"89xx\0", 116: b"\xff" * 8}) + bytes(1024))
    assert (found.name, found.uid, found.gid) == ("a", None, None)
