"""How one Compose file, or one service, is laid over another.

The rules are compose-go's ``override``: mappings are merged key by key, sequences appended, scalars replaced; what is
listed here is not. Nothing is changed in place, so that what many services extend is shared by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.probe.planned.compose.values import shown, with_value
from scanner.probe.planned.compose.volumes import target_of
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scanner.formats.documents.bounded_yaml import Place

MAX_STEPS = 250_000
"""Entries that all merges of a project may touch, two seconds' work: 400 services that extend one of 300 entries."""

Path = tuple[str, ...]
"""Keys that lead to a value, ``*`` for each name that the file's author chose."""

_STARTED: Mapping[str, Any] = {"condition": "service_started", "required": True}


class Steps:
    """Counts what a project costs."""

    def __init__(self, limit: int = MAX_STEPS, what: str = "entries") -> None:
        self._left = self._limit = limit
        self._what = what

    def take(self, count: int) -> None:
        """Spend some.

        Raises:
            UnclearError: none are left.
        """
        self._left -= count
        if self._left < 0:
            raise UnclearError(f"services that stand for more than {self._limit} {self._what} together")


def merged(base: Any, over: Any, path: Path, steps: Steps) -> Any:
    """A value laid over another one.

    Raises:
        UnclearError: Compose does not know how, or ``steps`` are spent.
    """
    if (special := _SPECIAL.get(path)) is not None:
        return special(base, over, path, steps)
    if over is None:
        return base
    if isinstance(base, dict):
        if not isinstance(over, dict):
            raise UnclearError(f"{'.'.join(path)}: a mapping that something else is laid over")
        return _mappings(base, over, path, steps)
    if isinstance(base, list):
        if not isinstance(over, list):
            raise UnclearError(f"{'.'.join(path)}: a list that something else is laid over")
        steps.take(len(base) + len(over))
        return base + over
    return over


def _mappings(base: dict[str, Any], over: dict[str, Any], path: Path, steps: Steps) -> dict[str, Any]:
    steps.take(len(base) + len(over))
    found = dict(base)
    for key, value in over.items():
        named = "*" if path in _NAMED else key
        found[key] = merged(base[key], value, (*path, named), steps) if key in base else value
    return found


def _replaced(_base: Any, over: Any, _path: Path, _steps: Steps) -> Any:
    return over


def _listed(base: Any, over: Any, _path: Path, steps: Steps) -> list[Any]:
    found = _sequence(base) + _sequence(over)
    steps.take(len(found))
    return found


def _sequence(value: Any) -> list[Any]:
    if isinstance(value, dict):
        rows = []
        for name, one in value.items():
            rows += [with_value(name, each) for each in one] if isinstance(one, list) else [with_value(name, one)]
        return sorted(rows)
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, str) else []


def _dependencies(base: Any, over: Any, path: Path, steps: Steps) -> Any:
    return _mappings(named_in(base, _STARTED), named_in(over, _STARTED), path, steps)


def _names(base: Any, over: Any, path: Path, steps: Steps) -> Any:
    return _mappings(named_in(base, None), named_in(over, None), path, steps)


def named_in(value: Any, entry: Mapping[str, Any] | None) -> dict[str, Any]:
    """A mapping, also one that is written as a list of its names."""
    if isinstance(value, dict):
        return value
    names = value if isinstance(value, list) else []
    return {name: entry if entry is None else dict(entry) for name in names if isinstance(name, str)}


def _built(base: Any, over: Any, path: Path, steps: Steps) -> Any:
    both = [{"context": one} if isinstance(one, str) else one if isinstance(one, dict) else {} for one in (base, over)]
    return _mappings(both[0], both[1], path, steps)


def _logged(base: Any, over: Any, path: Path, steps: Steps) -> Any:
    """Options of a driver are another driver's business."""
    if not isinstance(base, dict) or not isinstance(over, dict):
        return over
    drivers = [one["driver"] for one in (base, over) if "driver" in one]
    return over if len(set(drivers)) > 1 else _mappings(base, over, path, steps)


