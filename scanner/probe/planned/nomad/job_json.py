"""Job files that are JSON: what Nomad's API takes, or HCL's own JSON syntax."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scanner.probe.planned import manifest_files
from scanner.probe.planned.nomad import hcl
from scanner.probe.planned.nomad.hcl import Block
from scanner.probe.planned.nomad.task import Task
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.probe.planned.nomad.placement import Constraint

MAX_DEPTH = 30
"""As in HCL's native syntax."""

_LABELS = {
    **dict.fromkeys(("job", "group", "task", "variable", "dynamic"), 1),
    **dict.fromkeys(("config", "env", "locals", "constraint", "service", "check", "content"), 0),
    **dict.fromkeys(("volume_mount", "mount", "connect", "sidecar_task", "sidecar_service", "gateway"), 0),
}
"""Types of blocks that are read, with the number of their labels (Nomad's job specification)."""


_FIELDS = {
    name.lower(): name
    for name in (
        *(
            "Job",
            "TaskGroups",
            "Name",
            "ID",
            "Count",
            "Constraints",
            "LTarget",
            "RTarget",
            "Operand",
            "Services",
            "Tasks",
        ),
        *("Connect", "SidecarService", "SidecarTask", "Gateway", "Driver", "Config", "Env", "User", "VolumeMounts"),
        *("Destination", "TaskName", "Checks", "Type", "Command", "Args"),
    )
}
"""What is read of a job as the API takes it, by how it is found: Go's decoder takes a field in letters of any size."""


def is_request(document: Mapping[Any, Any]) -> bool:
    """Whether it is what the API takes: a job with ``TaskGroups``, mostly below ``Job``."""
    return "Job" in document or has_task_groups(document)


def has_task_groups(document: Mapping[Any, Any]) -> bool:
    """Whether it is a job of the API beyond doubt: in HCL's JSON syntax a name stands there, with a mapping."""
    whole = _fields(document)
    job = _fields(whole.get("Job", whole))
    return "TaskGroups" in job and not isinstance(job["TaskGroups"], dict)


def is_in_hcl(document: Mapping[Any, Any]) -> bool:
    """Whether it is a job in HCL's JSON syntax, with a group or a task below its name."""
    bodies = [one for named in _mappings(document.get("job")) for body in named.values() for one in _mappings(body)]
    return any(_mappings(body.get(key)) for body in bodies for key in ("group", "task"))


def _mappings(value: Any) -> list[dict[Any, Any]]:
    """A block's bodies: one, or several in a list."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, dict)]


def _fields(value: Any) -> dict[Any, Any]:
    """The fields of an object as the API names them; of two that are one to it the last stands."""
    if not isinstance(value, dict):
        return {}
    return {_FIELDS.get(key.lower(), key) if isinstance(key, str) else key: one for key, one in value.items()}


def _object(value: Any, what: str) -> dict[Any, Any]:
    return _fields(manifest_files.mapping(value, what))


def body(document: Mapping[Any, Any]) -> Block:
    """A file in HCL's JSON syntax as its native one would be.

    Raises:
        UnclearError: it is none.
    """
    return _block("", (), document, 0)


def _block(type_: str, labels: tuple[str, ...], values: Mapping[Any, Any], depth: int) -> Block:
    found = Block(type_, labels)
    for key, value in values.items():
        if key in _LABELS and isinstance(value, list | dict) and depth < MAX_DEPTH:
            _nest(found, key, (), value, depth + 1)
        else:
            found.values[str(key)] = _value(value, depth)
    return found


def _nest(parent: Block, type_: str, labels: tuple[str, ...], value: Any, depth: int) -> None:
    for one in value if isinstance(value, list) else [value]:
        inner = manifest_files.mapping(one, f"the block {type_}")
        if len(labels) < _LABELS[type_]:
            for label, below in inner.items():
                _nest(parent, type_, (*labels, str(label)), below, depth)
        else:
            parent.blocks.append(_block(type_, labels, inner, depth))


def _value(value: Any, depth: int) -> hcl.Value:
    """Texts are templates in this syntax."""
    if depth > MAX_DEPTH:
        raise UnclearError(f"nested deeper than {MAX_DEPTH}")
    if isinstance(value, str):
        return hcl.template(value)
    if isinstance(value, list):
        return [_value(one, depth + 1) for one in value]
    if isinstance(value, dict):
        return {str(key): _value(one, depth + 1) for key, one in value.items()}
    return value  # type: ignore[no-any-return]  # numbers, booleans, null


# ---------------------------------------------------------------- what the API takes


def tasks(document: Mapping[Any, Any]) -> Iterator[Task]:
    """The tasks of a job as the API takes it, named ``job/group/task``.

    Raises:
        UnclearError: it is none.
    """
    whole = _fields(document)
    job = _object(whole.get("Job", whole), "Job")
    if not job.get("TaskGroups"):
        raise UnclearError("a job without TaskGroups, which Nomad refuses")
    for group in _each(job, "TaskGroups"):
        if group.get("Count") == 0:
            continue
        for service in _each(group, "Services"):
            connect = _object(service.get("Connect"), "Connect")
            if any(connect.get(key) is not None for key in ("SidecarService", "SidecarTask", "Gateway")):
                yield _sidecar(job, group, _object(connect.get("SidecarTask"), "SidecarTask"))
        for task in _each(group, "Tasks"):
            yield _task(f"{job.get('Name') or job.get('ID')}/{group.get('Name')}/{task.get('Name')}", job, group, task)


def _sidecar(job: Mapping[Any, Any], group: Mapping[Any, Any], task: Mapping[Any, Any]) -> Task:
    """The proxy of Nomad's Connect, whose image is Consul's to choose unless the job names one."""
    name = f"{job.get('Name') or job.get('ID')}/{group.get('Name')}/connect-proxy"
    config = manifest_files.mapping(task.get("Config"), "Config")
    image = config.get("image") or hcl.Unknown("the image of the proxy")
    made = _task(name, job, group, {"Driver": "docker", **{key: value for key, value in task.items() if value}})
    return replace(made, config={**made.config, "image": image})


def _each(holder: Mapping[Any, Any], key: str) -> Iterator[dict[Any, Any]]:
    for value in manifest_files.sequence(holder.get(key), key):
        yield _object(value, key)


def _task(name: str, job: Mapping[Any, Any], group: Mapping[Any, Any], task: Mapping[Any, Any]) -> Task:
    shared = [one for one in _each(group, "Services") if one.get("TaskName") == task.get("Name")]
    return Task(
        name,
        task.get("Driver"),
        manifest_files.mapping(task.get("Config"), "Config"),
        {str(key): value for key, value in manifest_files.mapping(task.get("Env"), "Env").items()},
        task.get("User"),
        tuple(one.get("Destination") for one in _each(task, "VolumeMounts")),
        tuple(_constraint(one) for holder in (job, group, task) for one in _each(holder, "Constraints")),
        tuple(
            (one.get("Command"), one.get("Args"))
            for service in (*_each(task, "Services"), *shared)
            for one in _each(service, "Checks")
            if one.get("Type") == "script"
        ),
    )


def _constraint(value: Mapping[Any, Any]) -> Constraint:
    return str(value.get("LTarget") or ""), str(value.get("Operand") or ""), str(value.get("RTarget") or "")
