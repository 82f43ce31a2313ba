"""Which Compose files of a tree make a project together."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats.variables import dotenv
from scanner.formats.variables.env_file import EnvFileError
from scanner.formats.variables.interpolation import SET_BY_LOGINS, Value
from scanner.probe.planned.compose import compose_yaml
from scanner.probe.planned.compose.loading import DOTENV, joined
from scanner.probe.planned.plans import UnclearError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULTS = ("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml")
"""What Compose looks for where nobody names a file, the first that is there."""

OVERRIDES = (
    "compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml",
)  # fmt: skip
"""What it lays over that file, the first that is there."""

FILE = "COMPOSE_FILE"
SEPARATOR = "COMPOSE_PATH_SEPARATOR"

_WHOLE = frozenset({"image", "build", "extends", "provider"})
"""Any of these makes a service that can be started."""

_NAMED = re.compile(r"(?:docker-)?compose(?:[._-][\w.-]+)?\.ya?ml", re.ASCII)
_OVERRIDE = re.compile(r"(.*)\.override(\.ya?ml)", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """The files of one project in the order in which they are merged; ``dotenv`` is where ``COMPOSE_FILE`` stood."""

    files: tuple[str, ...]
    dotenv: tuple[str, ...] = ()


def is_named(path: str) -> bool:
    """Whether a file has a name that Compose files have."""
    return _NAMED.fullmatch(posixpath.basename(path)) is not None


def projects(texts: Mapping[str, bytes], files: Iterable[str] | None = None) -> list[ProjectFiles]:
    """The projects of a tree.

    Of each directory: the files that ``COMPOSE_FILE`` of its ``.env`` names, else the default file with its override;
    beside these every other file with ``NAME.override.yml`` over it, alone, or over the default file where its services
    are no whole ones.

    Args:
        texts: all files by path, those of other hosts too.
        files: those among them that are Compose files of this host; without it, all with such a name.
    """
    paths = dict.fromkeys(path for path in texts if is_named(path)) if files is None else dict.fromkeys(files)
    by_directory: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        by_directory[posixpath.dirname(path)].append(path)
    known = texts if files is None else paths
    directories = [*by_directory, *(posixpath.dirname(path) for path in texts if posixpath.basename(path) == DOTENV)]
    found = [
        project
        for directory in dict.fromkeys(directories)
        if (project := told_by_dotenv(texts, directory))
        and (directory in by_directory or any(path in known for path in project.files))
    ]
    told = {path for project in found for path in project.files}
    told_in = {posixpath.dirname(project.dotenv[0]) for project in found}
    for directory, names in by_directory.items():
        left = [path for path in names if path not in told]
        found += _of_directory(texts, directory, left, has_default=directory not in told_in)
    return found


def told_by_dotenv(texts: Mapping[str, bytes], directory: str, place: str | None = None) -> ProjectFiles | None:
    """What the ``.env`` of a directory names, where it names files; relative ones begin where Compose is started (``place``)."""
    path = posixpath.join(directory, DOTENV)
    try:
        variables = dotenv.variables(texts.get(path, b""), {name: Value("", (name,)) for name in SET_BY_LOGINS})
    except EnvFileError:
        return None  # told where the project is read
    said = variables.get(FILE)
    if said is None:
        return None
    if said.unset:  # a file of such a name is not there
        said = dotenv.variables(texts[path], {name: Value(f"${name}") for name in said.unset})[FILE]
    separator = variables.get(SEPARATOR, Value("")).text or ":"
    begin = directory if place is None else place
    return ProjectFiles(tuple(joined(begin, name) for name in said.text.split(separator)), (path,))


def _of_directory(
    texts: Mapping[str, bytes], directory: str, paths: list[str], *, has_default: bool
) -> list[ProjectFiles]:
    left = dict.fromkeys(paths)
    found = []
    main = _first(directory, DEFAULTS, left) if has_default else ""
    if main:
        override = _first(directory, OVERRIDES, left)
        group = (main, override) if override else (main,)
        found.append(ProjectFiles(group))
        for path in group:
            del left[path]
    for path in paths:
        if path not in left or ((over := _OVERRIDE.fullmatch(path)) and f"{over[1]}{over[2]}" in left):
            continue
        stem, suffix = posixpath.splitext(path)
        override = f"{stem}.override{suffix}"
        group = (path, override) if override in left else (path,)
        found.append(ProjectFiles((main, *group) if main and _is_partial(texts, path) else group))
    return found


def _is_partial(texts: Mapping[str, bytes], path: str) -> bool:
    """Whether a service of a file is nothing that could be started, unless the file lies over another one."""
    try:
        read = compose_yaml.parsed(path, texts[path]).documents
    except UnclearError:
        return False  # told where the project is read
    services = [one.get("services") for one in read if isinstance(one, dict)]
    bodies = [body for one in services if isinstance(one, dict) for body in one.values()]
    return any(isinstance(body, dict | None) and not _WHOLE & (body or {}).keys() for body in bodies)


def _first(directory: str, names: Iterable[str], among: Mapping[str, None]) -> str:
    return next((path for name in names if (path := posixpath.join(directory, name)) in among), "")
