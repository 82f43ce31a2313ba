"""What containers/image takes for a whole layer, as skopeo unpacks it, against what we do."""

import gzip
import hashlib
import json
import subprocess
import zlib

import pytest
import zstandard

from scanner.binary.inspect import inspect

CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'


def cut(raw):
    packer = zlib.compressobj(6, wbits=31)
    return packer.compress(raw) + packer.flush(zlib.Z_SYNC_FLUSH)


def member(raw):
    return gzip.compress(raw, mtime=0)


def frame(raw):
    return zstandard.ZstdCompressor().compress(raw)


GZIP, ZSTD = "application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.oci.image.layer.v1.tar+zstd"

# A trailer that is missing altogether is no witness: skopeo 1.9 takes "EOF" for the end, while Podman, containerd refuse.
PACKED = {
    "one member": (GZIP, member),
    "two members": (GZIP, lambda raw: member(raw[:700]) + member(raw[700:])),
    "an empty member behind": (GZIP, lambda raw: member(raw) + member(b"")),
    "cut after a flush": (GZIP, cut),
    "cut in the trailer": (GZIP, lambda raw: member(raw)[:-2]),
    "zeros behind": (GZIP, lambda raw: member(raw) + bytes(512)),
    "garbage behind": (GZIP, lambda raw: member(raw) + b"garbage"),
    "the second member cut": (GZIP, lambda raw: member(raw) + member(raw)[:-9]),
    "a wrong checksum": (GZIP, lambda raw: member(raw)[:-8] + bytes(4) + member(raw)[-4:]),
    "one frame": (ZSTD, frame),
    "two frames": (ZSTD, lambda raw: frame(raw[:700]) + frame(raw[700:])),
    "a skippable frame behind": (ZSTD, lambda raw: frame(raw) + b"\x50\x2a\x4d\x18\x03\0\0\0abc"),
    "a frame cut": (ZSTD, lambda raw: frame(raw)[:-3]),
    "garbage behind a frame": (ZSTD, lambda raw: frame(raw) + b"garbage"),
    "a second frame cut": (ZSTD, lambda raw: frame(raw) + frame(raw)[:-1]),
}


def unpacks(skopeo, folder, packed, media_type):
    """Whether skopeo unpacks an image of this one layer."""
    source, target = folder / "source", folder / "target"
    source.mkdir()

    def blob(content, kind):
        digest = hashlib.sha256(content).hexdigest()
        (source / digest).write_bytes(content)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}

    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": blob(CONFIG, "application/vnd.oci.image.config.v1+json"),
        "layers": [blob(packed, media_type)],
    }
    (source / "manifest.json").write_text(json.dumps(manifest))
    (source / "version").write_text("Directory Transport Version: 1.1\n")
    command = [skopeo, "copy", "--insecure-policy", "--dest-decompress", f"dir:{source}", f"dir:{target}"]
    return subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("name", PACKED)
async def test_a_layer_is_whole_where_skopeo_takes_it_for_one(require, images, build, tmp_path, name):
    media_type, pack = PACKED[name]
    packed = pack(build.tar([("app", build.elf())]))
    program = await inspect(build.offer(images.push(packed, media_type)), None, images.open)
    assert (program.problem is None) == unpacks(require("skopeo", "skopeo"), tmp_path, packed, media_type)
