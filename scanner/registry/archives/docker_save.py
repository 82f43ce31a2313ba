"""The image that is meant of what older engines' ``docker save`` made (moby, image-spec v1)."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.image.offers import Layer
from scanner.domain.image.reference import Digest, image_reference
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents.strict_json import read_object
from scanner.registry.archives.blobs import ArchiveError, whole
from scanner.registry.archives.layout import MAX_NAMES_TOLD, is_called
from scanner.registry.documents.image_config import ImageConfig, read_config
from scanner.registry.documents.manifest import MAX_ENTRIES, MAX_LAYERS, Descriptor, Index, Manifest
from scanner.registry.documents.media_types import DOCKER_CONFIG
from scanner.registry.mirror_chain import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from scanner.domain.image.reference import ImageReference
    from scanner.registry.archives.blobs import Blobs

MANIFEST_NAME = "manifest.json"

MAX_CONFIG_BYTES = 4 * MAX_DOCUMENT_BYTES
"""Of all configs that one image is compared with; real ones have some 10 KB."""

_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
_PLAIN_TAR = b"ustar"
_TAR_MAGIC_AT = 257


@dataclass(frozen=True, slots=True)
class Saved:
    """One image: its own name, its config, its layers as a manifest would list them, the file of each by digest.

    ``digest`` is the config's, the image ID, for there is no manifest: what a push makes of it depends on who pushes.
    """

    name: str
    digest: Digest
    config: bytes
    layers: tuple[Layer, ...]
    places: Mapping[str, str]


async def choose(blobs: Blobs, asked: str) -> Saved | Failure:
    """The image called ``asked``, or the ``@N``-th, or the only one; total over whatever the archive holds.

    Raises:
        ArchiveError: the archive is not to be read.
    """
    images = await _listed(blobs)
    if isinstance(images, Failure):
        return images
    chosen = _chosen(images, asked)
    return chosen if isinstance(chosen, Failure) else await _saved(blobs, chosen)


async def contradiction(blobs: Blobs, names: Collection[str], configs: Collection[Digest]) -> Failure | None:
    """Why ``docker load`` may make another image of the archive than the one with these configs, which its index leads to.

    ``names`` is all that the index calls it; without any of them here, each image must be it. Newer engines write both
    lists; those that keep images in their older store, as Podman, go by this one.

    Raises:
        ArchiveError: the archive is not to be read.
    """
    if blobs.size(MANIFEST_NAME) is None:
        return None
    images = await _listed(blobs)
    if isinstance(images, Failure):
        return images
    meant = await asyncio.to_thread(_called, images, names) or images
    different = list({image["Config"]: image for image in meant if isinstance(image.get("Config"), str)}.values())
    nameless = [image for image in meant if not isinstance(image.get("Config"), str)]
    if too_many := _too_many(blobs, [image["Config"] for image in different]):
        return too_many
    for image in nameless[:1] + different:
        config = await _config(blobs, image)
        if isinstance(config, Failure):
            return config
        if config.digest not in configs:
            why = f"{MANIFEST_NAME} leads to another image than index.json: which one is loaded depends on the engine"
            return Failure(Reason.IMAGE_AMBIGUOUS, why)
    return None


def _called(images: Sequence[dict[str, Any]], names: Collection[str]) -> list[dict[str, Any]]:
    """Those called by any of the names, each of which is read once however many there are."""
    wanted = {found for name in names for found in (name, image_reference(name)) if not isinstance(found, Failure)}
    return [one for one in images if any(tag in wanted or image_reference(tag) in wanted for tag in _names(one))]


def _too_many(blobs: Blobs, names: Sequence[str]) -> Failure | None:
    """What nobody reads for the sake of one image."""
    if len(names) > MAX_ENTRIES:
        return Failure(Reason.IMAGE_TOO_COMPLEX, f"{MANIFEST_NAME} names {len(names)} configs, more than {MAX_ENTRIES}")
    total = sum(blobs.size(name) or 0 for name in names)
    if total > MAX_CONFIG_BYTES:
        why = f"{MANIFEST_NAME} names configs of {total} bytes, more than {MAX_CONFIG_BYTES}"
        return Failure(Reason.IMAGE_TOO_COMPLEX, why)
    return None


async def _listed(blobs: Blobs) -> list[dict[str, Any]] | Failure:
    body = await whole(blobs, MANIFEST_NAME, MAX_DOCUMENT_BYTES)
    if body is None:
        return Failure(Reason.IMAGE_MALFORMED, f"the archive has neither {MANIFEST_NAME} nor index.json")
    document = read_object(b'{"images":' + body + b"}")
    if isinstance(document, Failure):
        return replace(document, detail=f"{MANIFEST_NAME}: {document.detail}")
    images = document["images"]
    if len(document) != 1 or not isinstance(images, list) or not all(isinstance(one, dict) for one in images):
        return Failure(Reason.IMAGE_MALFORMED, f"{MANIFEST_NAME} is no list of images")
    return images


def _chosen(images: list[dict[str, Any]], asked: str) -> dict[str, Any] | Failure:
    number = asked.removeprefix("@")
    if asked.startswith("@") and number.isdecimal() and len(number) < 6:  # noqa: PLR2004 -- more digits than images
        found = images[int(number) :][:1]
    else:
        found = [one for one in images if not asked or is_called(asked, _names(one))]
    if len(found) == 1:
        return found[0]
    names = list(dict.fromkeys(name for one in images for name in _names(one)))
    told = ", ".join(printable(name, 100) for name in names[:MAX_NAMES_TOLD]) or "no name at all"
    if not found:
        return Failure(
            Reason.IMAGE_NOT_FOUND, f"the archive has no image called {printable(asked, 100)}; it has {told}"
        )
    return Failure(Reason.IMAGE_AMBIGUOUS, f"the archive has several images, name one of them, or @0, @1: {told}")


def _names(image: Mapping[str, Any]) -> list[str]:
    tags = image.get("RepoTags")
    return [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []


async def _saved(blobs: Blobs, image: Mapping[str, Any]) -> Saved | Failure:
    layers = image.get("Layers")
    if not isinstance(layers, list):
        return Failure(Reason.IMAGE_MALFORMED, f"{MANIFEST_NAME} names no layers")
    if len(layers) > MAX_LAYERS or not all(isinstance(one, str) for one in layers):
        return Failure(Reason.IMAGE_MALFORMED, f"{MANIFEST_NAME} names no layers, or more than {MAX_LAYERS}")
    config = await _config(blobs, image)
    if isinstance(config, Failure):
        return config
    read = read_config(config.body)
    if isinstance(read, Failure):
        return read
    if len(read.diff_ids) != len(layers):
        why = f"{MANIFEST_NAME} names {len(layers)} layers, the config {len(read.diff_ids)}"
        return Failure(Reason.IMAGE_MALFORMED, why)
    found: list[Layer] = []
    places: dict[str, str] = {}
    packed: dict[str, Layer] = {}
    for name, diff_id in zip(layers, read.diff_ids, strict=True):
        layer = packed.get(name) or await _layer(blobs, name, diff_id, packed)
        found.append(layer)
        places[layer.digest] = name
    name = next(iter(_names(image)), "")
    return Saved(name, config.digest, config.body, tuple(found), places)


@dataclass(frozen=True, slots=True)
class _Config:
    digest: Digest
    body: bytes


async def _config(blobs: Blobs, image: Mapping[str, Any]) -> _Config | Failure:
    name = image.get("Config")
    if not isinstance(name, str):
        return Failure(Reason.IMAGE_MALFORMED, f"{MANIFEST_NAME} names no config")
    body = await whole(blobs, name, MAX_DOCUMENT_BYTES)
    if body is None:
        return Failure(Reason.IMAGE_MALFORMED, f"the archive has no {printable(name, 200)}")
    digest = (await asyncio.to_thread(hashlib.sha256, body)).hexdigest()
    if len(stem := name.rpartition("/")[2].removesuffix(".json")) == len(digest) and stem != digest:
        why = f"the archive's {printable(name, 200)} holds other bytes than its name says"
        return Failure(Reason.IMAGE_DIGEST_MISMATCH, why)
    return _Config(Digest(f"sha256:{digest}"), body)


async def _layer(blobs: Blobs, name: str, diff_id: Digest | Failure, packed: dict[str, Layer]) -> Layer:
    """A layer by the digest of its file: its tar's own, where that is not packed; a ``packed`` one is read once."""
    size = blobs.size(name)
    if size is None:
        raise ArchiveError(f"has no {printable(name, 200)}, a layer")
    head = b"".join([piece async for piece in blobs.pieces(name, 0, min(size, 512))])
    if head[_TAR_MAGIC_AT : _TAR_MAGIC_AT + len(_PLAIN_TAR)] == _PLAIN_TAR:
        if isinstance(diff_id, Failure):
            raise ArchiveError(f"has a config of which {diff_id.detail}")
        return Layer(diff_id, _LAYER, size)
    counted = hashlib.sha256()
    async for piece in blobs.pieces(name, 0, size):
        counted.update(piece)
    packed[name] = Layer(Digest(f"sha256:{counted.hexdigest()}"), _LAYER, size)
    return packed[name]


@dataclass(frozen=True, slots=True)
class SavedReader:
    """The documents of one saved image; an ``assembly.Reader``."""

    saved: Saved

    async def top(self, reference: ImageReference, digest: Digest) -> Index | Manifest | Failure:
        """The manifest that there would be."""
        del reference
        config = Descriptor(digest, DOCKER_CONFIG, len(self.saved.config))
        return Manifest(config, self.saved.layers)

    async def described(self, reference: ImageReference, descriptor: Descriptor) -> Index | Manifest | Failure:
        """There are no descriptors in it."""
        del reference
        return Failure(Reason.IMAGE_MALFORMED, f"the archive has no {descriptor.digest}")

    async def config(self, reference: ImageReference, descriptor: Descriptor) -> ImageConfig | Failure:
        """What the config says."""
        del reference, descriptor
        return read_config(self.saved.config)

    def place_of(self, layer: Layer) -> str:
        """The name of a layer's file."""
        return self.saved.places[layer.digest]
