"""Checks of a whole Compose project before anything is started."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from scanner.probe.planned.compose.merge import named_in
from scanner.probe.planned.compose.values import Text, boolean, integer, shown
from scanner.probe.planned.compose.volumes import volume
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_SERVICE = "service:"
_DEFAULT = "default"
_OF_EXTERNALS = frozenset({"name", "external"})


def replicas(body: Mapping[str, Any]) -> int:
    """How many containers of a service are started.

    Raises:
        UnclearError: two numbers that differ, or none.
    """
    scale = integer(body.get("scale"), "scale")
    planned = integer((body.get("deploy") or {}).get("replicas"), "deploy.replicas")
    if scale is not None and planned is not None and scale != planned:
        raise UnclearError("scale and deploy.replicas differ")
    found = scale if scale is not None else 1 if planned is None else planned
    if found < 0:
        raise UnclearError("less than no replicas")
    return found


def check_resources(model: Mapping[str, Any]) -> None:
    """Whether what services share can be had.

    Raises:
        UnclearError: Compose refuses it.
    """
    for name, body in (model.get("volumes") or {}).items():
        if body and _is_external(body) and not all(key in _OF_EXTERNALS or key.startswith("x-") for key in body):
            raise UnclearError(f"volumes.{name}: external, with settings of its own")
    for kind, sources in (("secrets", ("file", "environment")), ("configs", ("file", "environment", "content"))):
        for name, body in (model.get(kind) or {}).items():
            told = sum(key in body for key in sources)
            if told > 1 or (not told and not body.keys() & {"driver", "external"}):
                raise UnclearError(f"{kind}.{name}: must have one of {', '.join(sources)}")


def _is_external(body: Mapping[str, Any]) -> bool:
    said = body.get("external")
    return isinstance(said, dict) or boolean(said, "external") is True


def problems(model: Mapping[str, Any], active: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Why Compose refuses a project, by the service at fault.

    Args:
        model: all of the project.
        active: its services but those of profiles that are not active.
    """
    found = {name: problem for name, body in active.items() if (problem := _problem(model, active, name, body))}
    names = Counter(body["container_name"] for body in active.values() if _is_told(body.get("container_name")))
    for name, body in active.items():
        if names[body.get("container_name")] > 1:
            found.setdefault(name, "another service has its container_name")
    return found | {name: "services that depend on each other" for name in _circle(active) if name not in found}


def _is_told(value: Any) -> bool:
    return bool(value) and not (isinstance(value, Text) and value.is_open)


def _problem(
    model: Mapping[str, Any], active: Mapping[str, Mapping[str, Any]], name: str, body: Mapping[str, Any]
) -> str:
    try:
        for needed, is_required in dependencies(body):
            is_disabled = needed in (model.get("services") or {})
            if needed not in active and (is_required or not is_disabled):
                return f"depends on {needed}, which is no active service"
        if not (body.get("image") or body.get("build") is not None or body.get("provider")):
            return "neither an image nor a build"
        if body.get("network_mode") and body.get("networks"):
            return "has both network_mode and networks"
        build = body["build"] if isinstance(body.get("build"), dict) else {}
        if build.get("dockerfile") and build.get("dockerfile_inline"):
            return "has both dockerfile and dockerfile_inline"
        platforms = build.get("platforms") or ()
        if platforms and body.get("platform") and body["platform"] not in platforms:
            return "its platform is none of build.platforms"
        if replicas(body) > 1 and body.get("container_name"):
            return "has a container_name and several replicas"
        return next(_undefined(model, body), "")
    except UnclearError as error:
        return f"{name}: {error}"


def _undefined(model: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    for network in named_in(body.get("networks"), None):
        if network != _DEFAULT and network not in (model.get("networks") or {}):
            yield f"refers to the network {network}, which nothing defines"
    yield from _mounts(model, body)
    for key in ("configs", "secrets"):
        for row in body.get(key) or ():
            source = row.get("source") if isinstance(row, dict) else row
            if _is_told(source) and source not in (model.get(key) or {}):
                yield f"refers to {source}, which {key} do not define"


def _mounts(model: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    rows = body.get("tmpfs") or ()
    mounted = Counter(str(row).partition(":")[0] for row in ([rows] if isinstance(rows, str) else rows))
    for row in body.get("volumes") or ():
        if isinstance(row, Text) and row.is_open:
            continue
        made = volume(row)
        mounted[made.target] += 1
        if made.kind == "bind" and not made.source:
            yield f"binds nothing over {made.target}"
        if made.kind == "volume" and made.source and made.source not in (model.get("volumes") or {}):
            yield f"refers to the volume {made.source}, which nothing defines"
    if twice := next((target for target, count in mounted.items() if count > 1), ""):
        yield f"mounts two things over {twice}"


def dependencies(body: Mapping[str, Any]) -> Iterable[tuple[str, bool]]:
    """The services that one needs, and whether it starts without them."""
    for name, entry in named_in(body.get("depends_on"), None).items():
        yield name, boolean((entry or {}).get("required", True), "depends_on.required") is not False
    for link in body.get("links") or ():
        yield str(link).partition(":")[0], True
    for key in ("network_mode", "ipc", "pid", "uts", "cgroup"):
        value = shown(body.get(key) or "")
        if value.startswith(_SERVICE):
            yield value.removeprefix(_SERVICE), True
    for source in body.get("volumes_from") or ():
        if not str(source).startswith("container:"):
            yield str(source).partition(":")[0], True


def _circle(active: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Services that wait for each other: what is left when those that wait for nobody left are taken away."""
    waits = {name: {needed for needed, _ in dependencies(body) if needed in active} for name, body in active.items()}
    needed_by: dict[str, list[str]] = {}
    for name, needs in waits.items():
        for needed in needs:
            needed_by.setdefault(needed, []).append(name)
    free = [name for name, needs in waits.items() if not needs]
    while free:
        done = free.pop()
        for name in needed_by.get(done, ()):
            waits[name].discard(done)
            if not waits[name]:
                free.append(name)
    return [name for name, needs in waits.items() if needs]
