"""One service of a Compose project as a plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Mount, Privileges, Process
from scanner.domain.plan import Plan
from scanner.formats import compose_words
from scanner.formats.compose_words import ShellwordsError
from scanner.formats.variables import dotenv, env_file
from scanner.formats.variables.env_file import EnvFileError
from scanner.formats.variables.interpolation import Value
from scanner.probe import privileges
from scanner.probe.planned.compose import placement
from scanner.probe.planned.compose.values import Text, at_of, boolean, closed, shown, with_value
from scanner.probe.planned.compose.volumes import volume
from scanner.probe.planned.plans import Plans, UnclearError, gap, pinned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from scanner.domain.facts import Source

MAX_FROM = 50
"""Services whose volumes one has: one or two are seen."""

MAX_REMEMBERED = 16
"""Files of variables kept parsed: all services of a stack name the same few."""

DEFAULT_PLATFORM = "DOCKER_DEFAULT_PLATFORM"
_SECRETS = "/run/secrets"
_TESTS = ("CMD", "CMD-SHELL", "NONE")
_RAW = "raw"
_OF_SERVICE_ALONE = frozenset({"container_name", "deploy", "post_start", "pre_start", "pre_stop", "profiles", "scale"})
"""Fields that Compose does not hand on to the containers of ``pre_start``."""


@dataclass(frozen=True, slots=True)
class Project:
    """What the services of one project share.

    ``variables`` are those of the shell and of ``.env``, ``default_at`` is where the platform for services that name
    none stands. ``services`` are all of the project, those of other profiles too. ``has_env_files`` tells whether the
    files of ``env_file`` would be among ``texts`` if they were there; a probe leaves them on the host.
    """

    name: str
    texts: Mapping[str, bytes]
    variables: Mapping[str, Value]
    source: Source
    services: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    default_at: str = ""
    has_env_files: bool = True


def plans(
    path: str,
    bodies: Mapping[str, Mapping[str, Any]],
    problems: Mapping[str, str],
    plan_of: Callable[[str, Mapping[str, Any]], Plans],
) -> Plans:
    """What the services of a file plan, with a gap for each that has a problem or is not understood."""
    found = Plans()
    for name, body in bodies.items():
        if name in problems:
            found += gap(f"{path}: {name}", problems[name])
        try:
            found += plan_of(name, body)
        except UnclearError as error:
            found += gap(f"{path}: {name}", error)
    return found


def with_gaps(path: str, name: str, made: Plan, unknown: Iterable[str]) -> Plans:
    """A service's plan, with what is not known of it."""
    found = Plans((made,))
    for sentence in unknown:
        found += gap(f"{path}: {name}", sentence)
    return found


def plan(project: Project, name: str, body: Mapping[str, Any]) -> tuple[Plan, list[str]]:
    """What a service plans, with what is not known of its environment, a sentence each.

    Raises:
        UnclearError: Compose refuses it, or something that matters rests on variables that nothing sets.
    """
    image = closed(body.get("image") or "", "the image")
    builds = body.get("build") is not None
    if not image and not builds:
        raise UnclearError("neither an image nor a build")
    platform, pinned_at = _platform(project, body)
    environment, unknown = _environment(project, body)
    mounts, unknown_mounts = _mounts(project, name, body)
    made = Plan(
        workload=f"{project.name}/{name}",
        image=image or f"{project.name}-{name}",
        source=project.source,
        pinned=pinned(platform),
        pinned_at=pinned_at,
        process=_process(body, environment),
        mounts=mounts,
        checks=tuple(_hooks(body)),
        build_only=builds and (not image or body.get("pull_policy") == "build"),
        placement=placement.placement(body),
    )
    return made, unknown + unknown_mounts


def before(body: Mapping[str, Any], number: int) -> Mapping[str, Any]:
    """The service as which Compose runs a step of one's ``pre_start``: its own with what the step says instead.

    Raises:
        UnclearError: Compose's versions run the step differently, or it names files of variables of its own.
    """
    own = {key: value for key, value in body.items() if key not in _OF_SERVICE_ALONE}
    step = body["pre_start"][number]
    if step.get("env_file"):
        raise UnclearError(f"pre_start[{number}] has an env_file of its own")
    for key in ("entrypoint", "command"):
        if own.get(key) and not step.get(key):
            raise UnclearError(
                f"pre_start[{number}] says no {key}, while its service has one: Compose 5.3 took none of it"
            )
    if boolean(step.get("per_replica"), "pre_start.per_replica"):
        raise UnclearError(f"pre_start[{number}] is for each replica, which Compose does not support yet")
    made = {**own, **{key: value for key, value in step.items() if key != "per_replica"}}
    for key in ("environment", "volumes", "configs", "secrets"):
        if own.get(key) and step.get(key):
            made[key] = _rows(own[key]) + _rows(step[key])
    return made


