"""Reads the bytes of a manifest or index: one pure function from bytes to a typed document.

A document that two readers could take for two things is refused (CVE-2021-41190): a manifest with ``manifests``, an
index with ``layers``, a body that contradicts its Content-Type, a key twice.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scanner.domain.failure import Failure
from scanner.domain.image.offers import InnerIndex, Layer, Objection
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason
from scanner.formats.documents.strict_json import AmbiguousError, read_object, refuse_twins
from scanner.registry.documents import fields, media_types

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.domain.image.reference import Digest
    from scanner.domain.platform.platform import Platform

MAX_ENTRIES = 512
"""Entries of one index, nested ones included; the largest real ones have some 60."""

MAX_LAYERS = 256
"""Layers of one manifest; engines mount at most 127 of them."""

MAX_ANNOTATION_CHARS = 256 * 1024
"""Annotations of all layers of a manifest; lazy-pull formats need some 300 a layer."""

MAX_DATA_CHARS = 256 * 1024
"""Inline content of one descriptor, in base64; it is meant for a few KiB."""

_ATTESTATION_ANNOTATION = "vnd.docker.reference.type"
_SHAPE_OF = {"manifests": "index", "config": "manifest", "layers": "manifest", "fslayers": "schema1"}
_DESCRIPTOR_KEYS = frozenset({"mediaType", "digest", "size", "platform", "annotations", "urls", "data", "artifactType"})
_PLATFORM_KEYS = frozenset({"architecture", "os", "variant", "os.version", "os.features"})
_DOCUMENT_KEYS = frozenset({"schemaVersion", "mediaType", "manifests", "config", "layers", "fsLayers", "artifactType"})


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A pointer to content: by digest only, so that ``urls`` can lead nowhere.

    ``platform`` is as written, ``None`` where the entry does not name one. ``inline`` is the content itself where the
    descriptor carries it, not yet verified. ``within`` is the index within an index where it was found. ``has_urls`` tells
    that it names addresses, which some engines ask instead of the registry.
    """

    digest: Digest
    media_type: str
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict)
    inline: bytes | None = None
    within: InnerIndex | None = None
    has_urls: bool = False

    @property
    def is_index(self) -> bool:
        """Whether it points to another index."""
        return self.media_type in media_types.INDEXES

    @property
    def is_manifest(self) -> bool:
        """Whether it says of itself that it points to an image."""
        return self.media_type in media_types.MANIFESTS


