"""Kinds of images by the documents that lead to them: indexes, manifests, labels that lie."""

from __future__ import annotations

from typing import Any

from tests.real.elf import executable
from tests.real.images import DOCKER, Image, Index
from tests.system.truth.build import Kind, amended, indexed, plain
from tests.system.truth.programs import FOREIGN, NATIVE, SAYS

AMD64 = {"os": "linux", "architecture": "amd64"}
ARM64 = {"os": "linux", "architecture": "arm64"}


def right(**more: Any) -> Image:
    """An honest image for this machine."""
    return plain({"app": NATIVE}, **more)


def foreign(architecture: str = "arm64", **more: Any) -> Image:
    """An honest image for another machine."""
    return plain({"app": executable(architecture, SAYS)}, architecture=architecture, **more)


def _labelled(**platform: str) -> Index:
    return indexed(right(), platforms=[{"os": "linux", **platform}])


def _attested() -> Index:
    """What BuildKit pushes: each image with an attestation beside it."""

    def mark(content: dict[str, Any]) -> None:
        content["manifests"][1]["annotations"] = {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": content["manifests"][0]["digest"],
        }

    proof = plain({"proof.json": b"{}"}, argv=None, architecture="unknown", os="unknown")
    return amended(indexed(right(), proof), mark)


def _nested(inner: Index, *beside: Image) -> Index:
    """An index within an index; the inner one is pushed as if it were an image."""
    as_image = Image(inner.manifest, inner.images[0].config, inner.images[0].layers, inner.images[0].platform)
    outer = indexed(as_image, *beside, platforms=[AMD64, *(image.platform for image in beside)])
    return Index(outer.manifest, (*inner.images, as_image, *beside))


def _emptied() -> Index:
    return amended(indexed(right()), lambda content: content.update(manifests=[]))


def _variants(*names: str) -> Index:
    return indexed(*(foreign("arm", variant=name) for name in names), foreign("arm64"))


KINDS = (
    Kind("index-oci", lambda: indexed(foreign(), right()), "native"),
    Kind("index-docker", lambda: indexed(foreign(types=DOCKER), right(types=DOCKER), types=DOCKER), "native"),
    Kind("index-of-one", lambda: indexed(right()), "native"),
    Kind("index-without-us", lambda: indexed(foreign("s390x"), foreign("riscv64")), "platform_missing"),
    Kind("index-docker-without-us", lambda: indexed(foreign(types=DOCKER), types=DOCKER), "platform_missing"),
    Kind("index-of-arm-variants", lambda: _variants("v5", "v6", "v7"), "platform_missing"),
    Kind("index-with-attestation", _attested, "native"),
    Kind("index-of-windows", lambda: indexed(right(os="windows")), "platform_missing"),
    Kind("index-with-windows", lambda: indexed(right(os="windows"), right()), "native"),
    Kind("index-empty", _emptied, "image_refused"),
    Kind("index-nested", lambda: _nested(indexed(right())), "image_refused"),
    Kind("entry-without-platform", lambda: indexed(right(), platforms=[None]), "platform_missing", podman="native"),
    Kind("entry-lies-config-honest", lambda: indexed(foreign(), platforms=[AMD64]), "wrong_platform"),
    Kind("entry-right-config-lies", lambda: indexed(right(architecture="arm64"), platforms=[AMD64]), "config_disagrees"),
    Kind("entry-and-config-lie", lambda: indexed(plain({"app": FOREIGN})), "wrong_binary"),
    Kind("entry-hides-us", lambda: indexed(right(), platforms=[ARM64]), "platform_missing"),
    Kind("entry-twice", lambda: indexed(right(), plain({"app": FOREIGN}), platforms=[AMD64, AMD64]), "native"),
    Kind("entry-twice-wrong-first", lambda: indexed(plain({"app": FOREIGN}), right(), platforms=[AMD64, AMD64]), "wrong_binary"),
    Kind("entry-x86_64", lambda: _labelled(architecture="x86_64"), "native", podman="platform_missing"),
    Kind("entry-upper-case", lambda: indexed(right(), platforms=[{"os": "linux", "architecture": "AMD64"}]), "native", podman="platform_missing"),
    Kind("entry-amd64-v1", lambda: _labelled(architecture="amd64", variant="v1"), "native", podman="platform_missing"),
    Kind("entry-amd64-v2", lambda: _labelled(architecture="amd64", variant="v2"), "platform_missing"),
    Kind("entry-amd64-v3", lambda: _labelled(architecture="amd64", variant="v3"), "platform_missing"),
    Kind("entries-v2-and-plain", lambda: indexed(plain({"app": FOREIGN}), right(), platforms=[{**AMD64, "variant": "v2"}, AMD64]), "native"),
    Kind("entry-386", lambda: indexed(foreign("386")), "platform_missing"),
    Kind("entries-386-and-amd64", lambda: indexed(foreign("386"), right()), "native"),
    Kind("manifest-oci", right, "native"),
    Kind("manifest-docker", lambda: right(types=DOCKER), "native"),
    Kind("manifest-arm64", foreign, "wrong_platform"),
    Kind("manifest-arm-v7", lambda: foreign("arm", variant="v7"), "wrong_platform"),
    Kind("manifest-s390x", lambda: foreign("s390x"), "wrong_platform"),
    Kind("manifest-386", lambda: foreign("386"), "native"),
    Kind("manifest-says-arm64", lambda: right(architecture="arm64"), "mislabelled"),
    Kind("manifest-says-amd64", lambda: plain({"app": FOREIGN}), "wrong_binary"),
    Kind("manifest-says-386", lambda: right(architecture="386"), "mislabelled"),
    Kind("manifest-x86_64", lambda: right(architecture="x86_64"), "native"),
    Kind("manifest-upper-case", lambda: right(architecture="AMD64"), "native"),
    Kind("manifest-without-architecture", lambda: right(architecture=""), "config_disagrees"),
    Kind("manifest-odd-architecture", lambda: right(architecture="x64"), "native"),
)  # fmt: skip
