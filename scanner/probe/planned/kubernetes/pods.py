"""Containers of one pod's specification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Mount, Privileges, Process, Source
from scanner.domain.plan import Plan
from scanner.probe import privileges
from scanner.probe.planned import manifest_files
from scanner.probe.planned import plans as planned
from scanner.probe.planned.kubernetes.pod_environment import Environment, Maps, environment
from scanner.probe.planned.kubernetes.pod_placement import placement
from scanner.probe.planned.plans import Plans, UnclearError, gap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.domain.plan import Placement

ROLES = ("initContainers", "containers", "ephemeralContainers")

_PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_HOOKS = ("postStart", "preStop")
_KINDS = {"hostPath": "bind", "image": "image"}


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod's specification with what is around it: the file, the object's name, the ConfigMaps beside it."""

    path: str
    name: str
    namespace: str
    spec: Mapping[Any, Any]
    maps: Maps
    source: Source


def plans(pod: Pod) -> Plans:
    """The pod's containers; one that cannot be understood is a gap of its own."""
    try:
        where = placement(pod.spec)
        values = [value for role in ROLES for value in manifest_files.sequence(pod.spec.get(role), role)]
    except UnclearError as error:
        return gap(f"{pod.path}: {pod.name}", error)
    found = Plans()
    for value in values:
        try:
            found += Plans((_container(pod, manifest_files.mapping(value, "a container"), where),))
        except UnclearError as error:
            label = value.get("name") if isinstance(value, dict) else None
            found += gap(f"{pod.path}: {pod.name}/{label or '?'}", error)
    return found


def _container(pod: Pod, container: Mapping[Any, Any], where: Placement | None) -> Plan:
    image = container.get("image")
    if not isinstance(image, str) or not image.strip():
        raise UnclearError("the container has no image")
    if image != image.strip():
        raise UnclearError("the image has a space around it, which Kubernetes refuses")
    if planned.is_template(image):
        raise UnclearError(f"a template, which others fill in: {image}")
    return Plan(
        image,
        f"{pod.name}/{container.get('name') or 'user-container'}",  # Knative names the one that has no name
        pod.source,
        process=_process(pod, container),
        mounts=tuple(_mounts(pod, container)) or None,
        checks=tuple(_checks(container)),
        placement=where,
    )


def _process(pod: Pod, container: Mapping[Any, Any]) -> Process | None:
    variables = environment(container, pod.namespace, pod.maps)
    command = _words(container.get("command"), "command", variables)
    args = _words(container.get("args"), "args", variables)
    _refuse_unknown_program(container, variables)
    said = Process(
        # A command of its own drops the image's arguments, too (Kubernetes, "define a command and arguments").
        entrypoint=command or None,
        cmd=args or (() if command else None),
        path=variables.path,
        working_dir=_text(container, "workingDir"),
        env=planned.environment(variables.variables),
        user=_user(pod.spec, container),
        privileges=_privileges(pod.spec, container),
        read_only=_is_read_only(container) or None,
    )
    return said if said != Process() else None


def _words(value: Any, what: str, variables: Environment) -> tuple[str, ...]:
    words = manifest_files.sequence(value, what)
    if not all(isinstance(word, str) for word in words):
        raise UnclearError(f"{what} has a word that is no text, which Kubernetes refuses")
    return variables.put(words)


def _refuse_unknown_program(container: Mapping[Any, Any], variables: Environment) -> None:
    """The first word is what is started; behind it, an unknown value is mostly an address.

    Without a command the image may have one, to which the first word is an argument: one with a dash is no program.
    """
    command, args = container.get("command") or [], container.get("args") or []
    words = command or [word for word in args[:1] if not word.startswith("-")]
    if words and not variables.is_known(words[0]):
        raise UnclearError(f"only the cluster knows what {words[0]} stands for")


def _text(container: Mapping[Any, Any], key: str) -> str | None:
    value = container.get(key)
    if value is not None and not isinstance(value, str):
        raise UnclearError(f"{key} is no text")
    return value or None