@dataclass(frozen=True, slots=True)
class Index:
    """The images that an index offers, in its order; ``ignored`` are entries that are no images.

    ``is_doubtful`` tells that an engine may take one of those for an image all the same: it says nothing of a platform,
    and nobody read what it points to.
    """

    entries: tuple[Descriptor, ...]
    ignored: tuple[Digest, ...] = ()
    is_doubtful: bool = False

    @property
    def total(self) -> int:
        """Entries of either sort."""
        return len(self.entries) + len(self.ignored)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image: where its config is, which layers it has, lowest first.

    ``objections`` are what engines may refuse the types of its parts for, ``is_artifact`` tells that it is a chart, a
    signature or another thing than an image by these.
    """

    config: Descriptor
    layers: tuple[Layer, ...]
    objections: tuple[Objection, ...] = ()
    is_artifact: bool = False


def read_manifest(body: bytes, content_type: str = "", announced: str = "") -> Index | Manifest | Failure:
    """Interpret the body of a manifest.

    Args:
        body: the bytes, their digest already verified.
        content_type: the header they came with, parameters included.
        announced: the media type that a descriptor promised.
    """
    document = read_object(body)
    if isinstance(document, Failure):
        return document
    try:
        refuse_twins(document, _DOCUMENT_KEYS)
        kind = _kind(document, content_type, announced)
        if isinstance(kind, Failure):
            return kind
        if kind == "index":
            return _read_index(document)
        declared = (fields.word(document, "mediaType"), media_types.plain(content_type), media_types.plain(announced))
        return _read_image(document, is_oci=media_types.OCI_MANIFEST in declared)
    except AmbiguousError as ambiguity:
        return Failure(Reason.IMAGE_AMBIGUOUS, str(ambiguity))
    except fields.MalformedError as error:
        return Failure(Reason.IMAGE_MALFORMED, str(error))


def _kind(document: Mapping[str, Any], content_type: str, announced: str) -> str | Failure:
    """``index`` or ``manifest``: what header, body and shape agree upon."""
    declared = {fields.word(document, "mediaType"), media_types.plain(content_type), media_types.plain(announced)}
    declared -= media_types.GENERIC
    shapes = {shape for key, shape in _SHAPE_OF.items() if any(name.casefold() == key for name in document)}
    if len(declared) > 1:
        raise AmbiguousError(f"the document is declared to be {' and '.join(sorted(declared))[:200]}")
    if len(shapes) > 1:
        raise AmbiguousError(f"the document has the fields of {' and '.join(sorted(shapes))}")
    version = _schema_version(document)
    if shapes == {"schema1"} or declared & media_types.SCHEMA1 or version == 1:
        return Failure(Reason.IMAGE_UNSUPPORTED, "a schema 1 manifest, which engines refuse since Docker 28.2")
    kinds = shapes | {_kind_of_type(media_type) for media_type in declared}
    if "other" in kinds:
        return Failure(Reason.IMAGE_NOT_AN_IMAGE, f"the registry serves {next(iter(declared))[:100]}")
    if len(kinds) > 1:
        raise AmbiguousError(f"declared to be {next(iter(declared))}, but it has the fields of another kind")
    if not kinds or not shapes:
        raise fields.MalformedError("neither an index nor a manifest")
    return kinds.pop()


def _kind_of_type(media_type: str) -> str:
    if media_type in media_types.INDEXES:
        return "index"
    return "manifest" if media_type in media_types.MANIFESTS else "other"


def _schema_version(document: Mapping[str, Any]) -> int:
    version = document.get("schemaVersion", 2)
    if not isinstance(version, int) or version not in {1, 2}:
        raise fields.MalformedError("schemaVersion is not 2")
    return version


def _read_index(document: Mapping[str, Any]) -> Index | Failure:
    entries = fields.objects(document, "manifests")
    if len(entries) > MAX_ENTRIES:
        return Failure(Reason.IMAGE_TOO_COMPLEX, f"the index has {len(entries)} entries, more than {MAX_ENTRIES}")
    offers: list[Descriptor] = []
    ignored: list[Descriptor] = []
    for entry in entries:
        descriptor = _descriptor(entry)
        if _is_image(entry, descriptor):
            offers.append(replace(descriptor, annotations={}))
        else:
            ignored.append(descriptor)
    is_doubtful = any(each.platform is None for each in ignored)
    return Index(tuple(offers), tuple(each.digest for each in ignored), is_doubtful)


def _is_image(entry: Mapping[str, Any], descriptor: Descriptor) -> bool:
    """Leave attestations, signatures and everything else out that no engine would start.

    Engines take an entry by its platform, whatever else it says of itself: seen with Docker 20.10 and 26.1, Podman 4.3,
    containerd 1.7.
    """
    if descriptor.platform is not None:
        return "unknown" not in {descriptor.platform.os.lower(), descriptor.platform.architecture.lower()}
    if descriptor.media_type not in media_types.INDEXES | media_types.MANIFESTS:
        return False
    artifact = fields.word(entry, "artifactType")
    return _ATTESTATION_ANNOTATION not in descriptor.annotations and (not artifact or artifact in media_types.CONFIGS)


def _read_image(document: Mapping[str, Any], *, is_oci: bool) -> Manifest | Failure:
    pointer = fields.child(document, "config")
    if pointer is None:
        raise fields.MalformedError("the manifest has no config")
    config = _descriptor(pointer)
    is_odd = config.media_type not in media_types.CONFIGS
    if is_odd and not (is_oci and media_types.is_unknown(config.media_type)):
        return Failure(Reason.IMAGE_NOT_AN_IMAGE, f"its config is {config.media_type}")
    described = fields.objects(document, "layers")
    if len(described) > MAX_LAYERS:
        return Failure(Reason.IMAGE_TOO_COMPLEX, f"the manifest has {len(described)} layers, more than {MAX_LAYERS}")
    layers = tuple(_layer(entry) for entry in described)
    if (
        sum(len(key) + len(value) for layer in layers for key, value in layer.annotations.items())
        > MAX_ANNOTATION_CHARS
    ):
        return Failure(
            Reason.IMAGE_TOO_COMPLEX, f"its layers carry more than {MAX_ANNOTATION_CHARS} characters of notes"
        )
    if program := next((layer.media_type for layer in layers if "wasm" in layer.media_type.lower()), ""):
        return Failure(
            Reason.IMAGE_NOT_AN_IMAGE, f"its layer is {program}, which only a runtime for WebAssembly starts"
        )
    is_artifact = bool(is_odd or layers) and not any(media_types.is_layer(layer.media_type) for layer in layers)
    return Manifest(config, layers, tuple(_to_types(config, layers, is_oci=is_oci)), is_artifact)


def _to_types(config: Descriptor, layers: tuple[Layer, ...], *, is_oci: bool) -> Iterator[Objection]:
    """What engines may refuse the media types of a manifest's parts for."""
    odd = next((layer.media_type for layer in layers if media_types.is_unknown(layer.media_type)), None)
    loose = next((layer.media_type for layer in layers if not media_types.is_layer(layer.media_type)), None)
    if config.media_type not in media_types.CONFIGS:
        yield _objection(Condition.CONFIG_TYPE_ODD, f"it is no image: its config is of the type {config.media_type}")
    elif is_oci and config.media_type == media_types.DOCKER_CONFIG:
        why = f"an OCI manifest has a config of the type {config.media_type}"
        yield _objection(Condition.CONFIG_TYPE_MIXED, why)
    if odd is not None:
        yield _objection(Condition.LAYER_TYPE_ODD, f"a layer is of the type {odd}, which is no image's")
    elif loose is not None:
        why = f"a layer is of the type {loose}" if loose else "a layer is of no type"
        yield _objection(Condition.LAYER_TYPE_LOOSE, why)