_SERVICE: Path = ("services", "*")
_NAMED = frozenset({
    ("services",), ("networks",), ("volumes",), ("secrets",), ("configs",), ("models",), (*_SERVICE, "ulimits"),
})  # fmt: skip
"""Mappings whose keys are names."""

_SPECIAL: Mapping[Path, Callable[[Any, Any, Path, Steps], Any]] = {
    ("networks", "*", "labels"): _listed,
    ("networks", "*", "ipam", "config"): _replaced,  # of no service's program
    ("volumes", "*", "labels"): _listed,
    **{
        (*_SERVICE, *key): _listed
        for key in (
            ("annotations",), ("build", "args"), ("build", "additional_contexts"), ("build", "extra_hosts"),
            ("build", "labels"), ("deploy", "labels"), ("dns",), ("dns_opt",), ("dns_search",), ("env_file",),
            ("environment",), ("extra_hosts",), ("label_file",), ("labels",), ("sysctls",), ("tmpfs",),
        )
    },
    **{(*_SERVICE, *key): _replaced for key in (("command",), ("entrypoint",), ("healthcheck", "test"), ("ulimits", "*"))},
    (*_SERVICE, "build"): _built,
    (*_SERVICE, "depends_on"): _dependencies,
    (*_SERVICE, "logging"): _logged,
    (*_SERVICE, "models"): _names,
    (*_SERVICE, "networks"): _names,
}  # fmt: skip


# ---------------------------------------------------------------- what is taken away


def without(tree: dict[str, Any], places: list[Place]) -> dict[str, Any]:
    """A mapping without what stands at some paths; nothing is taken out of lists."""
    for place in places:
        tree = _without(tree, place)
    return tree


def _without(tree: dict[str, Any], place: Place) -> dict[str, Any]:
    if not place or place[0] not in tree:
        return tree
    key = str(place[0])
    if len(place) == 1:
        return {name: value for name, value in tree.items() if name != key}
    inner = tree[key]
    return {**tree, key: _without(inner, place[1:])} if isinstance(inner, dict) else tree


# ---------------------------------------------------------------- what stands there twice


def once(service: dict[str, Any], steps: Steps) -> dict[str, Any]:
    """A service with each entry of its lists once: of those that mean the same the last, at the place of the first.

    Raises:
        UnclearError: an entry that cannot be told from others.
    """
    found = dict(service)
    for key, name_of in _ONCE.items():
        rows = found.get(key)
        if isinstance(rows, list):
            steps.take(len(rows))
            found[key] = list({name_of(row): row for row in rows}.values())
    return found


def _by_name(row: Any) -> str:
    if not isinstance(row, str):
        raise UnclearError("a list with an entry that is no text")
    return row.partition("=")[0]


def _by_path(row: Any) -> str:
    return str(row.get("path")) if isinstance(row, dict) else str(row)


def _by_target(folder: str) -> Callable[[Any], str]:
    def name_of(row: Any) -> str:
        if not isinstance(row, dict):
            return f"{folder}/{shown(row)}"
        return shown(row["target"]) if "target" in row else f"{folder}/{row.get('source')}"

    return name_of


def _by_device(row: Any) -> str:
    if isinstance(row, dict):
        return str(row.get("target"))
    parts = str(row).split(":")
    return parts[1] if len(parts) > 1 else parts[0]


_ONCE: Mapping[str, Callable[[Any], str]] = {
    **dict.fromkeys(
        (
            "annotations", "cap_add", "cap_drop", "dns", "dns_opt", "dns_search", "environment", "labels", "links",
            "profiles", "sysctls", "tmpfs",
        ),
        _by_name,
    ),
    "expose": shown,
    "env_file": _by_path,
    "devices": _by_device,
    "configs": _by_target(""),
    "secrets": _by_target("/run/secrets"),
    "volumes": target_of,
}  # fmt: skip
