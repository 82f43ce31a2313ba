"""Containers of Nomad's job files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Process, Source
from scanner.domain.plan import Plan
from scanner.formats import lenient_json
from scanner.formats.lenient_json import JsonError
from scanner.probe.planned import hcl, manifest_files
from scanner.probe.planned.plans import Plans, UnclearError, gap, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DRIVERS = frozenset({"docker", "podman", "containerd-driver"})
"""Drivers whose tasks come from images; the others exec what is on the host."""


def plans(texts: Mapping[str, bytes]) -> Plans:
    """What job files, HCL or JSON, plan, named ``job/group/task``."""
    found = Plans()
    for path, raw in texts.items():
        try:
            text = text_of(raw)
            tasks = _of_json(text) if text.lstrip().startswith("{") else _of_hcl(text)
            for name, driver, image, process in tasks:
                found += _planned(path, name, driver, image, process)
        except UnclearError as error:
            found += gap(path, error)
    return found


def _planned(path: str, name: str, driver: str, image: str, process: Process | None) -> Plans:
    if driver not in _DRIVERS:
        return Plans()
    if not image or "${" in image:
        return gap(f"{path}: {name}", f"only Nomad knows what {image} stands for" if image else "there is no image")
    image = image.removeprefix("https://").removeprefix("docker://")
    return Plans((Plan(image, name, Source.NOMAD, process=process),))


def _of_hcl(text: str) -> Iterator[tuple[str, str, str, Process | None]]:
    for job in hcl.parse(text).all("job"):
        for group in (*job.all("group"), job):  # a task right within a job is a group of its own
            for task in group.all("task"):
                config = next(iter(task.all("config")), hcl.Block("config"))
                names = (job.labels, group.labels if group is not job else task.labels, task.labels)
                name = "/".join(labels[0] if labels else "?" for labels in names)
                yield name, task.text("driver"), config.text("image"), _process(config.values)


def _of_json(text: str) -> Iterator[tuple[str, str, str, Process | None]]:
    try:
        document = manifest_files.mapping(lenient_json.loads(text), "a job file")
    except JsonError as error:
        raise UnclearError(error.problem.removeprefix("is ")) from error
    job = manifest_files.mapping(document.get("Job", document), "Job")
    for group_value in manifest_files.sequence(job.get("TaskGroups"), "TaskGroups"):
        group = manifest_files.mapping(group_value, "a group")
        for task_value in manifest_files.sequence(group.get("Tasks"), "Tasks"):
            task = manifest_files.mapping(task_value, "a task")
            config = manifest_files.mapping(task.get("Config"), "Config")
            name = f"{job.get('Name') or job.get('ID')}/{group.get('Name')}/{task.get('Name')}"
            yield name, str(task.get("Driver")), str(config.get("image") or ""), _process(config)


def _process(config: Mapping[str, Any]) -> Process | None:
    entrypoint, command, args = (_words(config.get(key)) for key in ("entrypoint", "command", "args"))
    if not entrypoint and not command and not args:
        return None
    return Process(entrypoint or None, (*command, *args) or None)


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()
