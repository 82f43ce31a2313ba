"""Services of Compose files."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Source
from scanner.formats.variables.interpolation import SET_BY_LOGINS, InterpolationError, Value, substitute
from scanner.probe.planned.compose import consistency, projects, service
from scanner.probe.planned.compose.loading import DOTENV, Context, Loading, env_files, joined
from scanner.probe.planned.compose.placement import placement
from scanner.probe.planned.compose.values import Text, closed
from scanner.probe.planned.plans import Plans, UnclearError, gap

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PROJECT_NAME = "COMPOSE_PROJECT_NAME"
PROFILES = "COMPOSE_PROFILES"
ANY_PROFILE = "*"
UNNAMED = "default"
"""What a project is called in findings where nobody says its name; its files are told none."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.ASCII)
_NOT_IN_NAMES = re.compile(r"[^a-z0-9_-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProjectSurroundings:
    """What is beside the files of a project.

    Attributes:
        project: its name, instead of the files' own or the directory's.
        variables: what the shell that runs Compose sets; it goes before ``.env``.
        directory: the project's, where its ``.env`` is and relative paths begin; without it that of its first file.
        directory_name: what the directory is called, where its path among the texts does not say so.
        dotenv: other ``.env`` files that are read before the directory's own.
        has_env_files: whether files of variables would be among the texts if they were there.
        env_files: files of variables that are read instead of any ``.env``; of two that set one variable the last.
        profiles: those that are active beside ``COMPOSE_PROFILES``.
        chosen: the services that are started, all where it is empty; their profiles are active, too.
        existing: services that have containers, and so were started, whatever profiles they have; an only one of these is
            active.
        without: services that are not started.
        alone: whether services that those depend on are not started.
        has_dotenv: whether Compose reads any ``.env`` at all.
    """

    project: str = ""
    variables: Mapping[str, str] | None = None
    directory: str | None = None
    directory_name: str = ""
    dotenv: tuple[str, ...] = ()
    has_env_files: bool = True
    env_files: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    existing: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    alone: bool = False
    has_dotenv: bool = True


def plans(
    texts: Mapping[str, bytes],
    roots: Sequence[str] | None = None,
    *,
    project: str = "",
    variables: Mapping[str, str] | None = None,
) -> Plans:
    """What Compose files plan, named ``project/service``.

    Args:
        texts: files by path: Compose files, what they include or extend, and the ``.env`` beside them.
        roots: the files of one project in the order in which they are merged. Without it each directory's
            Compose file is a project, with its override file.
        project: the name of the project, instead of the files' own or the directory's.
        variables: what the shell that runs Compose sets; it goes before ``.env``.
    """
    beside = ProjectSurroundings(project, variables)
    if roots is not None:
        return project_plans(texts, list(roots), beside)
    found = Plans()
    for group in projects.projects(texts):
        found += project_plans(texts, group.files, beside)
    return found


def project_plans(texts: Mapping[str, bytes], roots: Sequence[str], beside: ProjectSurroundings) -> Plans:
    """What the files of one project plan, laid over each other in their order."""
    if not roots:
        return Plans()
    try:
        return _project(texts, roots, beside)
    except UnclearError as error:
        return gap(roots[0], error)


def _project(texts: Mapping[str, bytes], roots: Sequence[str], beside: ProjectSurroundings) -> Plans:
    directory = posixpath.dirname(roots[0]) if beside.directory is None else beside.directory
    own_dotenv = joined(directory, DOTENV)
    shell = {name: Value("", (name,)) for name in SET_BY_LOGINS}
    shell |= {name: Value(text) for name, text in (beside.variables or {}).items()}
    files = [path for path in (*beside.dotenv, own_dotenv) if path in texts and beside.has_dotenv]
    variables = shell
    if beside.env_files:
        files, variables = [], env_files(texts, beside.env_files, shell) | shell
    for path in dict.fromkeys(files):
        variables = env_files(texts, [path], variables) | variables
    loading = Loading(texts)
    if "" in variables:
        at = ", ".join(dict.fromkeys((*files, *beside.env_files)))
        loading.doubts[f"{at}: a value without a name, which older versions of Compose refuse"] = None
    called = beside.directory_name or posixpath.basename(directory)
    name = _name(loading, roots, called, variables, beside.project)
    if name:
        variables = {**variables, PROJECT_NAME: Value(name)}
    model = loading.model(roots, Context(directory, variables))
    consistency.check_resources(model)
    told_by = (*files, *beside.env_files) if service.DEFAULT_PLATFORM not in shell else ()
    default_at = next((path for path in told_by if service.DEFAULT_PLATFORM in variables), "")
    shared = service.Project(
        name or UNNAMED, texts, variables, Source.COMPOSE, _bodies(model, roots[0]), default_at, beside.has_env_files
    )
    found = _services(shared, model, roots[0], beside)
    for problem in loading.doubts:
        found += Plans(gaps={f"{roots[0]}: {problem}": gap(roots[0], problem).gaps[roots[0]]})
    return found


def _bodies(model: Mapping[str, Any], path: str) -> dict[str, dict[str, Any]]:
    services = model.get("services")
    if not model:
        raise UnclearError(f"{path}: an empty file")
    return services if isinstance(services, dict) else {}


def _services(project: service.Project, model: Mapping[str, Any], path: str, beside: ProjectSurroundings) -> Plans:
    found = Plans()
    active: dict[str, Mapping[str, Any]] = {}
    asked = _profiles(project.variables) | set(beside.profiles) | _own_profiles(project, beside.chosen)
    only = (project.services[name].get("profiles") for name in beside.existing if name in project.services)
    asked |= {closed(one[0], "a profile") for one in only if isinstance(one, list) and len(one) == 1}
    for name, body in project.services.items():
        try:
            service.check(body)
            if name in beside.existing or _is_active(body, asked):
                active[name] = body
        except UnclearError as error:
            found += gap(f"{path}: {name}", error)
    problems = consistency.problems(model, active)
    for name in beside.chosen:
        if name not in active:
            found += gap(f"{path}: {name}", "no service of that name")
    started = _started(active, beside)
    return found + service.plans(path, started, problems, lambda name, body: _service(project, path, name, body))


def _service(project: service.Project, path: str, name: str, body: Mapping[str, Any]) -> Plans:
    if body.get("provider") is not None or not consistency.replicas(body):
        return Plans()  # a provider starts something that is no container of this engine
    found = service.with_gaps(path, name, *service.plan(project, name, body))
    for number in range(len(body.get("pre_start") or ())):
        found += _before(project, path, name, number)
    return found


def _before(project: service.Project, path: str, name: str, number: int) -> Plans:
    """A container that runs before those of a service."""
    body = project.services[name]
    part = f"{path}: {name}: pre_start[{number}]"
    try:
        made, unknown = service.plan(project, name, service.before(body, number))
    except UnclearError as error:
        return gap(part, error)
    step = replace(made, workload=f"{made.workload}-pre_start-{number}", placement=placement(body))
    return service.with_gaps(path, f"{name}: pre_start[{number}]", step, unknown)


def _profiles(variables: Mapping[str, Value]) -> set[str]:
    said = variables.get(PROFILES, Value(""))
    return {word.strip() for word in closed(Text(said.text, "", said.unset), PROFILES).split(",")} - {""}


def _own_profiles(project: service.Project, chosen: Sequence[str]) -> set[str]:
    """The profiles of services that are named: to name one is to activate them."""
    bodies = (project.services.get(name) or {} for name in chosen)
    return {closed(profile, "a profile") for body in bodies for profile in body.get("profiles") or ()}


def _started(active: Mapping[str, Mapping[str, Any]], beside: ProjectSurroundings) -> dict[str, Mapping[str, Any]]:
    """The services that are started of those that could be."""
    wanted = list(beside.chosen or active)
    taken: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name not in taken and name in active:
            taken.add(name)
            wanted += [] if beside.alone else [needed for needed, _ in consistency.dependencies(active[name])]
    return {name: body for name, body in active.items() if name in taken and name not in beside.without}


def _is_active(body: Mapping[str, Any], asked: set[str]) -> bool:
    profiles = {closed(profile, "a profile") for profile in body.get("profiles") or ()}
    return not profiles or ANY_PROFILE in asked or bool(profiles & asked)


# ---------------------------------------------------------------- the project's name


def _name(loading: Loading, roots: Sequence[str], called: str, variables: Mapping[str, Value], told: str) -> str:
    """The project's name: the caller's, the environment's, the files' last one, what its directory is ``called``."""
    told = told or variables.get(PROJECT_NAME, Value("")).text
    if told and not _NAME.fullmatch(told):
        raise UnclearError(f"Compose refuses the project name {told[:100]}")
    if told:
        return told
    last = ""
    for path in roots:
        for document in loading.parsed(path).documents:
            name = document.get("name") if isinstance(document, dict) else None
            last = name if isinstance(name, str) and name else last
    try:
        put = substitute(last, variables)
    except InterpolationError as error:
        raise UnclearError(f"name: {error}") from error
    own = normalized(closed(Text(put.text, "", put.unset), "name"))
    return own or normalized(called)


def normalized(name: str) -> str:
    """A name as Compose makes it of a directory's."""
    return _NOT_IN_NAMES.sub("", name.lower()).lstrip("_-")
