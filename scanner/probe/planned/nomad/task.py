"""One task of a Nomad job as the container that its driver makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Mount, Privileges, Process, Source
from scanner.domain.plan import Plan
from scanner.probe import privileges
from scanner.probe.planned import plans
from scanner.probe.planned.commands.other_starters import mentions_engine
from scanner.probe.planned.nomad.hcl import Unknown
from scanner.probe.planned.nomad.placement import Constraint, placement
from scanner.probe.planned.nomad.values import text_of
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DRIVERS = frozenset({"docker", "podman", "containerd-driver"})
"""Drivers whose tasks come from images; the others exec what is on the host."""

_WITHOUT_IMAGES = frozenset({"exec", "exec2", "raw_exec", "java", "qemu", "virt"})
"""Drivers that take no image of a registry; ``virt`` and ``qemu`` start a disk."""

_OWN_FOLDERS = ("/alloc", "/local", "/secrets")
"""What Nomad mounts into every such task; artifacts and templates lie there."""

_SCHEMES = ("https://", "docker://", "docker-archive:", "oci-archive:")


@dataclass(frozen=True, slots=True)
class Task:
    """What a job says of one task, all variables put in; a value that only Nomad can tell is ``Unknown``."""

    name: str
    driver: Any
    config: Mapping[str, Any]
    env: Mapping[str, Any] | Unknown = field(default_factory=dict)
    user: Any = None
    mounts: tuple[Any, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    checks: tuple[tuple[Any, Any], ...] = ()
    """Commands of checks, with their arguments."""


def planned(task: Task) -> Plan | None:
    """Its container; none where its driver starts none.

    Raises:
        UnclearError: only Nomad can tell what it starts.
    """
    driver = _known(task.driver, "driver")
    if driver not in _DRIVERS:
        if mentions_engine(" ".join(_said(task.config))):
            raise UnclearError(f"its driver {driver} starts a container by a command, which is not read here")
        if driver not in _WITHOUT_IMAGES and "image" in task.config:
            raise UnclearError(f"its driver {driver}, which is not known here, may start a container of an image")
        return None
    image = _known(task.config.get("image"), "image")
    if not image:
        raise UnclearError("there is no image")
    for scheme in _SCHEMES[:2]:
        image = image.removeprefix(scheme)
    return Plan(
        image,
        task.name,
        Source.NOMAD,
        engine=driver if driver in ("docker", "podman") else "",
        process=_process(task),
        mounts=tuple(Mount(path, "bind") for path in dict.fromkeys((*_OWN_FOLDERS, *_mounts(task)))),
        checks=tuple(_checks(task)),
        build_only=bool(task.config.get("load")) or image.startswith(_SCHEMES[2:]),
        placement=placement(task.constraints),
    )


def _said(config: Mapping[str, Any]) -> Iterator[str]:
    """The words of what a task runs that are texts."""
    for value in (config.get("command"), config.get("args")):
        yield from (word for word in (value if isinstance(value, list) else (value,)) if isinstance(word, str))


def _known(value: Any, what: str) -> str:
    """A text without anything left for Nomad; none is empty.

    Raises:
        UnclearError: there is.
    """
    if value is None:
        return ""
    if isinstance(value, Unknown):
        raise UnclearError(f"only Nomad knows what {value.text} stands for")
    if isinstance(value, list | dict):
        raise UnclearError(f"{what} is no text")
    text = text_of(value)
    if "${" in text:
        raise UnclearError(f"only Nomad knows what {text} stands for")
    return text


def _process(task: Task) -> Process | None:
    config = task.config
    entrypoint, args = _words(config.get("entrypoint"), "entrypoint"), _words(config.get("args"), "args")
    command = _words(config.get("command"), "command")
    for words in (entrypoint, command):
        _known(words[0] if words else "", "command")
    env = task.env
    if isinstance(env, Unknown):
        raise UnclearError(f"only Nomad knows what {env.text} stands for")
    said = Process(
        entrypoint or None,
        (*command, *args) or None,
        path=_known(env["PATH"], "PATH") if "PATH" in env else None,
        working_dir=_known(config.get("work_dir") or config.get("working_dir") or config.get("cwd"), "work_dir")
        or None,
        env=plans.environment(_values(env)),
        user=_known(task.user, "user") or None,
        init=True if config.get("init") is True else None,
        privileges=_privileges(config),
        read_only=True if config.get("readonly_rootfs") is True else None,
    )
    return said if said != Process() else None


def _privileges(config: Mapping[str, Any]) -> Privileges:
    groups, added, dropped = (
        tuple(_known(word, key) for word in _words(config.get(key), key))
        for key in ("group_add", "cap_add", "cap_drop")
    )
    is_privileged = config.get("privileged") is True
    return privileges.by_engine(groups, added=added, dropped=dropped, is_privileged=is_privileged)


def _values(env: Mapping[str, Any]) -> dict[str, str | None]:
    """Variables; the value of one that a client fills in is not known."""
    found: dict[str, str | None] = {}
    for name, value in env.items():
        is_known = not isinstance(value, Unknown | list | dict) and "${" not in text_of(value)
        found[name] = text_of(value) if is_known else None
    return found


def _words(value: Any, what: str) -> tuple[str, ...]:
    if value is None:
        return ()
    words = value if isinstance(value, list) else [value]
    for word in words:
        if isinstance(word, Unknown):
            raise UnclearError(f"only Nomad knows what {word.text} stands for")
        if isinstance(word, list | dict) or word is None:
            raise UnclearError(f"{what} is no list of words")
    return tuple(text_of(word) for word in words)


def _mounts(task: Task) -> Iterator[str]:
    config = task.config
    volumes = config.get("volumes")
    for volume in volumes if isinstance(volumes, list) else ():
        if isinstance(volume, str):
            yield _absolute(volume.split(":")[1] if ":" in volume else volume)
    for key, field_name in (("mounts", "target"), ("mount", "target")):
        held = config.get(key)
        for mount in held if isinstance(held, list) else ():
            if isinstance(mount, dict) and isinstance(mount.get(field_name), str):
                yield _absolute(mount[field_name])
    tmpfs = config.get("tmpfs")
    yield from (
        _absolute(one.split(":")[0]) for one in (tmpfs if isinstance(tmpfs, list) else ()) if isinstance(one, str)
    )
    yield from (_absolute(one) for one in task.mounts if isinstance(one, str))
    for one in task.mounts:
        if isinstance(one, Unknown):
            raise UnclearError(f"only Nomad knows what {one.text} stands for")


def _absolute(path: str) -> str:
    return path if path.startswith("/") else f"/{path}"


def _checks(task: Task) -> Iterator[tuple[str, ...]]:
    for command, args in task.checks:
        if isinstance(command, str) and "${" not in command:
            yield (command, *(word for word in (args if isinstance(args, list) else ()) if isinstance(word, str)))
