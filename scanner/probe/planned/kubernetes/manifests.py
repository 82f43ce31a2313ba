"""Containers of Kubernetes manifests."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Since, Source
from scanner.probe.planned import manifest_files
from scanner.probe.planned.kubernetes import counted_elsewhere, kinds, operated, pods
from scanner.probe.planned.plans import Plans, UnclearError, gap

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from scanner.probe.planned.kubernetes.counted_elsewhere import Counted
    from scanner.probe.planned.kubernetes.pod_environment import Maps

MAX_LISTS = 5
"""A List within Lists."""


PLAYED: Mapping[str, tuple[int, int]] = {
    "Pod": (0, 0), "Deployment": (0, 0), "DaemonSet": (4, 7), "List": (4, 7), "Job": (5, 3),
}  # fmt: skip
"""Kinds that Podman plays, since which version: it passes the others over, and refuses a file without any (its play.go)."""


@dataclass(frozen=True, slots=True)
class Around:
    """What other objects say: the ConfigMaps that variables are taken from, whose pods are counted elsewhere."""

    maps: Maps
    counted: Counted


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
    beside = around(files.values())
    for path, documents in files.items():
        found += of_documents(path, documents, beside, source)
    return found


def of_documents(path: str, documents: list[Any], beside: Around, source: Source = Source.KUBERNETES) -> Plans:
    """What the documents of one file plan, with what the objects ``beside`` say of them."""
    found = Plans()
    try:
        objects = [(one, one is not document) for document in documents for one in _listed(document, 0)]
    except UnclearError as error:
        return gap(path, error)
    for one, is_listed in objects:
        made = _object(path, one, source, beside)
        if source is not Source.KUBERNETES and made.planned:
            made = _played(made, "List" if is_listed else "", one["kind"])
        found += made
    return found


def _played(made: Plans, *kinds_of_it: str) -> Plans:
    """Plans of what Podman plays, with the version that first did."""
    version, kind = max((PLAYED.get(kind, (0, 0)), kind) for kind in kinds_of_it)
    since = Since(version, f"a {kind} that Podman plays") if version > (0, 0) else None
    return Plans(tuple(replace(plan, since=since) for plan in made.planned), made.gaps)


def around(files: Iterable[list[Any]]) -> Around:
    """What the objects of all files say of each other."""
    objects = [one for documents in files for document in documents for one in _objects(document)]
    return Around(config_maps(objects), counted_elsewhere.counted(objects))


def _objects(document: Any) -> list[Any]:
    try:
        return list(_listed(document, 0))
    except UnclearError:
        return []  # told where it is read


def config_maps(objects: Iterable[Any]) -> Maps:
    """The data of the ConfigMaps among objects, by namespace and name."""
    found: Maps = {}
    for one in objects:
        if isinstance(one, dict) and one.get("kind") == "ConfigMap" and isinstance(one.get("data"), dict):
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


def _object(path: str, value: Any, source: Source, beside: Around) -> Plans:
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
        pod = _pod(body, kind, beside.counted, is_played=source is not Source.KUBERNETES)
    except UnclearError as error:
        return gap(f"{path}: {name}", error)
    return pods.plans(pods.Pod(path, name, namespace, pod, beside.maps, source)) if pod else Plans()


def _pod(body: Mapping[Any, Any], kind: str, counted: Counted, *, is_played: bool) -> Mapping[Any, Any] | None:
    """The pod that is to run, none where there is none; ``is_played`` by Podman, instead of a cluster.

    Raises:
        UnclearError: nobody here knows such a kind, which may start containers, or its pods are another object's; Podman
            passes it over, or some of its versions do.
    """
    pod = kinds.pod_of(body, kind)
    if pod is None and (of := counted_elsewhere.workload_of(body)) and of not in counted.there:
        raise UnclearError(f"its pods are those of the {of[1]} {of[2]}, which is not there")
    if pod is None and kinds.holds_something_like_a_container(body):
        raise UnclearError(f"objects of the kind {kind} may start containers, which are not read here")
    if pod is None and operated.is_operated(kind, kinds.group_of(body)):
        raise UnclearError(f"for an object of the kind {kind} its operator starts containers, whose images it chooses")
    if pod is None:
        return None
    if is_played and kind not in PLAYED:
        raise UnclearError(f"Podman plays no object of the kind {kind}")
    is_none = kinds.is_scaled_to_zero(body, kind) and counted_elsewhere.named(body, kind) not in counted.started
    if is_none and is_played:
        raise UnclearError(f"some versions of Podman start a {kind} that asks for no pods, others do not")
    if is_none:
        return None
    if pod is not None and not pod.get("containers"):
        raise UnclearError("a pod without containers, which Kubernetes refuses")
    return pod


def _name(body: Mapping[Any, Any], kind: str) -> tuple[str, str]:
    metadata = manifest_files.mapping(body.get("metadata"), "metadata")
    namespace = str(metadata.get("namespace") or "default")
    return f"{namespace}/{metadata.get('name') or metadata.get('generateName') or kind}", namespace