def _objection(condition: Condition, why: str) -> Objection:
    return Objection(condition, Failure(Reason.IMAGE_REFUSED, why))


def _layer(entry: Mapping[str, Any]) -> Layer:
    found = _descriptor(entry, typed=False)
    foreign = media_types.is_foreign(found.media_type) or bool(fields.texts(entry, "urls"))
    return Layer(found.digest, found.media_type, found.size, found.annotations, foreign)


def _descriptor(entry: Mapping[str, Any], *, typed: bool = True) -> Descriptor:
    refuse_twins(entry, _DESCRIPTOR_KEYS)
    media_type = fields.word(entry, "mediaType")
    if typed and not media_type:
        raise fields.MalformedError("a descriptor has no mediaType")
    return Descriptor(
        digest=fields.digest(entry),
        media_type=media_type,
        size=fields.size(entry),
        platform=_platform(fields.child(entry, "platform")),
        annotations=fields.text_map(entry, "annotations"),
        inline=_inline(entry),
        has_urls=bool(fields.texts(entry, "urls")),
    )


def _platform(entry: Mapping[str, Any] | None) -> Platform | None:
    """What the entry says, half a platform as it stands: engines make of that something else than of none at all."""
    if entry is None:
        return None
    refuse_twins(entry, _PLATFORM_KEYS)
    return fields.platform(entry)


def _inline(entry: Mapping[str, Any]) -> bytes | None:
    encoded = fields.text(entry, "data")
    if not encoded:
        return None
    if len(encoded) > MAX_DATA_CHARS:
        raise fields.MalformedError(f"data is longer than {MAX_DATA_CHARS} characters")
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise fields.MalformedError("data is not base64") from error
