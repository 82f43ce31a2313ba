"""Kinds of references that lead to no image, or to one with parts that are none: charts, signatures, attestations, models."""

from __future__ import annotations

import gzip
import json
from typing import Any

from tests.real.images import AUTHOR, DOCKER, OCI, Document, Image, Index, digest_of, tar_of
from tests.system.truth.build import Kind, amended, indexed, plain
from tests.system.truth.documents import nested
from tests.system.truth.forms import AMD64, ARM64, foreign, right
from tests.system.truth.programs import FOREIGN, NATIVE

EMPTY = "application/vnd.oci.empty.v1+json"
HELM = "application/vnd.cncf.helm.config.v1+json"
CHART = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
COSIGN = "application/vnd.dev.cosign.simplesigning.v1+json"
ODD = "application/vnd.example.thing"
UNKNOWN = {"os": "unknown", "architecture": "unknown"}


def _said(words: str) -> bytes:
    """Bytes of this kind's own: an engine does not ask twice for what it has."""
    return f"{words} of {AUTHOR.get()}".encode()


def _files() -> bytes:
    return tar_of({"app": NATIVE, "own": _said("a file")})


def _artifact(
    config_type: str, config: dict[str, Any], *layers: tuple[str, bytes], form: str = OCI["manifest"], **more: object
) -> Image:
    """A manifest of parts with these types."""
    pointed = Document(config_type, json.dumps(config).encode())
    blobs = tuple(Document(*layer) for layer in layers)
    parts = {"config": pointed.descriptor, "layers": [blob.descriptor for blob in blobs]}
    manifest = {"schemaVersion": 2, "mediaType": form, **parts, **more}
    return Image(Document(form, json.dumps(manifest).encode()), pointed, blobs, AMD64)


def _of_layers(*layers: tuple[str, bytes], config_type: str = OCI["config"], **more: Any) -> Image:
    """One whose config is an image's, and lists these layers, each given as it is unpacked."""
    rootfs = {"type": "layers", "diff_ids": [digest_of(body) for _, body in layers]}
    config = {**AMD64, "author": AUTHOR.get(), "config": {"Entrypoint": ["/app"]}, "rootfs": rootfs}
    packed = [(kind, gzip.compress(body, mtime=0) if "gzip" in kind else body) for kind, body in layers]
    return _artifact(config_type, config, *packed, **more)


def _chart() -> Image:
    about = {"name": "app", "version": "1.0.0", "apiVersion": "v2", "description": AUTHOR.get()}
    return _artifact(HELM, about, (CHART, gzip.compress(tar_of({"app/Chart.yaml": b"name: app\n"}), mtime=0)))


def _thing() -> Image:
    return _artifact(EMPTY, {}, ("text/plain", _said("a text")), artifactType=ODD)


def _own() -> Image:
    return plain({"app": NATIVE, "own": _said("a file")})


def _own_foreign() -> Image:
    return plain({"app": FOREIGN, "own": _said("a file")})


def _attesting(index: Index) -> Index:
    """The index, its first entry marked as BuildKit marks an attestation."""
    marks = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": "sha256:" + "0" * 64}
    return amended(index, lambda content: content["manifests"][0].update(annotations=marks))


def _typed(index: Index, **first: str) -> Index:
    return amended(index, lambda content: content["manifests"][0].update(first))


def _without_images(*beside: Image) -> Index:
    """An index that holds one for this platform in which there is nothing."""
    empty = indexed(_own())
    return nested(amended(empty, lambda content: content.update(manifests=[])), AMD64, *beside)


KINDS = (
    Kind("artifact-chart", _chart, "image_refused"),
    Kind("artifact-signature", lambda: _of_layers((COSIGN, _said("{}"))), "image_refused", podman="layer_unreadable"),
    Kind("artifact-of-a-text", _thing, "image_refused"),
    Kind("artifact-without-layers", lambda: _artifact(ODD, {"a": AUTHOR.get()}, artifactType=ODD), "image_refused"),
    Kind("artifact-wasm", lambda: _artifact("application/vnd.wasm.config.v0+json", {}, ("application/wasm", b"\0asm\1\0\0\0")), "image_not_an_image"),
    Kind("artifact-plugin-of-docker", lambda: _of_layers((DOCKER["layer"], _files()), config_type="application/vnd.docker.plugin.v1+json", form=DOCKER["manifest"]), "image_not_an_image"),
    Kind("layer-of-an-odd-type-above", lambda: _of_layers((OCI["layer"], _files()), ("application/vnd.example.tar+gzip", tar_of({"x": _said("x")}))), "image_refused", podman="native"),
    Kind("layer-of-text-above", lambda: _of_layers((OCI["layer"], _files()), ("text/plain", _said("a text"))), "image_refused", podman="layer_unreadable"),
    Kind("index-of-an-attestation", lambda: _attesting(indexed(_of_layers((COSIGN, _said("{}"))), platforms=[UNKNOWN])), "image_refused"),
    Kind("index-half-unknown", lambda: indexed(_own(), platforms=[{"os": "linux", "architecture": "unknown"}]), "image_refused"),
    Kind("index-of-artifacts", lambda: indexed(_thing(), _chart(), platforms=[None, None]), "image_not_an_image"),
    Kind("index-artifact-before-us", lambda: indexed(_chart(), right(), platforms=[None, AMD64]), "native"),
    Kind("index-attestation-for-us", lambda: _attesting(indexed(_own(), foreign(), platforms=[AMD64, ARM64])), "native"),
    Kind("index-entry-of-an-odd-type", lambda: _typed(indexed(_own()), mediaType=ODD), "image_not_an_image"),
    Kind("index-entry-of-an-odd-type-before-us", lambda: _typed(indexed(_own_foreign(), _own(), platforms=[AMD64, AMD64]), mediaType=ODD), "image_not_an_image"),
    Kind("nested-without-images", _without_images),
    Kind("nested-without-images-before-us", lambda: _without_images(_own()), "image_refused"),
)  # fmt: skip
