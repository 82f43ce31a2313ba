"""A layer counts once it was read to its end, which has to be one."""

import gzip
import hashlib
import zlib
from dataclasses import replace

import pytest
import zstandard

from scanner.binary.inspect import inspect
from scanner.binary.layers.limits import LayerError
from scanner.binary.layers.zstdframes import Frames
from scanner.domain.failure import Failure
from scanner.domain.image.reference import Digest
from scanner.domain.streams import StreamBroken
from scanner.domain.verdict.reason import Reason

BIG = {"mode": 0o644, "content": bytes(range(256)) * (1 << 13)}


async def reason(images, build, *layers, **options):
    program = await inspect(build.offer(*layers), None, images.open, **options)
    return program.problem and program.problem.reason


def flushed(raw):
    """A gzip member that is flushed but not ended."""
    packer = zlib.compressobj(6, wbits=31)
    return packer.compress(raw) + packer.flush(zlib.Z_SYNC_FLUSH)


def frames_of_blocks(raw):
    """Zstandard data of many flushed blocks, with a checksum."""
    packer = zstandard.ZstdCompressor(write_checksum=True).compressobj()
    pieces = [
        packer.compress(raw[at : at + 700]) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        for at in range(0, len(raw), 700)
    ]
    return b"".join(pieces) + packer.flush()


async def test_a_layer_cut_after_a_sync_flush_is_unreadable(images, build):
    base = images.layer([("app", build.elf())])
    top = images.push(flushed(build.tar([("etc/x", b"x")])[:1024]))
    assert await reason(images, build, base, top) is Reason.LAYER_UNREADABLE
    whole = build.tar([("app", build.elf())])
    assert await reason(images, build, images.push(flushed(whole))) is Reason.LAYER_UNREADABLE


@pytest.mark.parametrize("missing", [1, 4, 8])
async def test_a_gzip_trailer_belongs_to_the_layer(images, build, missing):
    packed = build.pack["gzip"](build.tar([("app", build.elf())]))
    assert await reason(images, build, images.push(packed[:-missing])) is Reason.LAYER_UNREADABLE


@pytest.mark.parametrize(
    ("behind", "expected"),
    [
        (b"", None),
        (gzip.compress(b"", mtime=0), None),
        (gzip.compress(bytes(512), mtime=0), None),
        (gzip.compress(bytes(512), mtime=0)[:-3], Reason.LAYER_UNREADABLE),
        (b"garbage", Reason.LAYER_UNREADABLE),
        (bytes(512), Reason.LAYER_UNREADABLE),
        (b"\x1f", Reason.LAYER_UNREADABLE),
    ],
)
async def test_behind_a_gzip_member_stands_another_one_or_nothing(images, build, behind, expected):
    packed = build.pack["gzip"](build.tar([("app", build.elf())]))
    assert await reason(images, build, images.push(packed + behind)) is expected


@pytest.mark.parametrize(
    "behind", [b"", b"\x50\x2a\x4d\x18\x03\0\0\0abc", zstandard.ZstdCompressor().compress(bytes(512))]
)
async def test_zstd_frames_stand_in_a_row(images, build, behind):
    packed = build.pack["zstd"](build.tar([("app", build.elf())]))
    assert await reason(images, build, images.push(packed + behind)) is None


@pytest.mark.parametrize(
    "behind", [b"garbage", bytes(4), b"\x50\x2a\x4d\x18\x03\0\0\0ab", b"\x28\xb5\x2f\xfd", b"\x28"]
)
async def test_what_follows_a_zstd_frame_is_a_whole_one(images, build, behind):
    packed = build.pack["zstd"](build.tar([("app", build.elf())]))
    assert await reason(images, build, images.push(packed + behind)) is Reason.LAYER_UNREADABLE


