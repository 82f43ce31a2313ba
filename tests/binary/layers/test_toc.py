"""Layers with a table of their contents, read by range, and what happens where the table lies."""

import base64
import gzip
import hashlib
import json
import struct
import zlib
from pathlib import Path

import pytest
import zstandard

from scanner.binary.inspect import inspect
from scanner.binary.layers import estargz
from scanner.domain.verdict.reason import Reason
from tests.binary.program.interpreted import ARM, LOADER, OWN, SITE, written
from tests.real.images import capability

CHECKSUM, POSITION = (f"io.github.containers.zstd-chunked.manifest-{name}" for name in ("checksum", "position"))
NOISE = b"".join(hashlib.sha256(bytes([n % 256, n // 256])).digest() for n in range(40_000))


def sha256(raw):
    return f"sha256:{hashlib.sha256(raw).hexdigest()}"


def table_entry(name, content, target):
    if target is not None:
        return {"name": name, "type": "symlink", "linkName": target, "mode": 0o777}
    return {"name": name, "type": "reg", "size": len(content), "mode": 0o755, "digest": sha256(content)}


def make_estargz(build, files, *, change=lambda table: None, chunk=1 << 20):
    """An eStargz layer as its specification draws it: header, then payload, each in gzip members of their own."""
    blob, entries = b"", []
    for name, content, target in files:
        one = build.tar([(name, build.symlink(target) if target is not None else content)])
        header, rest = one[:512], one[512 : 512 + len(content or b"")]
        blob += gzip.compress(header, mtime=0)
        entry = table_entry(name, content, target)
        entries.append(entry)
        for at in range(0, len(rest), chunk):
            part = rest[at : at + chunk]
            if at == 0:
                entry.update(offset=len(blob), chunkSize=len(part) if len(rest) > chunk else 0)
            else:
                entries.append({"name": name, "type": "chunk", "offset": len(blob), "chunkOffset": at})
            blob += gzip.compress(part, mtime=0)
        blob += gzip.compress(bytes(-len(rest) % 512), mtime=0)
    table = {"version": 1, "entries": entries}
    change(table)
    raw = json.dumps(table).encode()
    start = len(blob)
    blob += gzip.compress(build.tar([("stargz.index.json", raw)]), mtime=0)
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % start
    footer = b"\x1f\x8b\x08\x04" + bytes(5) + b"\xff" + struct.pack("<H", len(extra)) + extra
    footer += b"\x01\x00\x00\xff\xff" + struct.pack("<II", zlib.crc32(b""), 0)
    assert len(footer) == 51
    return blob + footer, {estargz.ANNOTATION: sha256(raw)}


def make_zstdchunked(build, files, *, change=lambda table: None):
    pack = zstandard.ZstdCompressor().compress
    blob, entries = b"", []
    for name, content, target in files:
        one = build.tar([(name, build.symlink(target) if target is not None else content)])
        blob += pack(one[:512])
        entry = table_entry(name, content, target)
        if content:
            packed = pack(content)
            entry.update(offset=len(blob), endOffset=len(blob) + len(packed))
            blob += packed + pack(bytes(-len(content) % 512))
        entries.append(entry)
    blob += pack(bytes(1024))
    table = {"version": 1, "entries": entries}
    change(table)
    raw = json.dumps(table).encode()
    packed = pack(raw)
    offset = len(blob) + 8
    blob += b"\x50\x2a\x4d\x18" + struct.pack("<I", len(packed)) + packed
    blob += b"\x50\x2a\x4d\x18" + struct.pack("<I", 64) + bytes(56) + b"GNUlInUx"
    position = f"{offset}:{len(packed)}:{len(raw)}:1"
    return blob, {CHECKSUM: sha256(packed), POSITION: position}


MAKERS = {"estargz": make_estargz, "zstdchunked": make_zstdchunked}


@pytest.fixture(params=MAKERS)
def make(request):
    return MAKERS[request.param]


def files(build):
    return [
        ("noise", NOISE, None),
        ("bin/app", build.elf(machine=183), None),
        ("app", None, "bin/app"),
        ("z", NOISE, None),
    ]


async def test_one_file_is_fetched_by_range(images, build, make):
    blob, annotations = make(build, files(build))
    layer = images.push(blob, annotations=annotations)
    program = await inspect(build.offer(layer), None, images.open)
    assert program.problem is None
    assert program.chain[0].elf.needs.architecture == "arm64"
    assert len(images.opened) <= 3
    assert images.bytes_out < 0.05 * layer.size


async def test_a_file_in_several_chunks_is_put_together(images, build):
    blob, annotations = make_estargz(build, [("app", build.elf(pad=9000), None), ("z", NOISE, None)], chunk=700)
    program = await inspect(build.offer(images.push(blob, annotations=annotations)), None, images.open)
    assert program.problem is None


async def test_a_path_that_the_table_does_not_name_is_missing_without_reading_more(images, build, make):
    blob, annotations = make(build, files(build))
    program = await inspect(
        build.offer(images.push(blob, annotations=annotations), entrypoint=("/x",)), None, images.open
    )
    assert program.problem.reason is Reason.ENTRYPOINT_MISSING
    assert images.bytes_out < 0.05 * len(blob)


async def test_libraries_and_what_loaders_read_are_fetched_although_they_lack_an_execute_bit(images, build, kit, make):
    names = ("lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6")
    held = [(name, Path(f"/{name}").read_bytes(), None) for name in names]
    held += [("opt/x/liba.so.1", kit.shared(), None), ("etc/ld.so.preload", b"/opt/x/liba.so.1\n", None)]
    held += [("app", kit.program([("liba.so.1", kit.shared())]), None), ("srv/noise", NOISE, None)]

    def without_execute_bits(table):
        for entry in table["entries"]:
            entry["mode"] = 0o755 if entry["name"] in {"app", names[0]} else 0o644

    blob, annotations = make(build, held, change=without_execute_bits)
    offer = build.offer(images.push(blob, annotations=annotations), env=())
    program = await inspect(offer, None, images.open)
    assert program.problem is None
    assert [file.path for file in program.chain if file.role == "library"] == ["/opt/x/liba.so.1", f"/{names[1]}"]
    assert images.bytes_out < len(blob) - len(NOISE) // 2


@pytest.mark.parametrize("part", [OWN, ARM])
async def test_one_part_of_each_package_tells_for_which_cpu_they_are(images, build, make, part):
    parts = [(f"{SITE}/{name}/n{at}.so", written(build, part), None) for name in ("one", "two") for at in range(20)]
    entries = [
        ("usr/bin/python3", build.elf(interp=LOADER, kind=3), None),
        (LOADER.lstrip("/"), build.elf(kind=3), None),
        ("main.py", b"import one\none.work()\n", None),
        (f"{SITE}/one/__init__.py", b"def work():\n    from . import n7\n", None),
        *parts,
    ]

    def without_execute_bits(table):
        for each in table["entries"]:
            each["mode"] = 0o644 if each["name"].endswith((".py", ".so")) else each.get("mode", 0)

    blob, annotations = make(build, entries, change=without_execute_bits)
    layer = images.push(blob, annotations=annotations)
    found = await inspect(build.offer(layer, entrypoint=["python3", "/main.py"], path="/usr/bin"), None, images.open)
    assert (found.problem, "it may load n0.so" in found.at_run_time) == (None, part is ARM)
    assert len(images.opened) < 12


async def test_without_the_manifests_word_the_layer_is_read_as_a_stream(images, build, make):
    blob, _ = make(build, files(build))
    program = await inspect(build.offer(images.push(blob)), None, images.open)
    assert program.problem is None
    assert [(start, end) for _, start, end in images.opened] == [(0, None)]


def rename(table):
    table["entries"][0]["type"] = "door"


def the_app(table):
    return next(entry for entry in table["entries"] if entry["name"] == "bin/app")


def misplace(table):
    the_app(table)["offset"] = 1 << 40


def exchange(table):
    the_app(table)["digest"] = "sha256:" + "0" * 64


def misname(table):
    the_app(table)["digest"] = "sha256:0"


def confuse(table):
    the_app(table)["size"] = "many"


def empty(table):
    table["entries"] = {"a": 1}


def orphan(table):
    table["entries"].insert(0, {"type": "chunk", "name": "q", "offset": 3})


def reshape(table):
    table["entries"][0]["type"] = ["reg"]


def adorn(table):
    the_app(table)["xattrs"] = ["security.capability"]


def garble(table):
    the_app(table)["xattrs"] = {"security.capability": "\xe4"}


CHANGES = [rename, reshape, misplace, exchange, misname, confuse, empty, orphan, adorn, garble]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
async def test_a_table_that_lies_is_not_believed_and_the_stream_is_read(images, build, make, change):
    blob, annotations = make(build, files(build), change=change)
    program = await inspect(build.offer(images.push(blob, annotations=annotations)), None, images.open)
    assert program.problem is None
    assert program.chain[0].elf.needs.architecture == "arm64"
    assert images.opened[-1][1:] == (0, None)


async def test_a_table_with_another_digest_is_not_believed(images, build, make):
    blob, annotations = make(build, files(build))
    for key in (estargz.ANNOTATION, CHECKSUM):
        if key in annotations:
            annotations[key] = "sha256:" + "1" * 64
    program = await inspect(build.offer(images.push(blob, annotations=annotations)), None, images.open)
    assert program.problem is None
    assert images.opened[-1][1:] == (0, None)


@pytest.mark.parametrize(
    "position", ["", "1:2:3", "0:5:5:1", "5:99999999999:9:1", "5:5:99999999999:1", "0:9:9:2", "x:1:1:1"]
)
async def test_a_position_that_makes_no_sense_is_not_believed(images, build, position):
    blob, annotations = make_zstdchunked(build, files(build))
    annotations[POSITION] = position
    program = await inspect(build.offer(images.push(blob, annotations=annotations)), None, images.open)
    assert program.problem is None


async def test_an_announced_table_of_an_ordinary_layer_is_not_there(images, build):
    layer = images.layer([("app", build.elf())], annotations={estargz.ANNOTATION: "sha256:" + "1" * 64})
    assert (await inspect(build.offer(layer), None, images.open)).problem is None


@pytest.mark.parametrize(("uid", "denied"), [(1000, False), (7, True)])
@pytest.mark.parametrize("make", [make_estargz, make_zstdchunked])
async def test_whose_a_file_is_stands_in_the_table(images, build, make, uid, denied):
    def closed(table):
        table["entries"][0].update(mode=0o700, uid=uid, gid=uid)

    raw, annotations = make(build, [("app", build.elf(), None)], change=closed)
    offer = build.offer(images.push(raw, annotations=annotations), user="1000")
    program = await inspect(offer, None, images.open)
    assert bool(program.objections) is denied


@pytest.mark.parametrize(("number", "denied"), [(10, False), (14, True)])
@pytest.mark.parametrize("make", [make_estargz, make_zstdchunked])
async def test_which_capabilities_a_file_wants_stands_in_the_table(images, build, make, number, denied):
    def wanting(table):
        table["entries"][0]["xattrs"] = {"security.capability": base64.b64encode(capability(number)).decode()}

    raw, annotations = make(build, [("app", build.elf(), None)], change=wanting)
    program = await inspect(build.offer(images.push(raw, annotations=annotations)), None, images.open)
    assert (program.problem is not None) is denied
