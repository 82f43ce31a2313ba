"""Which Compose files of a tree make a project together."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.formats import dotenv
from scanner.formats.env_file import EnvFileError
from scanner.formats.interpolation import Value
from scanner.probe.planned.compose_loading import DOTENV, joined

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
    beside these every other file alone, with ``NAME.override.yml`` over it.

    Args:
        texts: all files by path.
        files: those that are Compose files; without it, those with such a name.
    """
    paths = dict.fromkeys(path for path in texts if is_named(path)) if files is None else dict.fromkeys(files)
    by_directory: dict[str, list[str]] = defaultdict(list)
    for path in paths:
        by_directory[posixpath.dirname(path)].append(path)
    directories = dict.fromkeys(
        [*by_directory, *(posixpath.dirname(p) for p in texts if posixpath.basename(p) == DOTENV)]
    )
    found = [project for directory in directories if (project := _told(texts, directory)) and _exists(project, texts)]
    told = {path for project in found for path in project.files}
    told_in = {posixpath.dirname(project.dotenv[0]) for project in found}
    for directory, names in by_directory.items():
        left = [path for path in names if path not in told]
        found += _of_directory(directory, left, has_default=directory not in told_in)
    return found


def _exists(project: ProjectFiles, texts: Mapping[str, bytes]) -> bool:
    """Whether any of its files is there; where none is, ``COMPOSE_FILE`` is of another place."""
    return any(path in texts for path in project.files)


def _told(texts: Mapping[str, bytes], directory: str) -> ProjectFiles | None:
    """What the ``.env`` of a directory names, where it names files."""
    path = posixpath.join(directory, DOTENV)
    try:
        variables = dotenv.variables(texts.get(path, b""), {})
    except EnvFileError:
        return None  # told where the project is read
    said = variables.get(FILE)
    if said is None or said.unset:
        return None
    separator = variables.get(SEPARATOR, Value("")).text or ":"
    return ProjectFiles(tuple(joined(directory, name) for name in said.text.split(separator)), (path,))


def _of_directory(directory: str, paths: list[str], *, has_default: bool) -> list[ProjectFiles]:
    left = dict.fromkeys(paths)
    found = []
    if has_default and (main := _first(directory, DEFAULTS, left)):
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
        found.append(ProjectFiles((path, override) if override in left else (path,)))
    return found


def _first(directory: str, names: Iterable[str], among: Mapping[str, None]) -> str:
    return next((path for name in names if (path := posixpath.join(directory, name)) in among), "")