def _rows(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [with_value(name, said) for name, said in value.items()]
    return list(value) if isinstance(value, list) else [value]


def check(body: Mapping[str, Any]) -> None:
    """Whether Compose can split the commands of a service, which it does even where it starts none of it.

    Raises:
        UnclearError: it cannot.
    """
    for key in ("entrypoint", "command"):
        value = body.get(key)
        if isinstance(value, str) and not (isinstance(value, Text) and value.is_open):
            words(value, key)


def _platform(project: Project, body: Mapping[str, Any]) -> tuple[str, str]:
    """The platform that the service demands, or that Compose takes where it demands none, and where that stands."""
    own = body.get("platform")
    if own:
        return closed(own, "the platform"), at_of(own)
    default = project.variables.get(DEFAULT_PLATFORM)
    if default is None or not (default.text or default.unset):
        return "", ""
    return closed(Text(default.text, "", default.unset), DEFAULT_PLATFORM), project.default_at


# ---------------------------------------------------------------- the process


def _process(body: Mapping[str, Any], environment: dict[str, str | None]) -> Process | None:
    entrypoint, command = words(body.get("entrypoint"), "entrypoint"), words(body.get("command"), "command")
    if not command and not entrypoint:
        command = None  # the engine takes the image's
    if (path := environment.get("PATH")) is None and "PATH" in environment:
        raise UnclearError("nothing here tells what PATH is in its environment")
    found = Process(
        entrypoint=entrypoint,
        cmd=() if command is None and entrypoint else command,
        path=path,
        working_dir=_text(body.get("working_dir"), "working_dir"),
        env=tuple(environment.items()) or None,
        user=_text(body.get("user"), "user"),
        init=boolean(body.get("init"), "init"),
        read_only=boolean(body.get("read_only"), "read_only") or None,
        healthcheck=_healthcheck(body.get("healthcheck")),
        privileges=_privileges(body),
    )
    return None if found == Process() else found


def _privileges(body: Mapping[str, Any]) -> Privileges:
    groups, added, dropped = (
        tuple(closed(str(word) if isinstance(word, int) else word, key) for word in body.get(key) or ())
        for key in ("group_add", "cap_add", "cap_drop")
    )
    is_privileged = boolean(body.get("privileged"), "privileged") is True
    return privileges.by_engine(groups, added=added, dropped=dropped, is_privileged=is_privileged)


def words(value: Any, what: str) -> tuple[str, ...] | None:
    """A command's words, also one that is written as one text; none where nothing is said.

    Raises:
        UnclearError: it cannot be split, or rests on variables that nothing sets.
    """
    if value is None:
        return None
    if isinstance(value, list):
        return tuple(closed(word, what) for word in value)
    try:
        return compose_words.split(closed(value, what))
    except ShellwordsError as error:
        raise UnclearError(f"{what}: {error}") from error


def _text(value: Any, what: str) -> str | None:
    return closed(value, what) or None if value is not None else None


def _healthcheck(check: Any) -> tuple[str, ...] | None:
    if not isinstance(check, dict):
        return None
    if boolean(check.get("disable"), "healthcheck.disable"):
        return ("NONE",)
    test = check.get("test")
    if not test:
        return None
    if isinstance(test, str):
        return ("CMD-SHELL", closed(test, "healthcheck.test"))
    found = tuple(closed(word, "healthcheck.test") for word in test)
    if found[0] not in _TESTS:
        raise UnclearError("healthcheck.test begins with none of CMD, CMD-SHELL, NONE")
    return found


def _hooks(body: Mapping[str, Any]) -> Iterable[tuple[str, ...]]:
    for key in ("post_start", "pre_stop"):
        for hook in body.get(key) or ():
            if command := words(hook.get("command"), f"{key}.command"):
                yield command


# ---------------------------------------------------------------- the environment


def _environment(project: Project, body: Mapping[str, Any]) -> tuple[dict[str, str | None], list[str]]:
    """The variables of a service; one whose value rests on what nobody told here has none."""
    own = declared(body.get("environment"), project.variables)
    found: dict[str, Value] = {}
    open_files: list[str] = []
    for entry in body.get("env_file") or ():
        problem = _read_env_file(project, entry, found, own)
        if problem:
            open_files.append(problem)
    merged = {**found, **own}
    return {name: None if value.unset else value.text for name, value in merged.items()}, open_files


def declared(value: Any, variables: Mapping[str, Value]) -> dict[str, Value]:
    """What ``environment`` says; a name alone is taken from the variables, or from who knows where.

    Raises:
        UnclearError: a name with a blank at its end, which Compose refuses.
    """
    found: dict[str, Value] = {}
    for name, said in _pairs(value):
        if name.endswith((" ", "\t")):
            raise UnclearError("a variable with a blank at the end of its name")
        if said is not None:
            unset = (said.unset or (said.required,)) if isinstance(said, Text) and said.is_open else ()
            found[name] = Value(shown(said), unset)
        else:
            found[name] = variables.get(name) or Value("", (name,))
    return found


def _pairs(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        yield from value.items()
        return
    for row in value if isinstance(value, list) else ():
        name, equals, text = str(row).partition("=")
        yield name, (row.like(text) if isinstance(row, Text) else text) if equals else None


@lru_cache(MAX_REMEMBERED)
def _raw(text: bytes) -> Mapping[str, str | None]:
    return env_file.docker(text)


def _read_env_file(project: Project, entry: Any, found: dict[str, Value], own: Mapping[str, Value]) -> str:
    """Read one of a service's files of variables into ``found``; what is not known of it, empty where all is."""
    entry = {"path": entry} if isinstance(entry, str) else entry
    path = closed(entry.get("path", ""), "env_file")
    if path not in project.texts:
        is_required = boolean(entry.get("required", True), "env_file.required")
        return f"the file of variables {path} is not there" if is_required and project.has_env_files else ""
    try:
        if entry.get("format") == _RAW:
            read = _raw(project.texts[path])
            found |= {
                name: project.variables[name] if value is None else Value(value)
                for name, value in read.items()
                if value is not None or name in project.variables
            }
        elif entry.get("format"):
            raise UnclearError(f"{path}: a format of variables that Compose does not know")
        else:
            found |= _of_env_file(project, project.texts[path], found, own)
    except EnvFileError as error:
        raise UnclearError(f"{path}: {error}") from error
    return ""


def _of_env_file(
    project: Project, raw: bytes, before: Mapping[str, Value], own: Mapping[str, Value]
) -> dict[str, Value]:
    """What a file of variables sets behind others.

    A variable within a value is today that of the project or the service itself, else the file's own, else one of the
    files before it; up to 2.26 Compose took those before it first, and none of the service.
    """
    told = {name: value for name, value in own.items() if value != Value("", (name,))}
    now = dotenv.variables(raw, {**told, **project.variables}, before)
    then = dotenv.variables(raw, {**project.variables, **before})
    return {name: value if then.get(name) == value else Value(value.text, (name,)) for name, value in now.items()}


# ---------------------------------------------------------------- what stands over paths of the image


def _mounts(project: Project, name: str, body: Mapping[str, Any]) -> tuple[tuple[Mount, ...] | None, list[str]]:
    """What is mounted, with what is not known of it."""
    unknown: list[str] = []
    found = {mount.destination: mount for mount in _own_mounts(body)}
    pending: list[Any] = list(body.get("volumes_from") or ())
    seen = {name}
    while pending:
        source = closed(pending.pop(), "volumes_from")
        other, _, _ = source.partition(":")
        if other == "container":
            unknown.append(f"volumes_from mounts what the container {source.partition(':')[2][:100]} has")
            continue
        if other not in project.services:
            raise UnclearError(f"volumes_from names {other}, of which nothing is known here")
        if other not in seen:
            seen.add(other)
            if len(seen) > MAX_FROM:
                raise UnclearError(f"volumes of more than {MAX_FROM} services")
            theirs = project.services[other]
            for mount in _own_mounts(theirs):
                found.setdefault(mount.destination, mount)
            pending += theirs.get("volumes_from") or ()
    return tuple(found.values()) or None, unknown


def _own_mounts(body: Mapping[str, Any]) -> Iterable[Mount]:
    for row in body.get("volumes") or ():
        made = volume(row)
        yield Mount(made.target, made.kind, noexec=made.kind == "tmpfs")
    rows: Sequence[Any] = body.get("tmpfs") or ()
    for row in [rows] if isinstance(rows, str) else rows:
        target, _, options = closed(row, "tmpfs").partition(":")
        yield Mount(target, "tmpfs", noexec="exec" not in options.split(","))
    for key, folder in (("configs", ""), ("secrets", _SECRETS)):
        for row in body.get(key) or ():
            yield Mount(_file_target(row, folder), "bind")


def _file_target(row: Any, folder: str) -> str:
    """Where a config or secret is: its target, in the folder for those where it is no path from the root."""
    if not isinstance(row, dict):
        return f"{folder}/{closed(row, 'a file')}"
    target = closed(row.get("target") or row.get("source") or "", "a file")
    return target if target.startswith("/") else f"{folder}/{target}"
