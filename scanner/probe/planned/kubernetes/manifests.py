"""Containers of Kubernetes manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Source
from scanner.probe.planned import manifest_files
from scanner.probe.planned.kubernetes import kinds, pods
from scanner.probe.planned.plans import Plans, UnclearError, gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.probe.planned.kubernetes.pod_environment import Maps

MAX_LISTS = 5
"""A List within Lists."""


def plans(texts: Mapping[str, bytes], source: Source = Source.KUBERNETES) -> Plans:
    """What manifests plan, named ``namespace/object/container``; objects without containers plan nothing.

    An object that cannot be understood is a gap of its own, a file that is no YAML one as a whole.
    """
    found = Plans()
    rules = manifest_files.KUBERNETES if source is Source.KUBERNETES else manifest_files.PODMAN
    files: dict[str, list[Any]] = {}
    for path, raw in texts.items():
        try:
            files[path] = manifest_files.documents(raw, rules)
        except UnclearError as error:
            found += gap(path, error)
    maps = config_maps(files.values())
    for path, documents in files.items():
        found += of_documents(path, documents, maps, source)
    return found


def of_documents(path: str, documents: list[Any], maps: Maps, source: Source = Source.KUBERNETES) -> Plans:
    """What the documents of one file plan, variables taken from these ConfigMaps."""
    try:
        objects = [one for document in documents for one in _listed(document, 0)]
    except UnclearError as error:
        return gap(path, error)
    found = Plans()
    for one in objects:
        found += _object(path, one, source, maps)
    return found


def config_maps(files: Iterable[list[Any]]) -> Maps:
    """The data of the ConfigMaps that files hold, by namespace and name."""
    found: Maps = {}
    for documents in files:
        for one in documents:
            if (
                isinstance(one, dict)
                and one.get("kind") == "ConfigMap"
                and one.get("data")
                and isinstance(one["data"], dict)
            ):
                metadata = one.get("metadata")
                about = metadata if isinstance(metadata, dict) else {}
                found[str(about.get("namespace") or "default"), str(about.get("name"))] = one["data"]
    return found


def _listed(value: Any, depth: int) -> Iterator[Any]:
    """An object, or those of a List (``DeploymentList``): an item takes its kind from it, where it says none."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or not kind.endswith("List") or "items" not in value or depth >= MAX_LISTS:
        if value is not None:
            yield value
        return
    for item in manifest_files.sequence(value.get("items"), "items"):
        if isinstance(item, dict) and kind != "List":
            item = {"apiVersion": value.get("apiVersion"), "kind": kind.removesuffix("List"), **item}  # noqa: PLW2901 -- the same item, completed
        yield from _listed(item, depth + 1)


def _object(path: str, value: Any, source: Source, maps: Maps) -> Plans:
    try:
        body = manifest_files.mapping(value, "an object")
        kind = body.get("kind")
        if not isinstance(kind, str):
            return Plans()
        if why := kinds.rendered_elsewhere(body):
            return gap(path, why)
        if kinds.starts_nothing(kind, kinds.group_of(body)):
            return Plans()
        name, namespace = _name(body, kind)
    except UnclearError as error:
        return gap(path, error)
    try:
        pod = _pod(body, kind)
    except UnclearError as error:
        return gap(f"{path}: {name}", error)
    return pods.plans(pods.Pod(path, name, namespace, pod, maps, source)) if pod else Plans()


def _pod(body: Mapping[Any, Any], kind: str) -> Mapping[Any, Any] | None:
    """The pod that is to run, none where there is none.

    Raises:
        UnclearError: nobody here knows such a kind, which may start containers.
    """
    pod = kinds.pod_of(body, kind)
    if pod is None and kinds.holds_something_like_a_container(body):
        raise UnclearError(f"objects of the kind {kind} may start containers, which are not read here")
    return None if kinds.is_scaled_to_zero(body, kind) else pod


def _name(body: Mapping[Any, Any], kind: str) -> tuple[str, str]:
    metadata = manifest_files.mapping(body.get("metadata"), "metadata")
    namespace = str(metadata.get("namespace") or "default")
    return f"{namespace}/{metadata.get('name') or metadata.get('generateName') or kind}", namespace
