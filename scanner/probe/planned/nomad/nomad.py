"""Containers of Nomad's job files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scanner.formats.documents import lenient_json
from scanner.formats.documents.lenient_json import JsonError
from scanner.probe.planned import manifest_files
from scanner.probe.planned.nomad import hcl, job_json
from scanner.probe.planned.nomad.hcl import Block, Unknown
from scanner.probe.planned.nomad.task import Task, planned
from scanner.probe.planned.nomad.values import Scope, text_of
from scanner.probe.planned.plans import Plans, UnclearError, gap
from scanner.probe.planned.plans import text_of as decoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.probe.planned.nomad.placement import Constraint

_HARMLESS_DYNAMIC = frozenset(
    {
        *("affinity", "artifact", "check", "check_restart", "device", "identity", "link", "logs", "meta", "network"),
        *("port", "reschedule", "resources", "restart", "scaling", "service", "sidecar_service", "spread", "tag"),
        *("target", "template", "update", "upstreams", "vault", "volume"),
    }
)
"""Blocks that change nothing of what is started, however many of them Nomad expands."""


def plans(texts: Mapping[str, bytes]) -> Plans:
    """What job files, HCL or JSON, plan, named ``job/group/task``; a task that only Nomad knows is a gap of its own."""
    found = Plans()
    for path, raw in texts.items():
        try:
            text = decoded(raw)
            document = _json(text) if text.lstrip().startswith("{") else None
            if document is not None and job_json.is_request(document):
                found += _planned(path, job_json.tasks(document))
            else:
                root = hcl.parse(text) if document is None else job_json.body(document)
                found += _of_hcl(path, root)
        except UnclearError as error:
            found += gap(path, error)
    return found


def _json(text: str) -> dict[Any, Any]:
    try:
        return manifest_files.mapping(lenient_json.loads(text), "a job file")
    except JsonError as error:
        raise UnclearError(error.problem.removeprefix("is ")) from error


def _planned(path: str, tasks: Iterator[Task]) -> Plans:
    found = Plans()
    for task in tasks:
        try:
            plan = planned(task)
        except UnclearError as error:
            found += gap(f"{path}: {task.name}", error)
        else:
            found += Plans((plan,)) if plan else Plans()
    return found


def _of_hcl(path: str, root: Block) -> Plans:
    scope = Scope(root)
    found = Plans()
    for name in (*(block.type for block in root.blocks), *root.values):
        if name.lower() == "job" and not (name == "job" and name not in root.values):
            found += gap(path, f"what it calls {name} is no job, which Nomad refuses")
    for job in root.all("job"):
        name = _label(job)
        found += _lacking(path, job)
        for place, block in _dynamic(job, name):
            kind = _label(block)
            found += gap(f"{path}: {place} {kind}", f"a dynamic block ({kind}), which only Nomad expands")
        found += _planned(path, _tasks(job, scope))
    return found


def _lacking(path: str, job: Block) -> Plans:
    """A gap for each part without what it is for, which Nomad refuses: it may be written by a name that Nomad does not have."""
    found = Plans()
    parts = [job, *job.all("group")]
    for part in parts:
        inner = ("group", "task") if part is job else ("task",)
        has_dynamic = any(_label(one) in inner for one in part.all("dynamic"))
        if not has_dynamic and not any(map(part.all, inner)):
            found += gap(f"{path}: {_label(part)}", f"a {part.type} without a {inner[0]}, which Nomad refuses")
    return found


def _dynamic(job: Block, name: str) -> Iterator[tuple[str, Block]]:
    """Blocks that Nomad makes of expressions, as far as they could change what is started."""
    todo = [(name, job)]
    while todo:
        place, block = todo.pop()
        for inner in block.blocks:
            if inner.type == "dynamic" and _label(inner) not in _HARMLESS_DYNAMIC:
                yield place, inner
            elif inner.type in ("group", "task", "config"):
                todo.append((f"{place}/{_label(inner)}" if inner.labels else place, inner))


def _tasks(job: Block, scope: Scope) -> Iterator[Task]:
    for group in (*job.all("group"), job):  # a task right within a job is a group of its own
        if scope.value(group.values.get("count", 1)) in (0, "0"):
            continue
        around = (job,) if group is job else (job, group)
        yield from (_sidecar(job, group, block, around, scope) for block in _connected(group))
        for task in group.all("task"):
            own = task if group is job else group
            yield _task(f"{_label(job)}/{_label(own)}/{_label(task)}", around, task, scope)


def _connected(group: Block) -> Iterator[Block]:
    """What starts a proxy in front of a group's services."""
    for service in group.all("service"):
        for connect in service.all("connect"):
            if connect.all("sidecar_service") or connect.all("gateway") or connect.all("sidecar_task"):
                yield connect


def _sidecar(job: Block, group: Block, connect: Block, around: tuple[Block, ...], scope: Scope) -> Task:
    """The proxy of Nomad's Connect: its image is Consul's to choose, unless the job names one."""
    (task, *_) = (*connect.all("sidecar_task"), Block("sidecar_task", ()))
    made = _task(f"{_label(job)}/{_label(group)}/connect-proxy", around, task, scope)
    image = made.config.get("image") or Unknown("the image of the proxy")
    return replace(made, driver=made.driver or "docker", config={**made.config, "image": image})


def _task(name: str, around: tuple[Block, ...], task: Block, scope: Scope) -> Task:
    held = [scope.value(task.values.get("config")), *(_config(block, scope) for block in task.all("config"))]
    services = [one for one in around[-1].all("service") if scope.value(one.values.get("task")) == _label(task)]
    return Task(
        name,
        scope.value(task.values.get("driver")),
        {key: value for one in held if isinstance(one, dict) for key, value in one.items()},
        _environment(task, scope),
        scope.value(task.values.get("user")),
        tuple(scope.value(one.values.get("destination")) for one in task.all("volume_mount")),
        tuple(_constraint(one, scope) for block in (*around, task) for one in block.all("constraint")),
        tuple(_check(one, scope) for service in (*task.all("service"), *services) for one in service.all("check")),
    )


def _config(block: Block, scope: Scope) -> dict[str, Any]:
    mounts = [scope.values(one) for one in block.all("mount")]
    return {**scope.values(block), **({"mount": mounts} if mounts else {})}


def _environment(task: Block, scope: Scope) -> dict[str, Any] | Unknown:
    """Variables of ``env`` blocks, or of an attribute of that name."""
    found: dict[str, Any] = {}
    whole = scope.value(task.values.get("env"))
    if isinstance(whole, Unknown):
        return whole
    for one in (whole, *(scope.values(block) for block in task.all("env"))):
        found |= one if isinstance(one, dict) else {}
    return found


def _constraint(block: Block, scope: Scope) -> Constraint:
    """Nomad has shorthands: ``distinct_hosts = true``, ``regexp = "…"`` instead of operator and value."""
    said = {key: _written(value) for key, value in scope.values(block).items()}
    short = next((key for key in said if key not in ("attribute", "operator", "value")), "")
    return said.get("attribute", ""), said.get("operator", short), said.get("value", said.get(short, ""))


def _written(value: Any) -> str:
    return value.text if isinstance(value, Unknown) else text_of(value)


def _check(block: Block, scope: Scope) -> tuple[Any, Any]:
    is_script = scope.value(block.values.get("type")) == "script"
    return (
        (scope.value(block.values.get("command")), scope.value(block.values.get("args"))) if is_script else (None, None)
    )


def _label(block: Block) -> str:
    return block.labels[0] if block.labels else "?"
