"""Every secret's file that the settings name, looked at before anything is opened with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.formats import files
from scanner.formats.files import FileError
from scanner.settings.problem import Problem, SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scanner.settings.schema import Settings

MAY_BE_MISSING = ("registries.docker_config", "registries.podman_auth")
"""Files that a login makes: before the first one there is none."""


WORDS = (".password_file", ".token_file")
"""Of these settings: files that hold one secret and nothing else."""


def refuse_exposed(settings: Settings) -> None:
    """Refuse secrets that others may read, that are not there, or that say nothing.

    Raises:
        SettingsError: naming each of them with its setting.
    """
    problems = []
    for name, path in _named(settings):
        try:
            files.refuse_exposed(path)
            if name.endswith(WORDS) and not files.read_bytes(path, files.MAX_SECRET_BYTES).strip():
                problems.append(Problem(name, 0, "", f"{path}: {files.EMPTY}"))
        except FileError as error:
            if not (error.missing and name in MAY_BE_MISSING):
                problems.append(Problem(name, 0, "", str(error)))
    if problems:
        raise SettingsError(problems)


def _named(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Setting and file of each secret that is read later than at the start, by us or by a library."""
    if settings.cluster.key_file is not None:
        yield "cluster.key_file", settings.cluster.key_file
    own = settings.registries
    for name, registry in own.listed.items():
        for setting in ("password_file", "token_file", "key_file"):
            if (path := getattr(registry, setting)) is not None:
                yield f"registries.{name}.{setting}", path
    if own.docker_config is not None:
        yield "registries.docker_config", own.docker_config
    for path in own.podman_auth:
        yield "registries.podman_auth", path
    for index, source in enumerate(settings.inventory):
        for setting in ("password_file", "token_file"):
            if (path := getattr(source, setting, None)) is not None:
                yield f"inventory[{index}].{setting}", path
