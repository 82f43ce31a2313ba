"""Why an engine cannot pull, or make a container of, an offer that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.domain.facts import EngineKind, ImageStore
from scanner.domain.failure import Failure
from scanner.domain.image.selection import is_before_ladder, version_of
from scanner.domain.platform.platform import Platform, canonical
from scanner.domain.verdict.engine_rules import refuses
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scanner.domain.facts import Engine
    from scanner.domain.image.offers import ImageFacts, Offer

LAST_FLAT_STORE = (26, 1)
"""The newest Docker whose containerd store was seen to refuse an index within an index, and an entry without platform
that stands beside others; 28.5 takes both."""

MAX_CLASSIC_LAYERS = 125
"""Layers that Docker's classic store puts on each other (maxLayerDepth in moby's layer/layer_store.go)."""

FIRST_COUNTING_PODMAN = (5, 4)
LAST_LENIENT_PODMAN = (4, 3)
"""Podman was seen to unpack layers that the config does not list, then to refuse them; in between nobody looked."""

_DOCKER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"
_FIRST_WITH_DOCKER_ZSTD = {EngineKind.DOCKER: (28, 5), EngineKind.CONTAINERD: (2, 1)}
_LAST_WITHOUT_DOCKER_ZSTD = {EngineKind.DOCKER: (26, 1), EngineKind.CONTAINERD: (1, 7)}


def refusal(engine: Engine, offer: Offer, image: ImageFacts) -> Failure | None:
    """What stands in the way: ``image_refused``, or an unknown reason where it was not seen what this engine does.

    Docker's classic store takes no config of another system; none of Docker and containerd takes a config that lists
    another number of layers than the manifest. Seen from 20.10 to 28.5.
    """
    named = f"{engine.key} {engine.version}".strip()
    answers = [(objection.failure, refuses(engine, objection.condition)) for objection in offer.objections]
    for failure, answer in answers:
        if answer:
            return failure
    certain = (*_by_config(engine, offer), *_by_index(engine, offer, image), *_by_layers(engine, offer))
    if certain:
        return Failure(Reason.IMAGE_REFUSED, f"{named} {certain[0]}")
    doubts = [failure.detail for failure, answer in answers if answer is None]
    doubts += _doubts(engine, offer)
    return Failure(Reason.ENGINE_UNKNOWN, f"{doubts[0]}; whether {named} takes it was not seen") if doubts else None


def _by_config(engine: Engine, offer: Offer) -> Iterator[str]:
    os = offer.config.os if isinstance(offer.config, Platform) else ""
    read = os if _is_old_docker(engine) else os.lower()
    if engine.store is ImageStore.CLASSIC and engine.platform and read not in {"", engine.platform.os}:
        yield f"takes no image whose config says {os}"
    if offer.diff_ids is None or len(offer.diff_ids) == len(offer.layers):
        return
    told = f"takes no config of {len(offer.diff_ids)} layers for a manifest of {len(offer.layers)}"
    version = version_of(engine.version) or (0, 0)
    counts = engine.kind is EngineKind.PODMAN and version >= FIRST_COUNTING_PODMAN and _is_short(offer)
    if counts or engine.kind in {EngineKind.DOCKER, EngineKind.CONTAINERD}:
        yield told


def _is_short(offer: Offer) -> bool:
    return 0 < len(offer.diff_ids or ()) < len(offer.layers)


def _by_index(engine: Engine, offer: Offer, image: ImageFacts) -> Iterator[str]:
    is_flat = _is_flat_store(engine)
    if offer.nested and (_is_old_docker(engine) or engine.store is ImageStore.PODMAN or is_flat):
        yield "does not read an index within an index"
    if image.is_index and offer.entry is None and len(image.offers) > 1 and is_flat:
        yield "does not find an entry without platform that stands beside others"
    of_386 = offer.entry is not None and canonical(offer.entry).architecture == "386"
    is_amd64 = engine.platform is not None and canonical(engine.platform).architecture == "amd64"
    if engine.kind is EngineKind.CONTAINERD and image.is_index and of_386 and is_amd64:
        yield "pulls no index entry for 386"
    if _is_old_docker(engine) and offer.entry is not None and offer.entry.os != offer.entry.os.lower():
        yield f"ends with a panic where an index says {offer.entry.os}"


def _by_layers(engine: Engine, offer: Offer) -> Iterator[str]:
    if engine.store is ImageStore.CLASSIC and len(offer.layers) > MAX_CLASSIC_LAYERS:
        yield f"puts no more than {MAX_CLASSIC_LAYERS} layers on each other, and the image has {len(offer.layers)}"
    last = _LAST_WITHOUT_DOCKER_ZSTD.get(engine.kind)
    version = version_of(engine.version)
    if _keeps_as_containerd(engine) and _has_docker_zstd(offer) and last and version and version <= last:
        yield f"knows no layers of the type {_DOCKER_ZSTD}"


def _doubts(engine: Engine, offer: Offer) -> Iterator[str]:
    version = version_of(engine.version)
    if _is_old_docker(engine) and any(layer.media_type.endswith("+zstd") for layer in offer.layers):
        yield "a layer says that it is compressed by zstd"
    first = _FIRST_WITH_DOCKER_ZSTD.get(engine.kind)
    if _keeps_as_containerd(engine) and _has_docker_zstd(offer) and not (first and version and version >= first):
        yield f"a layer is of the type {_DOCKER_ZSTD}"
    if engine.kind is EngineKind.PODMAN and _is_short(offer) and not (version and version <= LAST_LENIENT_PODMAN):
        yield f"the config lists {len(offer.diff_ids or ())} layers, the manifest {len(offer.layers)}"


def _has_docker_zstd(offer: Offer) -> bool:
    return any(layer.media_type == _DOCKER_ZSTD for layer in offer.layers)


def _keeps_as_containerd(engine: Engine) -> bool:
    return engine.kind is EngineKind.CONTAINERD or engine.store is ImageStore.CONTAINERD


def _is_old_docker(engine: Engine) -> bool:
    return engine.store is ImageStore.CLASSIC and is_before_ladder(engine)


def _is_flat_store(engine: Engine) -> bool:
    """Whether this is an older Docker with a containerd store."""
    version = version_of(engine.version)
    is_docker_s = engine.kind is EngineKind.DOCKER and engine.store is ImageStore.CONTAINERD
    return is_docker_s and version is not None and version <= LAST_FLAT_STORE
