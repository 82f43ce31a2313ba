"""Kinds of images by odd documents: platforms as nobody should write them, configs that say too little or too much."""

from __future__ import annotations

import json
from typing import Any

from tests.real.elf import executable
from tests.real.images import DOCKER, OCI, Document, Image, ImageFactory, Index
from tests.system.truth.build import Kind, amended, indexed, plain
from tests.system.truth.forms import AMD64, ARM64, foreign, right
from tests.system.truth.programs import FOREIGN, NATIVE, SAYS


def _entry(**platform: Any) -> Index:
    """One entry that says this of itself, before an image that is right."""
    return indexed(right(), platforms=[platform])


def _and_foreign(platform: dict[str, Any], *, first: bool = False) -> Index:
    """An entry that says this beside an honest one for arm64."""
    ours, theirs = right(), foreign()
    return indexed(
        *((theirs, ours) if first else (ours, theirs)), platforms=[ARM64, platform] if first else [platform, ARM64]
    )


def _config(**said: Any) -> Image:
    """An image whose config says this beside, or instead of, what is right."""
    return ImageFactory.image({"app": NATIVE}, entrypoint=["/app"], config=said)


def _without(*names: str, program: bytes = NATIVE) -> Image:
    image = ImageFactory.image({"app": program}, entrypoint=["/app"])
    content = {key: value for key, value in json.loads(image.config.body).items() if key not in names}
    return _reconfigured(image, json.dumps(content).encode())


def _reconfigured(image: Image, body: bytes, media_type: str = OCI["config"]) -> Image:
    config = Document(media_type, body)
    manifest = json.loads(image.manifest.body) | {"config": config.descriptor}
    return Image(
        Document(image.manifest.media_type, json.dumps(manifest).encode()), config, image.layers, image.platform
    )


def _manifest(image: Image, **said: Any) -> Image:
    content = {k: v for k, v in (json.loads(image.manifest.body) | said).items() if v is not None}
    return Image(
        Document(image.manifest.media_type, json.dumps(content).encode()), image.config, image.layers, image.platform
    )


def nested(inner: Index, own: dict[str, Any] | None, *beside: Image) -> Index:
    """An index within an index, whose descriptor says ``own`` of itself."""
    first = inner.images[0]
    as_image = Image(inner.manifest, first.config, first.layers, first.platform)
    outer = indexed(as_image, *beside, platforms=[own, *(image.platform for image in beside)])
    return Index(outer.manifest, (*inner.images, as_image, *beside))


def _other(name: str) -> Image:
    """A right image of its own digest: its name stands in it."""
    return plain({"app": NATIVE, name: b""})


def _instead_of_config(image: Image) -> Image:
    """The registry has another blob in the place of the config."""
    return Image(image.manifest, Document(OCI["config"], b"another"), image.layers, image.platform)


def _386() -> Image:
    return plain({"app": executable("386", SAYS)}, architecture="386")


FEATURES = {"os.features": ["odd"]}

