"""Container images made from bytes, and a way to push them without any engine."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import json
import struct
import tarfile
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OCI = {
    "index": "application/vnd.oci.image.index.v1+json",
    "manifest": "application/vnd.oci.image.manifest.v1+json",
    "config": "application/vnd.oci.image.config.v1+json",
    "layer": "application/vnd.oci.image.layer.v1.tar+gzip",
}
DOCKER = {
    "index": "application/vnd.docker.distribution.manifest.list.v2+json",
    "manifest": "application/vnd.docker.distribution.manifest.v2+json",
    "config": "application/vnd.docker.container.image.v1+json",
    "layer": "application/vnd.docker.image.rootfs.diff.tar.gzip",
}


CAPABILITY = "SCHILY.xattr.security.capability"
"""Where tools that write layers keep a file's capabilities."""

AUTHOR: ContextVar[str] = ContextVar("AUTHOR", default="")
"""Who made an image, if that is to stand in its config, so that no engine takes it for another that it has already."""


def capability(*numbers: int, effective: bool = True, root: int | None = None) -> bytes:
    """A security.capability with these permitted, as setcap writes it; with ``root`` for that user namespace's alone."""
    bits = sum(1 << number for number in numbers)
    revision = 2 if root is None else 3
    words = (revision << 24 | effective, bits & 0xFFFFFFFF, 0, bits >> 32, 0, *(() if root is None else (root,)))
    return struct.pack(f"<{len(words)}I", *words)


@lru_cache(maxsize=256)
def digest_of(body: bytes) -> str:
    """``sha256:<hex>``; whoever builds, pushes and serves an image asks for that of the same layer a dozen times."""
    return f"sha256:{hashlib.sha256(body).hexdigest()}"


@dataclass(frozen=True)
class File:
    """A file of a layer; with ``link`` a symbolic link, with ``hard`` a hard link. It is root's if nobody says whose.

    ``capability`` is what capabilities(7) has in security.capability.
    """

    body: bytes = b""
    mode: int = 0o755
    link: str = ""
    hard: str = ""
    folder: bool = False
    uid: int = 0
    gid: int = 0
    capability: bytes = b""


@dataclass(frozen=True)
class Document:
    """A blob or manifest with what it claims to be."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        """The digest of the bytes."""
        return digest_of(self.body)

    @property
    def descriptor(self) -> dict[str, Any]:
        """How an index or a manifest points here."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body)}


@dataclass(frozen=True)
class Image:
    """One manifest with its blobs."""

    manifest: Document
    config: Document
    layers: tuple[Document, ...]
    platform: Mapping[str, str]


@dataclass(frozen=True)
class Index:
    """Several images under one name."""

    manifest: Document
    images: tuple[Image, ...] = field(default=())