@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_zstd_data_ends_where_the_last_frame_does_and_nowhere_else(piece):
    raw = bytes(range(256)) * 20 + bytes(3000)
    packed = frames_of_blocks(raw) + b"\x51\x2a\x4d\x18\x02\0\0\0zz" + zstandard.ZstdCompressor().compress(raw)
    ends = {0}
    frames = Frames()
    for at in range(0, len(packed), piece):
        frames.feed(packed[at : at + piece])
        if frames.ended:
            ends.add(min(at + piece, len(packed)))
    assert len(packed) in ends
    assert zstandard.ZstdDecompressor().decompressobj(read_across_frames=True).decompress(packed) == raw + raw
    if piece == 1:
        assert len(ends) == 4


def test_a_block_of_a_type_that_does_not_exist_is_damage():
    with pytest.raises(LayerError):
        Frames().feed(b"\x28\xb5\x2f\xfd\x20\x00\x07\0\0")


LATER = [
    ("a whiteout", [("bin/.wh.x", b""), (".wh.app", b"")]),
    ("the same name again", [("app", b"other")]),
]


@pytest.mark.parametrize("later", [entries for _, entries in LATER], ids=[name for name, _ in LATER])
async def test_what_comes_later_in_a_layer_counts(images, build, later):
    layer = images.layer([("app", build.elf()), ("noise", BIG), *later], "plain")
    assert await reason(images, build, layer) is not None
    early = await inspect(build.offer(layer), None, images.open, early_stop=True)
    assert (early.problem, early.partly_read) == (None, (layer.digest,))


async def test_a_small_layer_is_read_to_its_end_even_where_it_need_not(images, build):
    layer = images.layer([("app", build.elf()), ("more", {"content": b"x" * 100_000})], "plain")
    program = await inspect(build.offer(layer), None, images.open, early_stop=True)
    assert (program.problem, program.partly_read) == (None, ())
    assert images.handed_out[layer.digest] == layer.size


async def test_a_large_layer_of_other_bytes_proves_nothing(images, build):
    class Checking(type(images)):
        async def _chunks(self, layer, raw):
            async for chunk in super()._chunks(layer, raw):
                yield chunk
            raise StreamBroken(Failure(Reason.IMAGE_DIGEST_MISMATCH, "other bytes"))

    checking = Checking()
    layer = checking.layer([("app", build.elf()), ("noise", BIG)], "plain")
    assert await reason(checking, build, layer) is Reason.IMAGE_DIGEST_MISMATCH


async def test_of_a_layer_that_breaks_off_nothing_counts(images, build):
    class Breaking(type(images)):
        async def _chunks(self, layer, raw):
            yield raw[: len(raw) // 2]
            raise StreamBroken(Failure(Reason.IMAGE_TIMEOUT, "slow"))

    breaking = Breaking()
    layer = breaking.layer([("app", build.elf()), ("noise", BIG)], "plain")
    program = await inspect(build.offer(layer), None, breaking.open)
    assert (program.problem.reason, program.chain) == (Reason.IMAGE_TIMEOUT, ())


NO_DIGEST = Failure(Reason.IMAGE_MALFORMED, "a diff_id is no digest")


def diff_id(raw, algorithm="sha256"):
    return Digest(f"{algorithm}:{hashlib.new(algorithm, raw).hexdigest()}")


async def test_a_layer_unpacks_to_what_the_config_says_of_it(images, build):
    low, top = build.tar([("bin/sh", b"")]), build.tar([("app", build.elf())])
    made = build.offer(images.push(build.pack["gzip"](low)), images.push(build.pack["zstd"](top)))

    async def with_ids(*ids):
        program = await inspect(replace(made, diff_ids=ids), None, images.open)
        return program.problem and program.problem.reason

    assert await with_ids(diff_id(low), diff_id(top)) is None
    assert await with_ids(diff_id(low), diff_id(top, "sha512")) is None
    assert await with_ids(diff_id(top), diff_id(low)) is Reason.LAYER_UNREADABLE
    assert await with_ids(diff_id(low), diff_id(top + bytes(512))) is Reason.LAYER_UNREADABLE
    assert await with_ids(NO_DIGEST, NO_DIGEST) is Reason.LAYER_UNREADABLE
    assert await with_ids(diff_id(top)) is None  # which engine minds another number is told elsewhere