KINDS = (
    Kind("index-386-only", lambda: indexed(_386())),
    Kind("index-i386-only", lambda: indexed(_386(), platforms=[{"os": "linux", "architecture": "i386"}])),
    Kind("index-386-holds-amd64", lambda: _entry(os="linux", architecture="386")),
    Kind("index-i686-only", lambda: indexed(_386(), platforms=[{"os": "linux", "architecture": "i686"}])),
    Kind("index-empty-platform", lambda: amended(indexed(right()), lambda c: c["manifests"][0].update(platform={}))),
    Kind("index-empty-words", lambda: _entry(os="", architecture="")),
    Kind("index-empty-os", lambda: _entry(os="", architecture="amd64")),
    Kind("index-empty-architecture", lambda: _entry(os="linux", architecture="")),
    Kind("index-empty-words-beside-arm64", lambda: _and_foreign({"os": "", "architecture": ""})),
    Kind("index-no-platform-beside-arm64", lambda: indexed(right(), foreign(), platforms=[None, ARM64])),
    Kind("index-no-platform-beside-amd64", lambda: indexed(plain({"app": FOREIGN}), right(), platforms=[None, AMD64])),
    Kind("index-no-platform-foreign", lambda: indexed(foreign(), platforms=[None])),
    Kind("index-two-without-platform", lambda: indexed(foreign(), right(), platforms=[None, None])),
    Kind("index-unknown-unknown-only", lambda: _entry(os="unknown", architecture="unknown")),
    Kind("index-os-windows-config-linux", lambda: _entry(os="windows", architecture="amd64")),
    Kind("index-os-macos", lambda: _entry(os="macos", architecture="amd64")),
    Kind("index-os-features", lambda: _entry(**AMD64, **FEATURES)),
    Kind("index-os-features-empty", lambda: _entry(**AMD64, **{"os.features": []})),
    Kind("index-os-features-beside-plain", lambda: indexed(plain({"app": FOREIGN}), right(), platforms=[{**AMD64, **FEATURES}, AMD64])),
    Kind("index-os-features-behind-plain", lambda: indexed(right(), plain({"app": FOREIGN}), platforms=[AMD64, {**AMD64, **FEATURES}])),
    Kind("index-os-version", lambda: _entry(**AMD64, **{"os.version": "5.10"})),
    Kind("index-features-old", lambda: _entry(**AMD64, features=["sse4"])),
    Kind("index-variant-odd", lambda: _entry(**AMD64, variant="odd")),
    Kind("index-variant-v1-beside-plain", lambda: indexed(plain({"app": FOREIGN}), right(), platforms=[{**AMD64, "variant": "v1"}, AMD64])),
    Kind("index-variant-v2-only", lambda: _entry(**AMD64, variant="v2")),
    Kind("index-variant-v3-only", lambda: _entry(**AMD64, variant="v3")),
    Kind("index-variant-v4-only", lambda: _entry(**AMD64, variant="v4")),
    Kind("index-variant-v3-beside-plain", lambda: indexed(right(), plain({"app": FOREIGN}), platforms=[AMD64, {**AMD64, "variant": "v3"}])),
    Kind("index-variant-v3-right-plain-wrong", lambda: indexed(plain({"app": FOREIGN}), right(), platforms=[AMD64, {**AMD64, "variant": "v3"}])),
    Kind("index-variant-v2-v3-beside-plain", lambda: indexed(plain({"app": FOREIGN}), plain({"app": FOREIGN, "b": b""}), right(), platforms=[AMD64, {**AMD64, "variant": "v2"}, {**AMD64, "variant": "v3"}])),
    Kind("index-x86-64-dash", lambda: _entry(os="linux", architecture="x86-64")),
    Kind("index-amd64-blank", lambda: _entry(os="linux", architecture="amd64 ")),
    Kind("index-x64", lambda: _entry(os="linux", architecture="x64")),
    Kind("index-aarch64-holds-amd64", lambda: _entry(os="linux", architecture="aarch64")),
    Kind("index-arm-only", lambda: indexed(foreign("arm", variant="v7"))),
    Kind("index-platform-null", lambda: amended(indexed(right()), lambda c: c["manifests"][0].update(platform=None))),
    Kind("index-duplicate-entry", lambda: indexed(right(), right()), "native"),
    Kind("index-of-fifty", lambda: indexed(*(plain({"app": FOREIGN, f"f{n}": b""}, architecture=f"a{n}") for n in range(49)), right(), platforms=[*({"os": "linux", "architecture": f"a{n}"} for n in range(49)), AMD64]), "native"),
    Kind("index-attestation-says-amd64", lambda: indexed(plain({"proof.json": b"{}"}, argv=None), right(), platforms=[{"os": "unknown", "architecture": "unknown"}, AMD64]), "native"),
    Kind("index-artifact-first", lambda: amended(indexed(plain({"x": b"x"}, argv=None), right(), platforms=[AMD64, AMD64]), lambda c: c["manifests"][0].update(artifactType="application/spdx+json"))),
    Kind("index-annotated", lambda: amended(indexed(right()), lambda c: c.update(annotations={"a": "b"})), "native"),
    Kind("index-without-media-type", lambda: amended(indexed(right()), lambda c: c.pop("mediaType"))),
    Kind("index-schema-version-missing", lambda: amended(indexed(right()), lambda c: c.pop("schemaVersion"))),
    Kind("index-docker-entry-oci", lambda: indexed(right(), types=DOCKER)),
    Kind("index-oci-entry-docker", lambda: indexed(right(types=DOCKER)), "native"),
    Kind("index-entry-size-wrong", lambda: amended(indexed(right()), lambda c: c["manifests"][0].update(size=1))),
    Kind("index-entry-type-wrong", lambda: amended(indexed(right()), lambda c: c["manifests"][0].update(mediaType=DOCKER["manifest"]))),
    Kind("index-entry-urls", lambda: amended(indexed(right()), lambda c: c["manifests"][0].update(urls=["http://127.0.0.1:9/x"]))),
    Kind("index-entry-with-data", lambda: amended(indexed(right()), lambda c: c["manifests"][0].update(data="e30="))),
    Kind("nested-own-amd64", lambda: nested(indexed(right()), AMD64)),
    Kind("nested-without-own", lambda: nested(indexed(right()), None)),
    Kind("nested-own-arm64", lambda: nested(indexed(right()), ARM64)),
    Kind("nested-own-arm64-beside-right", lambda: nested(indexed(plain({"app": FOREIGN})), ARM64, _other("beside"))),
    Kind("nested-without-own-beside-right", lambda: nested(indexed(plain({"app": FOREIGN})), None, _other("beside"))),
    Kind("nested-foreign-inside", lambda: nested(indexed(foreign()), AMD64)),
    Kind("nested-foreign-inside-beside-right", lambda: nested(indexed(foreign()), AMD64, _other("beside"))),
    Kind("nested-twice", lambda: nested(nested(indexed(right()), AMD64), AMD64)),
    Kind("config-os-windows", lambda: _config(os="windows")),
    Kind("config-os-freebsd", lambda: _config(os="freebsd")),
    Kind("config-os-empty", lambda: _config(os="")),
    Kind("config-os-upper", lambda: _config(os="Linux")),
    Kind("config-os-darwin", lambda: _config(os="darwin")),
    Kind("config-os-missing", lambda: _without("os")),
    Kind("config-architecture-missing", lambda: _without("architecture")),
    Kind("config-architecture-missing-foreign", lambda: _without("architecture", program=FOREIGN)),
    Kind("config-both-missing", lambda: _without("architecture", "os")),
    Kind("config-architecture-null", lambda: _config(architecture=None)),
    Kind("config-architecture-number", lambda: _config(architecture=64)),
    Kind("config-architecture-unknown", lambda: _config(architecture="unknown")),
    Kind("config-architecture-odd", lambda: _config(architecture="quantum")),
    Kind("config-architecture-missing-in-index", lambda: indexed(_without("architecture", "os"), platforms=[AMD64])),
    Kind("config-os-windows-in-index", lambda: indexed(_config(os="windows"), platforms=[AMD64])),
    Kind("config-variant-v3", lambda: _config(variant="v3")),
    Kind("config-variant-v4", lambda: _config(variant="v4")),
    Kind("config-variant-odd", lambda: _config(variant="odd")),
    Kind("config-os-features", lambda: _config(**{"os.features": ["odd"]})),
    Kind("config-os-version", lambda: _config(**{"os.version": "10.0.1"})),
    Kind("config-without-process", lambda: _without("config")),
    Kind("config-process-null", lambda: _config(config=None)),
    Kind("config-container-config", lambda: _reconfigured(right(), json.dumps({**json.loads(_without("config").config.body), "container_config": {"Entrypoint": ["/app"]}}).encode())),
    Kind("config-history-too-long", lambda: _config(history=[{"created_by": "x"}] * 5)),
    Kind("config-history-missing", lambda: _without("history"), "native"),
    Kind("config-created-odd", lambda: _config(created="yesterday")),
    Kind("config-created-zero", lambda: _config(created="0001-01-01T00:00:00Z")),
    Kind("config-empty", lambda: _reconfigured(right(), b"{}")),
    Kind("config-an-array", lambda: _reconfigured(right(), b"[]")),
    Kind("config-text", lambda: _reconfigured(right(), b"no json")),
    Kind("config-keys-lower-case", lambda: _reconfigured(right(), right().config.body.replace(b'"Entrypoint"', b'"entrypoint"').replace(b'"Cmd"', b'"cmd"'))),
    Kind("config-key-twice", lambda: _reconfigured(right(), right().config.body.replace(b'{"architecture":"amd64"', b'{"architecture":"arm64","architecture":"amd64"', 1))),
    Kind("config-of-another-type", lambda: _reconfigured(right(), right().config.body, "application/vnd.odd.config.v1+json")),
    Kind("config-of-docker-type", lambda: _reconfigured(right(), right().config.body, DOCKER["config"])),
    Kind("config-of-helm", lambda: _reconfigured(right(), b'{"name":"chart"}', "application/vnd.cncf.helm.config.v1+json")),
    Kind("config-missing", lambda: _instead_of_config(_other("without-config"))),
    Kind("manifest-missing-in-index", lambda: Index(indexed(_other("missing-in-index")).manifest, (foreign(),))),
    Kind("config-of-one-mb", lambda: _config(comment="x" * 1_000_000)),
    Kind("manifest-artifact", lambda: _manifest(right(), artifactType="application/vnd.odd"), ""),
    Kind("manifest-subject", lambda: _manifest(right(), subject=right().config.descriptor), ""),
    Kind("manifest-without-media-type", lambda: _manifest(right(), mediaType=None)),
    Kind("manifest-annotated", lambda: _manifest(right(), annotations={"a": "b"}), "native"),
    Kind("manifest-layers-null", lambda: _manifest(right(), layers=[])),
    Kind("manifest-says-windows", lambda: right(os="windows")),
    Kind("manifest-says-arm-v7", lambda: right(architecture="arm", variant="v7")),
    Kind("manifest-says-riscv64", lambda: right(architecture="riscv64")),
    Kind("manifest-386-foreign", lambda: plain({"app": FOREIGN}, architecture="386")),
)  # fmt: skip
