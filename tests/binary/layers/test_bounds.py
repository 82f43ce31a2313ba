"""Bombs, endless streams, lying sizes: each ends as a layer's failure, soon, in little memory."""

import contextlib
import gzip
import hashlib
import tracemalloc
import zlib

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.binary.inspect import inspect
from scanner.binary.layers.layers import LayerIndex, clean
from scanner.binary.layers.limits import LayerError, LayerLimits
from scanner.binary.layers.tarstream import TarEntry
from scanner.binary.layers.unpack import Unpack, UnpackBudget
from scanner.binary.layers.usage import Usage
from scanner.domain.image.offers import Layer
from scanner.domain.verdict.reason import Reason
from tests import counted


async def reason(images, build, *layers, limits=LayerLimits(), entrypoint=("/none",)):  # noqa: B008 - frozen
    program = await inspect(build.offer(*layers, entrypoint=entrypoint), None, images.open, limits)
    return program.problem.reason if program.problem else None


def zeros(packing, size):
    """A tar header that says a petabyte, then zeros, packed."""
    head = bytearray(512)
    head[:1], head[100:108], head[156:157] = b"z", b"0000755\0", b"0"
    head[124:136] = b"\x80" + (1 << 45).to_bytes(11, "big")
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    if packing == "gzip":
        packer = zlib.compressobj(9, wbits=31)
        packed = packer.compress(bytes(head))
        for _ in range(size // (1 << 20)):
            packed += packer.compress(bytes(1 << 20))
        return packed + packer.flush()
    return zstandard.ZstdCompressor(level=3).compress(bytes(head) + bytes(size))


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
async def test_a_bomb_is_a_limit_reached_soon_and_in_little_memory(images, build, packing):
    layer = images.push(zeros(packing, 256 << 20))
    tracemalloc.start()
    try:
        with counted.in_proportion():
            assert await reason(images, build, layer) is Reason.LAYER_LIMIT
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()


async def test_a_file_that_is_well_packed_is_no_bomb(images, build):
    layer = images.layer([("zeros", {"content": bytes(16 << 20)}), ("app", build.elf())])
    assert await reason(images, build, layer, entrypoint=("/app",)) is None


async def test_an_endless_layer_ends_at_the_size_that_its_manifest_says(build):
    class Endless:
        read = 0

        @contextlib.asynccontextmanager
        async def open(self, layer, start=0, end=None):
            yield self.chunks()

        async def chunks(self):
            head = build.tar([("a", b"")])[:512]
            while True:
                self.read += len(head)
                yield head

    endless = Endless()
    layer = Layer("sha256:" + "0" * 64, "tar", 200_000)
    assert await reason(endless, build, layer) is Reason.LAYER_UNREADABLE
    assert endless.read <= 201_000


async def test_a_layer_cut_short_is_unreadable_not_empty(images, build):
    whole = build.pack["gzip"](build.tar([("a", b"x" * 5000), ("app", build.elf())]))
    for cut in (0, 5, 60, len(whole) // 2, len(whole) - 30):
        layer = images.push(whole[:cut], size=len(whole))
        assert await reason(images, build, layer) is Reason.LAYER_UNREADABLE


@pytest.mark.parametrize(
    "first", [b"BZh9", b"\xfd7zXZ\0", b"\x04\x22\x4d\x18", b"\x1f\x8bjunk", b"\x28\xb5\x2f\xfdjunk"]
)
async def test_packings_that_no_image_may_have_and_damage_are_unreadable(images, build, first):
    assert await reason(images, build, images.push(first + b"x" * 600)) is Reason.LAYER_UNREADABLE


LIMITS = [
    LayerLimits(entries=10),
    LayerLimits(name_bytes=100),
    LayerLimits(unpacked_bytes=10_000),
    LayerLimits(layers=1),
    LayerLimits(ratio=1, ratio_free_bytes=1000),
]


@pytest.mark.parametrize("limits", LIMITS)
async def test_reaching_a_limit_is_an_error_never_a_shorter_answer(images, build, limits):
    layers = [images.layer([(f"{n}/{name}", b"") for name in range(20)]) for n in range(2)]
    assert await reason(images, build, *layers, limits=limits) is Reason.LAYER_LIMIT


async def test_limits_count_over_all_layers_together(images, build):
    layers = [images.layer([(f"{n}/{name}", b"") for name in range(20)]) for n in range(5)]
    assert await reason(images, build, *layers[:1], limits=LayerLimits(entries=60)) is Reason.ENTRYPOINT_MISSING
    assert await reason(images, build, *layers, limits=LayerLimits(entries=60)) is Reason.LAYER_LIMIT


@pytest.mark.parametrize(
    ("modes", "expected"), [((0o644,), Reason.ENTRYPOINT_MISSING), ((0o644, 0o755), Reason.LAYER_LIMIT)]
)
async def test_hard_links_that_change_all_names_of_a_file_count_as_so_many(images, build, modes, expected):
    links = [(f"l{n}", {**build.hardlink("l"), "mode": modes[n % len(modes)]}) for n in range(40)]
    layer = images.layer([("app", build.elf()), ("l", {"content": b"x", "mode": 0o644}), *links])
    assert await reason(images, build, layer, limits=LayerLimits(entries=60)) is expected


async def test_alternating_files_and_directories_cost_linear_time(images, build):
    entries = []
    for n in range(4000):
        entries += [("d", b""), (f"d/{n}", b"")]
    with counted.in_proportion():
        await reason(images, build, images.layer(entries))


@pytest.mark.parametrize("depth", [3, 100, 2000])
async def test_a_maze_of_symlinks_ends(images, build, depth):
    deep = "/".join(["l"] * depth)
    entries = [("l", build.symlink(deep)), ("app", build.symlink("l/" + deep)), ("a/b", build.symlink("../a/b/b"))]
    entries += [("l/x", b""), ("a/b/c", b"")]
    with counted.in_proportion():
        assert await reason(images, build, images.layer(entries), entrypoint=("/app",)) is not None


def unpacked(stored, piece, limits=LayerLimits()):  # noqa: B008 - frozen
    out = bytearray()
    unpack = Unpack(UnpackBudget(limits, out.extend))
    for at in range(0, len(stored), piece):
        unpack.feed(stored[at : at + piece])
    unpack.close()
    return bytes(out)


@settings(deadline=None)
@given(st.binary(max_size=3000), st.integers(1, 500), st.sampled_from(["gzip", "zstd"]))
def test_unpacking_in_pieces_gives_what_was_packed(raw, piece, packing):
    packed = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}[packing]
    assert unpacked(packed(raw) + packed(raw), piece) == raw + raw


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from([b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18", b""]))
def test_no_packed_bytes_raise_anything_but_a_layer_error(raw, magic):
    with contextlib.suppress(LayerError):
        unpacked(magic + raw, 50)


PATHS = st.lists(st.sampled_from(["a", "b", "..", ".", "", ".wh.a", ".wh..wh..opq", ".wh."]), min_size=1, max_size=5)


@settings(deadline=None)
@given(st.lists(st.tuples(PATHS, st.sampled_from("01235"), PATHS), max_size=12), PATHS)
def test_no_order_of_entries_breaks_an_index(entries, wanted):
    index = LayerIndex(Usage(LayerLimits()))
    with contextlib.suppress(LayerError):  # a maze of symlinks may nest too deep
        for name, flag, target in entries:
            index.add(TarEntry("/".join(name), flag, 0o755, 0, "/".join(target)), None)
    path = clean("/".join(wanted))
    if path:
        index.get(path)
        index.hides(path)
    assert all(not {"..", ".", ""} & set(path.split("/")) for path in index.nodes)


def test_the_digest_of_a_test_blob_is_its_own(images):
    layer = images.push(b"x")
    assert layer.digest == f"sha256:{hashlib.sha256(b'x').hexdigest()}"
