"""The image that is meant of an OCI layout (image-spec, image-layout.md)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.domain.failure import Failure
from scanner.domain.image.reference import Digest, image_reference
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents.strict_json import read_object
from scanner.registry.archives.blobs import ArchiveError, whole
from scanner.registry.documents.image_config import ImageConfig, read_config
from scanner.registry.documents.manifest import Descriptor, Index, Manifest, read_manifest
from scanner.registry.mirror_chain import MAX_DOCUMENT_BYTES, digest_matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.domain.image.offers import Layer
    from scanner.domain.image.reference import ImageReference
    from scanner.registry.archives.blobs import Blobs

INDEX_NAME = "index.json"

LAYOUT_NAME = "oci-layout"

VERSION = "1.0.0"
"""The only one there is: containerd, with it Docker, loads no other, where skopeo and Podman do not look."""

_REF_NAME = "org.opencontainers.image.ref.name"
_IMAGE_NAME = "io.containerd.image.name"

MAX_NAMES_TOLD = 8
"""Names in one line, where several images are there and none was asked for."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The image that is meant: what it is called, if it is, and the digest of the document that it is.

    ``found`` is what the layout says of that document, or its own index, where the entries are the platforms of one image.
    """

    names: tuple[str, ...]
    digest: Digest
    found: Descriptor | Index

    @property
    def name(self) -> str:
        """Of a full name and a bare tag the full one."""
        return _longest(self.names)


async def choose(blobs: Blobs, asked: str) -> Chosen | Failure:
    """The image called ``asked``, or the only one; total over whatever the layout holds.

    Raises:
        ArchiveError: the archive is not to be read.
    """
    body = await whole(blobs, INDEX_NAME, MAX_DOCUMENT_BYTES)
    if body is None:
        return Failure(Reason.IMAGE_MALFORMED, f"the archive has no {INDEX_NAME}")
    if other := _of_no_version(await whole(blobs, LAYOUT_NAME, MAX_DOCUMENT_BYTES)):
        return Failure(
            Reason.IMAGE_MALFORMED, f"{other}: not every engine would load it; imageLayoutVersion is {VERSION}"
        )
    index = read_manifest(body, "", "")
    if isinstance(index, Failure):
        return replace(index, detail=f"{INDEX_NAME}: {index.detail}")
    if isinstance(index, Manifest):
        return Failure(Reason.IMAGE_MALFORMED, f"{INDEX_NAME} is no index")
    named = _named(body)
    entries = [entry for entry in index.entries if not asked or is_called(asked, named.get(entry.digest, ()))]
    names = list(dict.fromkeys(name for entry in index.entries for name in named.get(entry.digest, ())))
    told = ", ".join(printable(name, 100) for name in names[:MAX_NAMES_TOLD]) or "no name at all"
    if not entries:
        found = f"called {printable(asked, 100)}; it has {told}" if asked else "in it"
        return Failure(Reason.IMAGE_NOT_FOUND, f"the archive has no image {found}")
    first = entries[0]
    if {entry.digest for entry in entries} == {first.digest}:
        if {(entry.media_type, entry.size) for entry in entries} != {(first.media_type, first.size)}:
            return Failure(Reason.IMAGE_AMBIGUOUS, f"{INDEX_NAME} says two things of {first.digest}")
        return Chosen(named.get(first.digest, ()), first.digest, first)
    if len({_longest(named.get(entry.digest, ())) for entry in entries}) > 1:
        return Failure(Reason.IMAGE_AMBIGUOUS, f"the archive has several images, name one of them: {told}")
    if None in (said := [entry.platform for entry in entries]) or len(set(said)) < len(said):
        return Failure(Reason.IMAGE_AMBIGUOUS, f"the archive has several images of one name, no platform apart: {told}")
    digest = Digest(f"sha256:{hashlib.sha256(body).hexdigest()}")
    own = tuple(dict.fromkeys(name for entry in entries for name in named.get(entry.digest, ())))
    return Chosen(own, digest, replace(index, entries=tuple(entries)))


def _of_no_version(body: bytes | None) -> str:
    """What is wrong with the file that makes a folder a layout, empty where nothing is."""
    if body is None:
        return f"the archive has no {LAYOUT_NAME}"
    document = read_object(body)
    if isinstance(document, Failure):
        return f"{LAYOUT_NAME}: {document.detail}"
    said = document.get("imageLayoutVersion")
    return "" if said == VERSION else f"{LAYOUT_NAME} says {printable(str(said), 40) if said else 'no version'}"


def _named(body: bytes) -> dict[str, tuple[str, ...]]:
    """What the entries of an index are called, by digest: read again, for nobody else needs annotations of entries."""
    document = read_object(body)
    found: dict[str, tuple[str, ...]] = {}
    for entry in document.get("manifests", ()) if isinstance(document, dict) else ():
        notes = entry.get("annotations") or {}
        names = (notes.get(key) for key in (_IMAGE_NAME, _REF_NAME))
        own = tuple(name for name in names if isinstance(name, str) and name)
        found[entry["digest"]] = tuple(dict.fromkeys((*found.get(entry["digest"], ()), *own)))
    return found


def is_called(asked: str, names: Iterable[str]) -> bool:
    """Whether one of the names is the asked one, in whatever spelling engines take for the same."""
    wanted = image_reference(asked)
    return any(asked == name or (wanted == image_reference(name) and not isinstance(wanted, Failure)) for name in names)


def _longest(names: tuple[str, ...]) -> str:
    return max(names, key=len, default="")


@dataclass(frozen=True, slots=True)
class LayoutReader:
    """The documents of one image of a layout, each held to its digest; an ``assembly.Reader``."""

    blobs: Blobs
    chosen: Chosen

    async def top(self, reference: ImageReference, digest: Digest) -> Index | Manifest | Failure:
        """The document that the image is; of an index only what the archive has."""
        del digest
        found = self.chosen.found
        return self._present(found) if isinstance(found, Index) else await self.described(reference, found)

    async def described(self, reference: ImageReference, descriptor: Descriptor) -> Index | Manifest | Failure:
        """What an index entry leads to."""
        del reference
        body = await self._verified(descriptor)
        found = body if isinstance(body, Failure) else read_manifest(body, "", descriptor.media_type)
        return self._present(found) if isinstance(found, Index) else found

    async def config(self, reference: ImageReference, descriptor: Descriptor) -> ImageConfig | Failure:
        """What a manifest's config says."""
        del reference
        body = await self._verified(descriptor)
        return body if isinstance(body, Failure) else read_config(body)

    def place_of(self, layer: Layer) -> str:
        """The name of a layer's file."""
        return blob_name(layer.digest)

    def _present(self, index: Index) -> Index:
        """An engine that saves an image of many platforms saves those that it has, under the index of all of them."""
        there = tuple(entry for entry in index.entries if self.blobs.size(blob_name(entry.digest)) is not None)
        return replace(index, entries=there)

    async def _verified(self, descriptor: Descriptor) -> bytes | Failure:
        name, size = blob_name(descriptor.digest), descriptor.size
        try:
            body = await whole(self.blobs, name, MAX_DOCUMENT_BYTES)
        except ArchiveError as error:
            return error.failure
        if body is None:
            return Failure(Reason.IMAGE_MALFORMED, f"the archive has no {name}")
        if size != len(body):
            return Failure(Reason.IMAGE_MALFORMED, f"{name} has {len(body)} bytes, its descriptor says {size}")
        if not digest_matches(descriptor.digest, body):
            return Failure(Reason.IMAGE_DIGEST_MISMATCH, f"the archive's {name} holds other bytes than its name says")
        return body


def blob_name(digest: Digest) -> str:
    """Where a layout keeps a blob."""
    return f"blobs/{digest.algorithm}/{digest.hex}"
