"""Kinds of images by odd layers: cut, mislabelled, wrongly named, with entries that tar has and images should not."""

from __future__ import annotations

import gzip
import io
import json
import random
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.real.images import AUTHOR, DOCKER, OCI, Document, File, Image, ImageFactory, digest_of, tar_of
from tests.system.truth.build import PLAIN_TAR, ZSTD_TAR, Kind, Stored, entries, gzipped, plain, stored
from tests.system.truth.programs import FOREIGN, NATIVE

_APP = {"app": NATIVE}


def _own(name: str = "") -> dict[str, bytes | File]:
    """A layer that no other kind has: an engine does not ask twice for what it has."""
    return {**_APP, "name": f"{AUTHOR.get()} {name}".encode()}


def _tarred() -> bytes:
    """That layer as it is, before it is packed."""
    return tar_of(_own())


def _packed() -> bytes:
    """The same as a right layer would be."""
    return gzip.compress(_tarred(), 1, mtime=0)


def _halves() -> tuple[bytes, bytes]:
    """The same in two, between two blocks."""
    tar = _tarred()
    middle = len(tar) // 2 // 512 * 512
    return tar[:middle], tar[middle:]


def _ended(blocks: int) -> bytes:
    """The same with so many blocks of zeros behind its last entry."""
    bare = _tarred().rstrip(b"\0")
    return bare.ljust(-(-len(bare) // 512) * 512 + 512 * blocks, b"\0")


def _mended(change: Callable[[bytes], bytes]) -> Image:
    """A right layer, changed after it was packed."""
    return stored(_layer(_tarred(), change(_packed())))


def _layer(tar: bytes, body: bytes, media_type: str = OCI["layer"]) -> Stored:
    return Stored(media_type, body, digest_of(tar))


def _cut_after_flush(files: dict[str, bytes | File], behind: bytes) -> Stored:
    """A gzip member that stops after a flush: what came is readable, what should follow is not there."""
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    tar = tar_of(files)
    return Stored(
        OCI["layer"], packer.compress(tar[: len(tar) - len(behind)]) + packer.flush(zlib.Z_SYNC_FLUSH), digest_of(tar)
    )


def _cut(keep: float) -> Stored:
    tar = tar_of({"other": bytes(range(256)) * 200, **_own()})
    body = gzip.compress(tar, 1, mtime=0)
    return _layer(tar, body[: int(len(body) * keep)])


def _raw(
    name: str, kind: bytes = tarfile.REGTYPE, body: bytes = b"", mode: int = 0o755, link: str = "", **more: Any
) -> tuple[tarfile.TarInfo, bytes]:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(body), link
    for key, value in more.items():
        setattr(entry, key, value)
    return entry, body


def _tar(*raw: tuple[tarfile.TarInfo, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as tar:
        for entry, body in raw:
            tar.addfile(entry, io.BytesIO(body))
    return sink.getvalue()


def _of(
    *raw: tuple[tarfile.TarInfo, bytes], below: dict[str, bytes | File] | None = None, form: int = tarfile.PAX_FORMAT
) -> Image:
    under = [gzipped(tar_of(below))] if below is not None else []
    return stored(*under, gzipped(_tar(*raw, form=form)))


def _zstd(body: bytes, *options: str) -> bytes:
    return subprocess.run(["zstd", "-q", "-c", *options], input=body, capture_output=True, check=True).stdout


def _diff_ids(change: Callable[[list[str]], Any]) -> Image:
    image = plain({"other": b"x"}, _own())
    diff_ids = json.loads(image.config.body)["rootfs"]["diff_ids"]
    return ImageFactory.image({"other": b"x"}, _own(), entrypoint=["/app"], config={"rootfs": change(diff_ids)})


def _typed(media_type: str, body: Callable[[bytes], bytes] = lambda tar: gzip.compress(tar, 1, mtime=0)) -> Image:
    tar = tar_of(_own(f"type {media_type} {body(b'').hex()}"))
    return stored(Stored(media_type, body(tar), digest_of(tar)))


def _sized(difference: int) -> Image:
    """A manifest that says another size of its layer than it has."""
    image = plain(_own(f"size {difference}"))
    content = json.loads(image.manifest.body)
    content["layers"][0]["size"] += difference
    return Image(
        Document(image.manifest.media_type, json.dumps(content).encode()), image.config, image.layers, image.platform
    )


@dataclass(frozen=True)
class Forged(Document):
    """Bytes under the digest of others."""

    claimed: str = ""

    @property
    def digest(self) -> str:
        """What it is asked for by."""
        return self.claimed


def _with_layers(image: Image, *layers: Document) -> Image:
    """The registry has these blobs instead of the ones that the manifest names."""
    return Image(image.manifest, image.config, layers, image.platform)


def _forged(said: dict[str, bytes | File], real: dict[str, bytes | File], padding: int = 0) -> Image:
    """A layer that holds other files than its digest says, of the same length."""
    tars = [tar_of({**files, "padding": bytes(padding)}) for files in (said, real)]
    bodies = [gzip.compress(tar, 0, mtime=0) for tar in tars]
    assert len(bodies[0]) == len(bodies[1])
    image = stored(_layer(tars[0], bodies[0]))
    return _with_layers(image, Forged(OCI["layer"], bodies[1], image.layers[0].digest))


def _implied() -> Image:
    """A directory without an entry of its own, above a layer that takes it away and is too large to be read by the way."""
    large = random.Random(0).randbytes(32 * 1024)
    return stored(
        gzipped(_tar(_raw("opt", tarfile.DIRTYPE), _raw("opt/d", tarfile.DIRTYPE), _raw("opt/d/x", body=b"x"))),
        gzipped(_tar(_raw("opt/.wh.d"), _raw("large", body=large))),
        gzipped(_tar(_raw("opt/d/e/y", body=b"y"), _raw("app", body=NATIVE))),
    )


_WRONG = "sha256:" + "0" * 64
_LAYERS = "layers"

KINDS = (
    Kind("layer-missing", lambda: _with_layers(plain(_own("missing")))),
    Kind("layer-missing-above", lambda: _with_layers(plain(_APP, {"other": b"above"}), *plain(_APP).layers)),
    Kind("layer-missing-below", lambda: _with_layers(plain({"other": b"below"}, _APP), *plain(_APP).layers)),
    Kind("layer-forged", lambda: _forged({"app": FOREIGN}, {"app": NATIVE})),
    Kind("layer-forged-large", lambda: _forged({"app": FOREIGN}, {"app": NATIVE}, padding=4 << 20)),
    Kind("gzip-cut-in-its-data", lambda: stored(_cut(0.6))),
    Kind("gzip-cut-in-its-trailer", lambda: stored(_cut(0.999))),
    Kind("gzip-cut-after-a-flush", lambda: stored(_cut_after_flush({**_own(), "more": b"x" * 3000}, b"x" * 2048 + bytes(1024)))),
    Kind("gzip-cut-top-layer-after-a-flush", lambda: stored(gzipped(_tarred()), _cut_after_flush({"other": b"", "app": FOREIGN}, tar_of({"app": FOREIGN})))),
    Kind("gzip-trailer-missing", lambda: _mended(lambda gz: gz[:-8])),
    Kind("gzip-checksum-wrong", lambda: _mended(lambda gz: gz[:-8] + bytes(4) + gz[-4:])),
    Kind("gzip-length-wrong", lambda: _mended(lambda gz: gz[:-4] + bytes(4))),
    Kind("gzip-two-members", lambda: _mended(lambda _gz: b"".join(gzip.compress(half, 1, mtime=0) for half in _halves()))),
    Kind("gzip-empty-member-first", lambda: _mended(lambda gz: gzip.compress(b"", 1, mtime=0) + gz)),
    Kind("gzip-garbage-behind", lambda: _mended(lambda gz: gz + b"garbage behind")),
    Kind("gzip-zeros-behind", lambda: _mended(lambda gz: gz + bytes(512))),
    Kind("gzip-second-member-cut", lambda: _mended(lambda gz: gz + gzip.compress(bytes(1024), 1, mtime=0)[:12])),
    Kind("gzip-with-a-name", lambda: _mended(lambda gz: gz[:3] + b"\x08" + gz[4:10] + b"layer.tar\0" + gz[10:])),
    Kind("gzip-with-reserved-flags", lambda: _mended(lambda gz: gz[:3] + b"\xe0" + gz[4:]), "layer_unknown"),
    Kind("gzip-damaged", lambda: _mended(lambda gz: gz[:20] + b"\xff\xff\xff" + gz[23:])),
    Kind("layer-of-no-bytes", lambda: stored(Stored(OCI["layer"], b"", digest_of(b"")))),
    Kind("layer-of-no-bytes-above", lambda: stored(gzipped(_tarred()), Stored(PLAIN_TAR, b"", digest_of(b"")))),
    Kind("layer-of-zeros", lambda: stored(gzipped(bytes(1024)), gzipped(_tarred()))),
    Kind("layer-of-text", lambda: stored(gzipped(b"this is no tar at all, but text " * 40))),
    Kind("tar-without-its-end", lambda: stored(gzipped(_ended(0)))),
    Kind("tar-with-one-zero-block", lambda: stored(gzipped(_ended(1)))),
    Kind("tar-cut-in-a-file", lambda: stored(gzipped(_tarred()[:600]))),
    Kind("tar-cut-in-a-header", lambda: stored(gzipped(_ended(0)[:-200]))),
    Kind("tar-more-behind-its-end", lambda: stored(gzipped(tar_of({"app": FOREIGN}) + _tarred()))),
    Kind("tar-garbage-behind-its-end", lambda: stored(gzipped(_tarred() + b"garbage" * 100))),
    Kind("tar-checksum-wrong", lambda: stored(gzipped(_tarred().replace(b"app\0", b"apq\0", 1)))),
    Kind("tar-ustar", lambda: _of(_raw("app", body=NATIVE), form=tarfile.USTAR_FORMAT), "native"),
    Kind("tar-gnu", lambda: _of(_raw("app", body=NATIVE), form=tarfile.GNU_FORMAT), "native"),
    Kind("tar-old-regular-type", lambda: _of(_raw("app", tarfile.AREGTYPE, NATIVE)), "native"),
    Kind("tar-contiguous-type", lambda: _of(_raw("app", tarfile.CONTTYPE, NATIVE))),
    Kind("tar-unknown-type", lambda: _of(_raw("app", b"Z", NATIVE))),
    Kind("tar-unknown-type-beside", lambda: _of(_raw("app", body=NATIVE), _raw("odd", b"Z", b"x"))),
    Kind("tar-volume-header", lambda: _of(_raw("label", b"V"), _raw("app", body=NATIVE))),
    Kind("tar-multi-volume-type", lambda: _of(_raw("app", body=NATIVE), _raw("odd", b"M", b"x"))),
    Kind("tar-char-device", lambda: _of(_raw("app", tarfile.CHRTYPE, devmajor=1, devminor=3))),
    Kind("tar-fifo", lambda: _of(_raw("app", tarfile.FIFOTYPE))),
    Kind("tar-device-beside", lambda: _of(_raw("null", tarfile.CHRTYPE, devmajor=1, devminor=3), _raw("app", body=NATIVE))),
    Kind("tar-device-zero-replaces", lambda: _of(_raw("app", tarfile.CHRTYPE), below=dict(_APP))),
    Kind("tar-fifo-replaces", lambda: _of(_raw("app", tarfile.FIFOTYPE), below=dict(_APP))),
    Kind("tar-global-header", lambda: stored(gzipped(tarfile.TarInfo.create_pax_global_header({"comment": "made by git"}) + _tarred())), "native"),
    Kind("tar-directory-with-bytes", lambda: _of(_raw("opt", tarfile.DIRTYPE, b"x" * 600), _raw("app", body=NATIVE))),
    Kind("tar-name-ends-in-slash", lambda: _of(_raw("app/", body=NATIVE))),
    Kind("tar-symlink-with-bytes", lambda: _of(_raw("app", tarfile.SYMTYPE, b"x" * 600, link="program"), _raw("program", body=NATIVE))),
    Kind("tar-set-owner", lambda: _of(_raw("app", body=NATIVE, uid=1000, gid=1000)), "native"),
    Kind("tar-owner-beyond", lambda: _of(_raw("app", body=NATIVE, uid=3_000_000_000))),
    Kind("tar-no-mode", lambda: _of(_raw("app", body=NATIVE, mode=0))),
    Kind("tar-name-with-parents", lambda: _of(_raw("opt/../app", body=NATIVE))),
    Kind("tar-name-with-parents-in-front", lambda: _of(_raw("../app", body=NATIVE))),
    Kind("tar-name-above-the-root", lambda: _of(_raw("a/../../../app", body=NATIVE))),
    Kind("tar-name-with-parents-beside", lambda: _of(_raw("app", body=NATIVE), _raw("../other", body=b"x"))),
    Kind("tar-name-dot", lambda: _of(_raw(".", tarfile.DIRTYPE), _raw("./app", body=NATIVE)), "native"),
    Kind("tar-name-double-slash", lambda: _of(_raw("opt//app", body=NATIVE), _raw("app", tarfile.SYMTYPE, link="opt/app"))),
    Kind("tar-name-of-300", lambda: _of(_raw("d" * 150 + "/" + "n" * 149, body=NATIVE), _raw("app", tarfile.SYMTYPE, link="d" * 150 + "/" + "n" * 149))),
    Kind("tar-name-empty", lambda: _of(_raw("", body=b"x"), _raw("app", body=NATIVE))),
    Kind("symlink-out-of-the-root", lambda: _of(_raw("app", tarfile.SYMTYPE, link="../../../../program"), _raw("program", body=NATIVE))),
    Kind("written-through-a-link-in-one-layer", lambda: _of(_raw("bin", tarfile.SYMTYPE, link="usr/bin"), _raw("usr/bin", tarfile.DIRTYPE), _raw("bin/app", body=NATIVE), _raw("app", tarfile.SYMTYPE, link="usr/bin/app"))),
    Kind("written-through-a-link-out", lambda: _of(_raw("out", tarfile.SYMTYPE, link="/tmp"), _raw("out/app", body=NATIVE), _raw("app", tarfile.SYMTYPE, link="tmp/app"))),
    Kind("hard-link-to-a-lower-layer", lambda: _of(_raw("app", tarfile.LNKTYPE, link="program"), below={"program": NATIVE})),
    Kind("hard-link-to-a-foreign-lower-layer", lambda: _of(_raw("app", tarfile.LNKTYPE, link="program"), below={"program": FOREIGN})),
    Kind("hard-link-before-its-target", lambda: _of(_raw("app", tarfile.LNKTYPE, link="program"), _raw("program", body=NATIVE))),
    Kind("hard-link-to-nothing", lambda: _of(_raw("app", tarfile.LNKTYPE, link="nowhere"))),
    Kind("hard-link-to-nothing-beside", lambda: _of(_raw("app", body=NATIVE), _raw("x", tarfile.LNKTYPE, link="nowhere"))),
    Kind("hard-link-to-itself", lambda: _of(_raw("app", tarfile.LNKTYPE, link="app"))),
    Kind("hard-link-absolute", lambda: _of(_raw("program", body=NATIVE), _raw("app", tarfile.LNKTYPE, link="/program"))),
    Kind("hard-link-with-parents", lambda: _of(_raw("program", body=NATIVE), _raw("app", tarfile.LNKTYPE, link="../program"))),
    Kind("hard-link-through-a-link", lambda: _of(_raw("usr/bin/program", body=NATIVE), _raw("bin", tarfile.SYMTYPE, link="usr/bin"), _raw("app", tarfile.LNKTYPE, link="bin/program"))),
    Kind("hard-link-then-target-replaced", lambda: _of(_raw("program", body=NATIVE), _raw("app", tarfile.LNKTYPE, link="program"), _raw("program", body=FOREIGN))),
    Kind("hard-link-target-whited-out-above", lambda: stored(gzipped(_tar(_raw("program", body=NATIVE), _raw("app", tarfile.LNKTYPE, link="program"))), gzipped(tar_of({".wh.program": b""}))), "native"),
    Kind("hard-link-to-a-directory", lambda: _of(_raw("opt", tarfile.DIRTYPE), _raw("x", tarfile.LNKTYPE, link="opt"), _raw("app", body=NATIVE))),
    Kind("whiteout-in-its-own-layer-behind", lambda: stored(gzipped(entries(("app", NATIVE), (".wh.app", b""))))),
    Kind("whiteout-in-its-own-layer-before", lambda: stored(gzipped(entries((".wh.app", b""), ("app", NATIVE))))),
    Kind("whiteout-of-lower-behind-its-replacement", lambda: stored(gzipped(tar_of({"app": FOREIGN})), gzipped(entries(("app", NATIVE), (".wh.app", b""))))),
    Kind("directory-implied-above-a-large-layer-s-whiteout", _implied),
    Kind("twice-a-directory", lambda: _of(_raw("opt", tarfile.DIRTYPE), _raw("opt", tarfile.DIRTYPE), _raw("app", body=NATIVE))),
    Kind("twice-a-directory-with-and-without-slash", lambda: _of(_raw("opt", tarfile.DIRTYPE), _raw("opt/x", body=b"x"), _raw("./opt/", tarfile.DIRTYPE), _raw("app", body=NATIVE))),
    Kind("twice-a-symlink", lambda: _of(_raw("x", tarfile.SYMTYPE, link="app"), _raw("x", tarfile.SYMTYPE, link="app"), _raw("app", body=NATIVE))),
    Kind("twice-a-file-beside", lambda: _of(_raw("x", body=b"1"), _raw("app", body=NATIVE), _raw("x", body=b"2"))),
    Kind("twice-an-empty-file", lambda: _of(_raw("x"), _raw("app", body=NATIVE), _raw("x"))),
    Kind("twice-a-file-then-a-directory", lambda: _of(_raw("opt", body=b"1"), _raw("opt", tarfile.DIRTYPE), _raw("app", body=NATIVE))),
    Kind("twice-a-directory-then-a-file", lambda: _of(_raw("opt", tarfile.DIRTYPE), _raw("opt", body=b"1"), _raw("app", body=NATIVE))),
    Kind("twice-a-file-then-a-link-to-it", lambda: _of(_raw("program", body=NATIVE), _raw("app", body=NATIVE), _raw("app", tarfile.LNKTYPE, link="program"))),
    Kind("twice-a-whiteout", lambda: stored(gzipped(tar_of({"x": b"x", **_APP})), gzipped(entries((".wh.x", b""), (".wh.x", b""))))),
    Kind("twice-by-two-names-of-a-directory", lambda: _of(_raw("usr/bin/app", body=NATIVE), _raw("bin", tarfile.SYMTYPE, link="usr/bin"), _raw("bin/app", body=NATIVE), _raw("app", tarfile.SYMTYPE, link="bin/app"))),
    Kind("the-root-a-symlink", lambda: _of(_raw(".", tarfile.SYMTYPE, link="opt"), _raw("app", body=NATIVE))),
    Kind("the-root-a-file", lambda: _of(_raw("./", body=b"x"), _raw("app", body=NATIVE))),
    Kind("the-root-by-dots", lambda: _of(_raw("..", tarfile.DIRTYPE), _raw("app", body=NATIVE))),
    Kind("dev-is-a-link", lambda: _of(_raw("dev", tarfile.SYMTYPE, link="opt"), _raw("opt", tarfile.DIRTYPE), _raw("app", body=NATIVE))),
    Kind("sys-is-a-file", lambda: _of(_raw("sys", body=b"x"), _raw("app", body=NATIVE))),
    Kind("sys-is-a-link", lambda: _of(_raw("sys", tarfile.SYMTYPE, link="opt"), _raw("opt", tarfile.DIRTYPE), _raw("app", body=NATIVE))),
    Kind("proc-is-a-file", lambda: _of(_raw("proc", body=b"x"), _raw("app", body=NATIVE))),
    Kind("tar-cut-in-its-last-padding", lambda: stored(gzipped(_ended(0)[:-1]))),
    Kind("tar-cut-in-the-header-of-a-second", lambda: stored(gzipped(_tar(_raw("app", body=NATIVE), _raw("x", body=b"x")).rstrip(b"\0")[:-200]))),
    Kind("opaque-behind-its-file", lambda: plain({"opt/app": FOREIGN}, {"opt/app": NATIVE, "opt/.wh..wh..opq": b""}, argv=["/opt/app"])),
    Kind("opaque-of-the-root", lambda: plain({"app": NATIVE}, {".wh..wh..opq": b"", "other": b""})),
    Kind("whiteout-of-nothing", lambda: plain(_APP, {".wh.nothing": b""}), "native"),
    Kind("whiteout-of-a-directory-by-name", lambda: plain({"opt/app": NATIVE}, {"opt/.wh.app": b""}, argv=["/opt/app"])),
    Kind("whiteout-without-a-name", lambda: plain(_APP, {".wh.": b""})),
    Kind("whiteout-of-the-parent-by-dots", lambda: plain(_APP, {"opt/.wh...": b""})),
    Kind("whiteout-of-itself", lambda: plain(_APP, {"opt/.wh..": b""})),
    Kind("whiteout-aufs-metadata", lambda: plain(_APP, {".wh..wh.aufs": b"", ".wh..wh.plnk/1.1": b"x"})),
    Kind("whiteout-with-bytes", lambda: plain(_APP, {".wh.app": b"not empty"})),
    Kind("whiteout-a-directory-entry", lambda: plain(_APP, {".wh.app": File(folder=True)})),
    Kind("whiteout-a-symlink-entry", lambda: plain(_APP, {".wh.app": File(link="x")})),
    Kind("whiteout-in-the-lowest", lambda: plain({".wh.app": b""}, _APP), "native"),
    Kind("whiteout-through-a-link", lambda: plain({"usr/bin/app": NATIVE, "bin": File(link="usr/bin")}, {"bin/.wh.app": b""}, argv=["/usr/bin/app"]), overlay=True),
    Kind("directory-above-a-link", lambda: plain({"usr/bin/app": NATIVE, "bin": File(link="usr/bin")}, {"bin": File(folder=True), "bin/other": b""}, argv=["/bin/app"])),
    Kind("directory-above-a-file", lambda: plain({"opt": b"x"}, {"opt/app": NATIVE}, argv=["/opt/app"]), overlay=True),
    Kind("diff-ids-wrong", lambda: _diff_ids(lambda ids: {"type": _LAYERS, "diff_ids": [ids[0], _WRONG]})),
    Kind("diff-ids-wrong-below", lambda: _diff_ids(lambda ids: {"type": _LAYERS, "diff_ids": [_WRONG, ids[1]]})),
    Kind("diff-ids-swapped", lambda: _diff_ids(lambda ids: {"type": _LAYERS, "diff_ids": ids[::-1]})),
    Kind("diff-ids-too-few", lambda: _diff_ids(lambda ids: {"type": _LAYERS, "diff_ids": ids[:1]})),
    Kind("diff-ids-too-many", lambda: _diff_ids(lambda ids: {"type": _LAYERS, "diff_ids": [*ids, ids[0]]})),
    Kind("diff-ids-none", lambda: _diff_ids(lambda _ids: {"type": _LAYERS, "diff_ids": []})),
    Kind("diff-ids-of-the-blobs", lambda: _diff_ids(lambda _ids: {"type": _LAYERS, "diff_ids": [layer.digest for layer in plain({"other": b"x"}, _own()).layers]})),
    Kind("diff-ids-no-digests", lambda: _diff_ids(lambda _ids: {"type": _LAYERS, "diff_ids": ["a", "b"]})),
    Kind("rootfs-missing", lambda: _diff_ids(lambda _ids: None)),
    Kind("rootfs-empty", lambda: _diff_ids(lambda _ids: {})),
    Kind("rootfs-of-another-type", lambda: _diff_ids(lambda ids: {"type": "squashfs", "diff_ids": ids})),
    Kind("rootfs-without-type", lambda: _diff_ids(lambda ids: {"diff_ids": ids})),
    Kind("layer-size-too-small", lambda: _sized(-1)),
    Kind("layer-size-too-large", lambda: _sized(1)),
    Kind("layer-twice", lambda: plain(_own(), _own()), "native"),
    Kind("layer-tar-labelled-gzip", lambda: _typed(OCI["layer"], lambda tar: tar)),
    Kind("layer-gzip-labelled-tar", lambda: _typed(PLAIN_TAR)),
    Kind("layer-zstd-labelled-gzip", lambda: _typed(OCI["layer"], _zstd)),
    Kind("layer-gzip-labelled-zstd", lambda: _typed(ZSTD_TAR)),
    Kind("layer-zstd-two-frames", lambda: _typed(ZSTD_TAR, lambda tar: b"".join(_zstd(half) for half in (tar[:1024], tar[1024:])))),
    Kind("layer-zstd-of-a-large-window", lambda: _typed(ZSTD_TAR, lambda tar: _zstd(tar, "--long=27"))),
    Kind("layer-zstd-checksum-wrong", lambda: _typed(ZSTD_TAR, lambda tar: _zstd(tar, "--check")[:-1] + b"\0")),
    Kind("layer-zstd-garbage-behind", lambda: _typed(ZSTD_TAR, lambda tar: _zstd(tar) + b"garbage behind")),
    Kind("layer-zstd-cut", lambda: _typed(ZSTD_TAR, lambda tar: _zstd(tar)[:-8])),
    Kind("layer-zstd-skippable-first", lambda: _typed(ZSTD_TAR, lambda tar: b"\x50\x2a\x4d\x18\x04\0\0\0abcd" + _zstd(tar))),
    Kind("layer-bzip2", lambda: _typed(OCI["layer"], lambda tar: subprocess.run(["bzip2", "-c"], input=tar, capture_output=True, check=True).stdout)),
    Kind("layer-xz", lambda: _typed(OCI["layer"], lambda tar: subprocess.run(["xz", "-c"], input=tar, capture_output=True, check=True).stdout)),
    Kind("layer-docker-type-in-oci", lambda: _typed(DOCKER["layer"]), "native"),
    Kind("layer-docker-tar-type", lambda: _typed("application/vnd.docker.image.rootfs.diff.tar", lambda tar: tar)),
    Kind("layer-docker-zstd-type", lambda: _typed("application/vnd.docker.image.rootfs.diff.tar.zstd", _zstd)),
    Kind("layer-nondistributable", lambda: _typed("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip")),
    Kind("layer-docker-foreign", lambda: _typed("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")),
    Kind("layer-encrypted-type", lambda: _typed("application/vnd.oci.image.layer.v1.tar+gzip+encrypted")),
    Kind("layer-of-an-odd-type", lambda: _typed("application/x-odd")),
    Kind("layer-of-octet-stream", lambda: _typed("application/octet-stream")),
    Kind("layer-without-type", lambda: _typed("")),
    Kind("layer-type-with-parameter", lambda: _typed(OCI["layer"] + "; charset=utf-8")),
    Kind("layer-type-upper-case", lambda: _typed(OCI["layer"].upper())),
    Kind("layers-none", lambda: ImageFactory.image(entrypoint=["/app"])),
    Kind("layers-127", lambda: plain(*({f"f{n}": b"x"} for n in range(126)), _APP), overlay=True),
    Kind("whiteout-below-a-link-on-the-way", lambda: plain({"usr/bin/app": NATIVE, "bin": File(link="usr/bin")}, {"bin/.wh.other": b""}, argv=["/bin/app"]), "layer_unknown", overlay=True),
)  # fmt: skip
