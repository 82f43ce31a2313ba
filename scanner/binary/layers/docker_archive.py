"""Which documents of a saved archive make up the image that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Process
from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_INDEX_DEPTH = 3
"""Indexes inside indexes that are followed."""


@dataclass(frozen=True, slots=True)
class SavedImage:
    """The names of an image's layers inside the archive, bottom first, and what its config says will be exec'd."""

    layers: tuple[str, ...]
    process: Process


def find(documents: Mapping[str, Any], image_id: str) -> SavedImage | Failure:
    """The image of this ID, or the only one; total over whatever JSON there is."""
    manifests = documents.get("manifest.json")
    if isinstance(manifests, list):
        return _of_docker_archive(documents, manifests, image_id)
    if isinstance(documents.get("index.json"), dict):
        return _of_oci_layout(documents, image_id)
    return Failure(Reason.IMAGE_MALFORMED, "the archive has neither manifest.json nor index.json")


def _of_docker_archive(documents: Mapping[str, Any], manifests: list[Any], image_id: str) -> SavedImage | Failure:
    candidates = [m for m in manifests if isinstance(m, dict)]
    chosen = _only([m for m in candidates if _is_called(m, image_id)] or candidates)
    if chosen is None:
        return _ambiguous(len(candidates))
    layers = chosen.get("Layers")
    if not isinstance(layers, list) or not all(isinstance(layer, str) for layer in layers):
        return Failure(Reason.IMAGE_MALFORMED, "manifest.json names no layers")
    return _saved(tuple(layers), documents.get(str(chosen.get("Config"))))


def _is_called(manifest: dict[str, Any], image_id: str) -> bool:
    hexadecimal = image_id.removeprefix("sha256:")
    return len(hexadecimal) >= 12 and hexadecimal in str(manifest.get("Config"))  # noqa: PLR2004 - a short image ID


def _of_oci_layout(documents: Mapping[str, Any], image_id: str) -> SavedImage | Failure:
    found = _manifests(documents, documents["index.json"], image_id, 0)
    manifest = _only(found)
    if manifest is None:
        return _ambiguous(len(found))
    layers = tuple(_blob(layer) for layer in manifest["layers"])
    return _saved(layers, documents.get(_blob(manifest.get("config"))))


def _manifests(documents: Mapping[str, Any], index: dict[str, Any], image_id: str, depth: int) -> list[dict[str, Any]]:
    """The image manifests below an index that the archive holds, attestations left out."""
    entries = index.get("manifests")
    if not isinstance(entries, list) or depth > MAX_INDEX_DEPTH:
        return []
    named = [entry for entry in entries if isinstance(entry, dict)]
    if depth == 0:
        named = [entry for entry in named if entry.get("digest") == image_id] or named
    found: list[dict[str, Any]] = []
    for entry in named:
        document = documents.get(_blob(entry))
        if not isinstance(document, dict) or _is_attestation(entry):
            continue
        if isinstance(document.get("layers"), list):
            found.append(document)
        else:
            found += _manifests(documents, document, image_id, depth + 1)
    return found


def _is_attestation(entry: dict[str, Any]) -> bool:
    annotations, platform = entry.get("annotations"), entry.get("platform")
    marked = isinstance(annotations, dict) and "vnd.docker.reference.type" in annotations
    return marked or (isinstance(platform, dict) and platform.get("architecture") == "unknown")


def _blob(descriptor: Any) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    return "blobs/" + digest.replace(":", "/", 1) if isinstance(digest, str) else ""


def _only(found: list[dict[str, Any]]) -> dict[str, Any] | None:
    return found[0] if len(found) == 1 else None


def _ambiguous(count: int) -> Failure:
    if not count:
        return Failure(Reason.IMAGE_NOT_FOUND, "the archive holds no image")
    return Failure(Reason.IMAGE_AMBIGUOUS, f"the archive holds {count} images and none of them bears the asked name")


def _saved(layers: tuple[str, ...], config: Any) -> SavedImage | Failure:
    said = config.get("config") if isinstance(config, dict) else None
    if not isinstance(config, dict) or not (said is None or isinstance(said, dict)):
        return Failure(Reason.IMAGE_MALFORMED, "the archive holds no config for the image")
    return SavedImage(layers, process_of(said or {}))


def process_of(said: dict[str, Any]) -> Process:
    """What a config's ``config`` object says will be exec'd."""
    words = _words(said.get("Env")) or ()
    path = next((word.removeprefix("PATH=") for word in reversed(words) if word.startswith("PATH=")), None)
    directory, user, volumes = said.get("WorkingDir"), said.get("User"), said.get("Volumes")
    env = tuple((name, value) for name, _, value in (each.partition("=") for each in words if each))
    return Process(
        entrypoint=_words(said.get("Entrypoint")),
        cmd=_words(said.get("Cmd")),
        path=path,
        working_dir=directory if isinstance(directory, str) else None,
        env=env,
        user=user if isinstance(user, str) else "",
        volumes=tuple(sorted(map(str, volumes))) if isinstance(volumes, dict) else (),
        nameless_env=tuple(word for word in words if "=" not in word),
    )


def _words(value: Any) -> tuple[str, ...] | None:
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else None
