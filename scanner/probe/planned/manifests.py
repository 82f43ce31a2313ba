"""Containers of Kubernetes manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Process, Source
from scanner.domain.plan import Plan
from scanner.probe.planned import manifest_files
from scanner.probe.planned.plans import Plans, UnclearError, gap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_LISTS = 5
"""A List within Lists."""

_TEMPLATED = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"})
_ROLES = ("initContainers", "containers", "ephemeralContainers")


def plans(texts: Mapping[str, bytes], source: Source = Source.KUBERNETES) -> Plans:
    """What manifests plan, named ``namespace/object/container``; objects without containers plan nothing."""
    found = Plans()
    for path, raw in texts.items():
        try:
            for document in manifest_files.documents(raw):
                found += _object(path, document, source, 0)
        except UnclearError as error:
            found += gap(path, error)
    return found


def _object(path: str, value: Any, source: Source, depth: int) -> Plans:
    body = manifest_files.mapping(value, "an object")
    kind = body.get("kind")
    if kind == "List" and depth < MAX_LISTS:
        found = Plans()
        for item in manifest_files.sequence(body.get("items"), "items"):
            found += _object(path, item, source, depth + 1)
        return found
    pod = _pod(kind, manifest_files.mapping(body.get("spec"), "spec"), body)
    if pod is None:
        return Plans()
    metadata = manifest_files.mapping(body.get("metadata"), "metadata")
    name = f"{metadata.get('namespace') or 'default'}/{metadata.get('name') or metadata.get('generateName') or kind}"
    return Plans(tuple(_containers(pod, name, source)))


def _pod(kind: Any, spec: dict[Any, Any], body: dict[Any, Any]) -> dict[Any, Any] | None:
    """The pod's own specification within an object of this kind."""
    if kind == "Pod":
        return spec
    if kind == "PodTemplate":
        spec = body
    elif kind == "CronJob":
        spec = manifest_files.mapping(
            manifest_files.mapping(spec.get("jobTemplate"), "jobTemplate").get("spec"), "spec"
        )
    elif kind not in _TEMPLATED:
        return None
    return manifest_files.mapping(manifest_files.mapping(spec.get("template"), "template").get("spec"), "spec")


def _containers(pod: dict[Any, Any], name: str, source: Source) -> Iterator[Plan]:
    for role in _ROLES:
        for value in manifest_files.sequence(pod.get(role), role):
            container = manifest_files.mapping(value, "a container")
            image = container.get("image")
            if not isinstance(image, str) or not image.strip():
                raise UnclearError(f"{name}: the container {container.get('name')} has no image")
            yield Plan(image.strip(), f"{name}/{container.get('name')}", source, process=_process(container))


def _process(container: dict[Any, Any]) -> Process | None:
    command, args = (
        manifest_files.argv(container.get("command"), "command"),
        manifest_files.argv(container.get("args"), "args"),
    )
    if not command and not args:
        return None
    # A command of its own drops the image's arguments, too (Kubernetes, "define a command and arguments").
    return Process(command or None, args or (() if command else None))