def _user(spec: Mapping[Any, Any], container: Mapping[Any, Any]) -> str | None:
    """``UID[:GID]``; what the container says goes before what the pod says. A group alone changes no user."""
    said = {
        **manifest_files.mapping(spec.get("securityContext"), "securityContext"),
        **{
            key: value
            for key, value in manifest_files.mapping(container.get("securityContext"), "securityContext").items()
            if value is not None
        },
    }
    windows = manifest_files.mapping(said.get("windowsOptions"), "windowsOptions").get("runAsUserName")
    if isinstance(windows, str) and windows:
        return windows
    user, group = (_number(said, key) for key in ("runAsUser", "runAsGroup"))
    if user is None:
        return None
    return str(user) if group is None else f"{user}:{group}"


def _is_read_only(container: Mapping[Any, Any]) -> bool:
    said = manifest_files.mapping(container.get("securityContext"), "securityContext")
    return said.get("readOnlyRootFilesystem") is True


def _privileges(spec: Mapping[Any, Any], container: Mapping[Any, Any]) -> Privileges:
    """The groups are the pod's alone, capabilities the container's alone."""
    of_pod = manifest_files.mapping(spec.get("securityContext"), "securityContext")
    own = manifest_files.mapping(container.get("securityContext"), "securityContext")
    said = manifest_files.mapping(own.get("capabilities"), "capabilities")
    added, dropped = (_texts(said.get(key), f"capabilities.{key}") for key in ("add", "drop"))
    groups = [_number({"a group": gid}, "a group") for gid in
              manifest_files.sequence(of_pod.get("supplementalGroups"), "supplementalGroups")]  # fmt: skip
    groups.append(_number(of_pod, "fsGroup"))
    return privileges.by_kubelet(
        tuple(str(gid) for gid in groups if gid is not None),
        added=added,
        dropped=dropped,
        is_privileged=own.get("privileged") is True,
    )


def _texts(value: Any, what: str) -> tuple[str, ...]:
    words = manifest_files.sequence(value, what)
    if not all(isinstance(word, str) for word in words):
        raise UnclearError(f"{what} has a word that is no text, which Kubernetes refuses")
    return tuple(words)


def _number(said: Mapping[Any, Any], key: str) -> int | None:
    value = said.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise UnclearError(f"{key} is no number")
    return value


def _mounts(pod: Pod, container: Mapping[Any, Any]) -> Iterator[Mount]:
    volumes = {}
    for value in manifest_files.sequence(pod.spec.get("volumes"), "volumes"):
        volume = manifest_files.mapping(value, "a volume")
        volumes[volume.get("name")] = volume
    for value in manifest_files.sequence(container.get("volumeMounts"), "volumeMounts"):
        mount = manifest_files.mapping(value, "a volumeMount")
        path = mount.get("mountPath")
        if not isinstance(path, str) or not path:
            raise UnclearError("a volumeMount without a mountPath")
        yield Mount(path if path.startswith("/") else f"/{path}", _kind(volumes.get(mount.get("name"), {})))


def _kind(volume: Mapping[Any, Any]) -> str:
    scratch = volume.get("emptyDir")
    if isinstance(scratch, dict) and scratch.get("medium") == "Memory":
        return "tmpfs"
    return next((kind for key, kind in _KINDS.items() if key in volume), "volume")


def _checks(container: Mapping[Any, Any]) -> Iterator[tuple[str, ...]]:
    hooks = manifest_files.mapping(container.get("lifecycle"), "lifecycle")
    for holder, names in ((container, _PROBES), (hooks, _HOOKS)):
        for name in names:
            action = manifest_files.mapping(manifest_files.mapping(holder.get(name), name).get("exec"), "exec")
            words = manifest_files.sequence(action.get("command"), "command")
            if words and all(isinstance(word, str) for word in words):
                yield tuple(words)
