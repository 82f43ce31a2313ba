"""Images for one question each, put together from trees, tars or stored layers."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.real.images import AUTHOR, OCI, Document, File, Image, ImageFactory, Index, digest_of, tar_of
from tests.system.truth.programs import debian

Tree = Mapping[str, bytes | File]
PLAIN_TAR = "application/vnd.oci.image.layer.v1.tar"
ZSTD_TAR = "application/vnd.oci.image.layer.v1.tar+zstd"
SMALL_BYTES = 64 * 1024
"""A larger tar would cost most of a judgement: hundreds of kinds stand on a Debian of two megabytes, which each unpacks."""


@dataclass(frozen=True)
class Kind:
    """One kind of image: how to build it, what we expect to say of it.

    ``reason`` is what Docker's image comes to, ``podman`` what Podman's does where that differs; where it is not said
    only the verdict is held against the outcome. ``overlay`` marks what depends on the storage driver.
    """

    id: str
    build: Callable[[], Image | Index]
    reason: str = ""
    podman: str = ""
    overlay: bool = False

    def expected(self, engine: str) -> str:
        """The reason of its verdict on a host with this engine."""
        return self.podman if engine == "podman" and self.podman else self.reason

    def made(self) -> Image | Index:
        """Its image, with a config of its own: an engine that knows the config pulls nothing."""
        token = AUTHOR.set(self.id)
        try:
            return self.build()
        finally:
            AUTHOR.reset(token)

    @property
    def repository(self) -> str:
        """Its name in the registry."""
        return f"truth/{self.id}"


@dataclass(frozen=True)
class Stored:
    """A layer as the registry keeps it, with the digest of its tar."""

    media_type: str
    body: bytes
    diff_id: str


def gzipped(tar: bytes, media_type: str = OCI["layer"]) -> Stored:
    """The usual way to store a layer; a large one is in a gzip that leaves its bytes as they are."""
    diff_id = digest_of(tar)
    if diff_id not in _PACKED:
        _PACKED[diff_id] = gzip.compress(tar, compresslevel=1 if len(tar) <= SMALL_BYTES else 0, mtime=0)
    return Stored(media_type, _PACKED[diff_id], diff_id)


_PACKED: dict[str, bytes] = {}
"""Layers by the digest of their tar: hundreds of kinds stand on the same few."""


def entries(*named: tuple[str, bytes | File]) -> bytes:
    """A tar of exactly these names in this order: twice the same, or with a slash in front, as tools write them."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in named:
            file = content if isinstance(content, File) else File(content)
            entry = tarfile.TarInfo(name)
            entry.mode, entry.size = file.mode, len(file.body)
            tar.addfile(entry, io.BytesIO(file.body))
    return sink.getvalue()


def stored(
    *layers: Stored, entrypoint: Sequence[str] = ("/app",), architecture: str = "amd64", **config: object
) -> Image:
    """An image of layers that are stored already."""
    blobs = tuple(Document(layer.media_type, layer.body) for layer in layers)
    return assembled(
        blobs, [layer.diff_id for layer in layers], {"Entrypoint": list(entrypoint), **config}, architecture
    )


def assembled(
    blobs: tuple[Document, ...], diff_ids: list[str], process: Mapping[str, object], architecture: str
) -> Image:
    """The config, then the manifest, of these layers."""
    platform = {"architecture": architecture, "os": "linux"}
    author = {"author": AUTHOR.get()} if AUTHOR.get() else {}
    said = {**platform, **author, "config": dict(process), "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    config = Document(OCI["config"], json.dumps(said).encode())
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI["manifest"],
        "config": config.descriptor,
        "layers": [blob.descriptor for blob in blobs],
    }
    return Image(Document(OCI["manifest"], json.dumps(manifest).encode()), config, blobs, platform)


@cache
def _debian_layer() -> Stored:
    return gzipped(tar_of(debian()))


def on_debian(*layers: Tree, argv: Sequence[str] = ("/app",), cmd: Sequence[str] | None = None, **config: Any) -> Image:
    """An image above a small Debian: shell, env, loader, C library."""
    above = [gzipped(tar_of(layer)) for layer in layers]
    return stored(_debian_layer(), *above, entrypoint=argv, **({"Cmd": list(cmd)} if cmd else {}), **config)


def plain(
    *layers: Tree, argv: Sequence[str] | None = ("/app",), process: Mapping[str, object] | None = None, **more: Any
) -> Image:
    """An image of nothing but these files; ``process`` overrides all that its config says of what to run."""
    config = {"config": dict(process)} if process is not None else None
    return ImageFactory.image(*layers, entrypoint=argv, config=config, **more)


def indexed(*images: Image, platforms: Sequence[Mapping[str, Any] | None] | None = None, **more: Any) -> Index:
    """An index of these images."""
    return ImageFactory.index(*images, platforms=platforms, **more)


def amended(index: Index, amend: Callable[[dict[str, Any]], None]) -> Index:
    """The same index, its document changed before it is signed by its digest."""
    content = json.loads(index.manifest.body)
    amend(content)
    return Index(Document(index.manifest.media_type, json.dumps(content).encode()), index.images)
