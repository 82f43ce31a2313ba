"""The media types that a registry may serve for an image."""

from __future__ import annotations

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"

INDEXES = frozenset({OCI_INDEX, DOCKER_LIST})
MANIFESTS = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
CONFIGS = frozenset({OCI_CONFIG, DOCKER_CONFIG})
SCHEMA1 = frozenset({
    "application/vnd.docker.distribution.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
})  # fmt: skip

ACCEPT = f"{OCI_INDEX}, {DOCKER_LIST}, {OCI_MANIFEST}, {DOCKER_MANIFEST}"
"""All four: a registry that is offered fewer converts to schema 1 or answers 404."""

GENERIC = frozenset({"", "application/json", "application/octet-stream", "text/plain", "binary/octet-stream"})
"""What servers say that know nothing of manifests (object storage, ECR): it proves nothing and contradicts nothing."""

_LAYER_PREFIXES = (
    "application/vnd.oci.image.layer.",
    "application/vnd.docker.image.rootfs.",
)
_OF_IMAGES = ("application/vnd.oci.image", "application/vnd.docker")
"""How the types begin that Docker's classic store asks nothing more of (moby distribution/pull_v2.go)."""
_FOREIGN_MARKS = (".nondistributable.", ".rootfs.foreign.")


def plain(content_type: str) -> str:
    """The type of a Content-Type header, without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_layer(media_type: str) -> bool:
    """Whether this is a file system layer that engines unpack."""
    return media_type.startswith(_LAYER_PREFIXES)


def is_unknown(media_type: str) -> bool:
    """Whether this is the type of no image's part, to the most lenient of those that ask."""
    return media_type not in {"", "application/octet-stream"} and not media_type.lower().startswith(_OF_IMAGES)


def is_foreign(media_type: str) -> bool:
    """Whether the layer is meant to be fetched from elsewhere; that we never do (CVE-2020-15157)."""
    return any(mark in media_type for mark in _FOREIGN_MARKS)
