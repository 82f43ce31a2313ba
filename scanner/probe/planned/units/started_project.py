"""Which files make the project of Compose that a unit's command starts, as Compose itself looks for them."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from scanner.probe.planned.compose import projects
from scanner.probe.planned.compose.loading import DOTENV
from scanner.probe.planned.plans import UnclearError
from scanner.probe.planned.unknown_text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from scanner.probe.planned.commands.command import ComposeUp
    from scanner.probe.planned.units.files import Files

ENV_FILES = "COMPOSE_ENV_FILES"
WITHOUT_DOTENV = "COMPOSE_DISABLE_ENV_FILE"
PROJECT = "COMPOSE_PROJECT_NAME"

DECIDING = (projects.FILE, projects.SEPARATOR, "COMPOSE_PROFILES", PROJECT, ENV_FILES, WITHOUT_DOTENV)
"""Variables by which Compose finds its files, or chooses what it starts."""

_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_FALSE = frozenset({"", "0", "f", "F", "false", "FALSE", "False"})
"""What Go takes for a truth value."""


@dataclass(frozen=True, slots=True)
class StartedProject:
    """The names of the project's files, with the folder that is the project's; empty where it is that of the first one.

    ``dotenv`` is the ``.env`` of the folder that Compose is started in, where it is read before the project's own;
    ``is_first_by_version``: that depends on the version of Compose. ``env_files`` are read instead of any,
    ``has_dotenv`` tells whether one is read at all.
    """

    paths: tuple[str, ...]
    directory: str | None = None
    dotenv: tuple[str, ...] = ()
    is_first_by_version: bool = False
    env_files: tuple[str, ...] = ()
    has_dotenv: bool = True


def found(project: ComposeUp, place: str, env: Mapping[str, str], files: Files) -> StartedProject:
    """The project that is started in a folder, with these variables.

    Raises:
        UnclearError: variables that Compose refuses.
    """
    said = project.env_files or tuple(filter(None, env.get(ENV_FILES, "").split(",")))
    return replace(
        _files(project, place, env, files),
        directory=files.folder(posixpath.join(place, project.directory)) if project.directory else None,
        env_files=_named(files, place, said),
        has_dotenv=not _is_without_dotenv(env),
    )


def _files(project: ComposeUp, place: str, env: Mapping[str, str], files: Files) -> StartedProject:
    """Those that its command or its variables name, else what Compose looks for."""
    directory = posixpath.join(place, project.directory)
    beside = files.find(posixpath.join(place, DOTENV)) if not project.directory else None
    dotenv = (beside,) if beside else ()
    if project.files:  # relative ones begin where the command is run
        return StartedProject(_named(files, place, project.files))
    if said := env.get(projects.FILE, ""):
        names = said.split(env.get(projects.SEPARATOR) or ":")
        return StartedProject(_named(files, place, names), dotenv=dotenv, is_first_by_version=True)
    in_folder = files.find(posixpath.join(directory, DOTENV))
    if in_folder and not _is_without_dotenv(env):
        told = projects.told_by_dotenv(files.texts, posixpath.dirname(in_folder), files.folder(place))
        if told:
            return StartedProject(told.files, dotenv=dotenv)
    start = directory
    while True:
        there = [
            next((path for name in kind if (path := files.find(posixpath.join(directory, name)))), "")
            for kind in (projects.DEFAULTS, projects.OVERRIDES)
        ]
        if there[0] or directory in {"/", ""}:
            paths = tuple(path for path in there if path) if there[0] else ()
            return StartedProject(paths, dotenv=dotenv, is_first_by_version=directory != start)
        directory = posixpath.dirname(directory)


def _is_without_dotenv(env: Mapping[str, str]) -> bool:
    """Whether Compose is told to read no ``.env``.

    Raises:
        UnclearError: in words that it refuses.
    """
    said = env.get(WITHOUT_DOTENV, "")
    if said not in _TRUE | _FALSE:
        raise UnclearError(f"Compose refuses {WITHOUT_DOTENV}={shown(said)}")
    return said in _TRUE


def _named(files: Files, place: str, names: Iterable[str]) -> tuple[str, ...]:
    paths = (posixpath.join(place, name) for name in names)
    return tuple(files.find(path) or path for path in paths)