def tar_of(files: Mapping[str, bytes | File]) -> bytes:
    """A tar with these files at a fixed time, so that the same files have the same digest."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            file = content if isinstance(content, File) else File(content)
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.mode, entry.uid, entry.gid = file.mode, file.uid, file.gid
            if file.capability:
                entry.pax_headers[CAPABILITY] = file.capability.decode("utf-8", "surrogateescape")
            if file.folder:
                entry.type = tarfile.DIRTYPE
            elif file.link:
                entry.type, entry.linkname = tarfile.SYMTYPE, file.link
            elif file.hard:
                entry.type, entry.linkname = tarfile.LNKTYPE, file.hard
            else:
                entry.size = len(file.body)
            tar.addfile(entry, io.BytesIO(file.body) if entry.size else None)
    return sink.getvalue()


def _json(media_type: str, content: object) -> Document:
    return Document(media_type, json.dumps(content, separators=(",", ":")).encode())


class ImageFactory:
    """Makes images; ``types`` is ``OCI`` or ``DOCKER``."""

    File = File
    OCI = OCI
    DOCKER = DOCKER

    @staticmethod
    def image(
        *layers: Mapping[str, bytes | File],
        entrypoint: Sequence[str] | None = None,
        cmd: Sequence[str] | None = None,
        architecture: str = "amd64",
        os: str = "linux",
        variant: str = "",
        types: Mapping[str, str] = OCI,
        config: Mapping[str, Any] | None = None,
    ) -> Image:
        """An image of these layers, lowest first; ``config`` overrides keys of its configuration."""
        tars = [tar_of(layer) for layer in layers]
        blobs = tuple(Document(types["layer"], gzip.compress(tar, compresslevel=1, mtime=0)) for tar in tars)
        platform = {"architecture": architecture, "os": os} | ({"variant": variant} if variant else {})
        process: dict[str, Any] = {"Entrypoint": list(entrypoint or ()) or None, "Cmd": list(cmd or ()) or None}
        document = _json(
            types["config"],
            {
                **platform,
                **({"author": AUTHOR.get()} if AUTHOR.get() else {}),
                "config": process,
                "rootfs": {"type": "layers", "diff_ids": [digest_of(tar) for tar in tars]},
                "history": [{"created_by": "test"} for _ in tars],
            } | dict(config or {}),
        )  # fmt: skip
        manifest = {
            "schemaVersion": 2,
            "mediaType": types["manifest"],
            "config": document.descriptor,
            "layers": [blob.descriptor for blob in blobs],
        }
        return Image(_json(types["manifest"], manifest), document, blobs, platform)

    @staticmethod
    def index(
        *images: Image, platforms: Sequence[Mapping[str, str] | None] | None = None, types: Mapping[str, str] = OCI
    ) -> Index:
        """An index of these images; ``platforms`` says something else than their configs do (``None``: says nothing)."""
        said = platforms if platforms is not None else [image.platform for image in images]
        entries = [
            image.manifest.descriptor | ({"platform": dict(platform)} if platform else {})
            for image, platform in zip(images, said, strict=True)
        ]
        content = {"schemaVersion": 2, "mediaType": types["index"], "manifests": entries}
        return Index(_json(types["index"], content), images)


class Pusher:
    """Pushes to one registry by plain HTTP, the way the distribution specification describes."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port

    @property
    def address(self) -> str:
        """``host:port``, the first part of a reference."""
        return f"{self.host}:{self.port}"

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """One request on a connection of its own."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def blob(self, repository: str, body: bytes) -> str:
        """Upload one blob; returns its digest."""
        digest = digest_of(body)
        if self.request("HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200:
            return digest
        status, headers, answer = self.request("POST", f"/v2/{repository}/blobs/uploads/", b"")
        assert status == 202, answer
        place = headers["location"].removeprefix(f"http://{self.address}")
        place += ("&" if "?" in place else "?") + f"digest={digest}"
        status, _, answer = self.request("PUT", place, body, {"Content-Type": "application/octet-stream"})
        assert status == 201, answer
        return digest

    def document(self, repository: str, tag: str, document: Document) -> str:
        """Upload one manifest or index under a tag or digest; returns its digest."""
        path = f"/v2/{repository}/manifests/{tag}"
        status, _, answer = self.request("PUT", path, document.body, {"Content-Type": document.media_type})
        assert status == 201, answer
        return document.digest

    def push(self, repository: str, tag: str, what: Image | Index) -> str:
        """Push an image or an index with everything below it; returns the full reference."""
        for image in what.images if isinstance(what, Index) else (what,):
            for document in (image.config, *image.layers):
                self.blob(repository, document.body)
            self.document(repository, image.manifest.digest, image.manifest)
        self.document(repository, tag, what.manifest)
        return f"{self.address}/{repository}:{tag}"

    def delete(self, repository: str, digest: str) -> None:
        """Remove a manifest."""
        status, _, answer = self.request("DELETE", f"/v2/{repository}/manifests/{digest}")
        assert status == 202, answer

    def delete_blob(self, repository: str, digest: str) -> None:
        """Lose a blob that manifests still name."""
        status, _, answer = self.request("DELETE", f"/v2/{repository}/blobs/{digest}")
        assert status == 202, answer


@pytest.fixture(scope="session")
def image_factory() -> ImageFactory:
    """Makes images and indexes from files."""
    return ImageFactory()
