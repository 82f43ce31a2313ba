"""Tiny real images: programs of a few hundred bytes for every CPU of the demonstration fleet."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import struct
import tarfile
from dataclasses import dataclass, field
from typing import Any

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"

_MACHINES = {
    # architecture: (e_machine, bits, byte order, e_flags)
    "amd64": (62, 64, "<", 0),
    "arm64": (183, 64, "<", 0),
    "arm": (40, 32, "<", 0x05000400),
    "s390x": (22, 64, ">", 0),
    "riscv64": (243, 64, "<", 5),
}
"""ELF machines as the ELF specification and the psABI supplements number them."""

_EXIT = bytes.fromhex("b83c0000 0031ff0f05".replace(" ", ""))
"""``exit(0)`` in x86-64; the demonstration never executes it, nor any other of these programs."""


def program(architecture: str) -> bytes:
    """A statically linked ELF executable of one segment for this architecture."""
    machine, bits, order, flags = _MACHINES[architecture]
    wide = bits == 64  # noqa: PLR2004 -- bits are bits
    header_bytes, segment_bytes = (64, 56) if wide else (52, 32)
    base, start = 0x400000, header_bytes + segment_bytes
    size = start + len(_EXIT)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    word = "Q" if wide else "I"
    header = struct.pack(
        f"{order}HHI{word}{word}{word}IHHHHHH",
        *(2, machine, 1, base + start, header_bytes, 0, flags, header_bytes, segment_bytes, 1, 0, 0, 0),
    )
    if wide:
        segment = struct.pack(f"{order}IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    else:
        segment = struct.pack(f"{order}IIIIIIII", 1, 0, base, base, size, size, 5, 0x1000)
    return ident + header + segment + _EXIT


def layer(files: dict[str, bytes]) -> bytes:
    """A gzipped tar of executables; the same files always give the same bytes."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(raw.getvalue(), mtime=0)


def digest_of(content: bytes) -> str:
    """``sha256:<hex>``."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(slots=True)
class Shelf:
    """Documents and blobs as a registry keeps them: ``documents[repository, tag or digest] = (media type, bytes)``."""

    documents: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def image(self, repository: str, platform: str, files: dict[str, bytes], argv: list[str]) -> dict[str, Any]:
        """Put one image there; gives its descriptor with ``platform`` (``os/architecture[/variant]``)."""
        named = platform_of(platform)
        packed = layer(files)
        diff_ids = [digest_of(gzip.decompress(packed))]
        config = _json({**named, "config": {"Entrypoint": argv}, "rootfs": {"type": "layers", "diff_ids": diff_ids}})
        for blob in (packed, config):
            self.blobs[digest_of(blob)] = blob
        manifest = _json({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": _descriptor(CONFIG, config),
            "layers": [_descriptor(LAYER, packed)],
        })  # fmt: skip
        self.documents[repository, digest_of(manifest)] = (MANIFEST, manifest)
        return {**_descriptor(MANIFEST, manifest), "platform": named}

    def index(self, repository: str, tag: str, images: list[dict[str, Any]]) -> str:
        """Publish images together under a tag; gives the digest of the index."""
        return self._publish(
            repository, tag, INDEX, _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": images})
        )

    def single(self, repository: str, tag: str, image: dict[str, Any]) -> str:
        """Publish one image under a tag without an index; gives its digest."""
        return self._publish(repository, tag, *self.documents[repository, image["digest"]])

    def _publish(self, repository: str, tag: str, media_type: str, content: bytes) -> str:
        self.documents[repository, tag] = self.documents[repository, digest_of(content)] = (media_type, content)
        return digest_of(content)


def platform_of(text: str) -> dict[str, str]:
    """``os/architecture[/variant]`` as an index entry or config spells it."""
    return dict(zip(("os", "architecture", "variant"), text.split("/"), strict=False))


def _descriptor(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
