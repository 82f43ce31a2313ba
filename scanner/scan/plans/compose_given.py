"""A Compose project that somebody names by its files, read from the disk as far as it refers to others."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.domain.facts import Source
from scanner.domain.failure import Failure
from scanner.domain.text import printable
from scanner.domain.verdict.reason import Reason
from scanner.errors import UsageError
from scanner.formats import files
from scanner.formats.files import FileError
from scanner.formats.parsing.offload import BudgetExceeded, CallBudget
from scanner.probe.planned import folder
from scanner.probe.planned.compose import compose, projects
from scanner.probe.planned.compose.compose import ProjectSurroundings
from scanner.probe.planned.compose.loading import DOTENV
from scanner.probe.planned.faults import without_culprits
from scanner.probe.planned.plans import MAX_DOCUMENT_BYTES, Plans

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.formats.parsing.offload import Parsers
    from scanner.probe.planned.folder import FolderPlans

MAX_ROUNDS = 12
"""Each round reads what the one before asked for; Compose's own files include each other ten deep at most."""

MAX_FILES = 500
"""What one project refers to, as the reader of plans has it."""

PROJECT_BUDGET = CallBudget(seconds=20)


@dataclass(frozen=True, slots=True)
class GivenProject:
    """What a project plans, over which files its reader stumbled, which ones it asked for in vain."""

    plans: Plans
    faults: Mapping[str, str]
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recording(Mapping[str, bytes]):
    """Texts that take down which of them are read, which others are asked for."""

    texts: Mapping[str, bytes]
    asked: dict[str, None] = field(default_factory=dict)
    read: dict[str, None] = field(default_factory=dict)

    def __getitem__(self, path: str) -> bytes:
        """The text of a file."""
        if path not in self.texts:
            self.asked[path] = None
        else:
            self.read[path] = None
        return self.texts[path]

    def __contains__(self, path: object) -> bool:
        """Whether a file is there."""
        if path not in self.texts and isinstance(path, str):
            self.asked[path] = None
        return path in self.texts

    def __iter__(self) -> Iterator[str]:
        """Those that are there."""
        return iter(self.texts)

    def __len__(self) -> int:
        """How many are there."""
        return len(self.texts)


def read_compose(
    named: Sequence[Path],
    variables: Mapping[str, str],
    parsers: Parsers,
    env_files: Sequence[Path] = (),
    directory: str = "",
) -> FolderPlans:
    """What one project plans: the files that ``docker compose -f`` would be given, or the directory where it would run.

    ``variables`` are those of the shell, ``env_files`` what is read instead of the project's ``.env``, ``directory`` where
    relative paths begin if not beside the first file. Whatever the files refer to is read as Compose would; blocks.

    Raises:
        UsageError: a file that is named is not there, or cannot be read.
    """
    found = collected(named, variables, parsers, env_files, directory)
    first = found.roots[0]
    if isinstance(found.asked, str):
        return folder.FolderPlans((), (_gap(first, found.asked),))
    return _filed(first, found.asked)


@dataclass(frozen=True, slots=True)
class Collected:
    """The texts of a project whose files are ``roots``, with what it ``asked`` for and plans, or why that is not known."""

    roots: Sequence[str]
    texts: Mapping[str, bytes]
    beside: ProjectSurroundings
    asked: GivenProject | str


def collected(
    named: Sequence[Path],
    variables: Mapping[str, str],
    parsers: Parsers,
    env_files: Sequence[Path] = (),
    directory: str = "",
) -> Collected:
    """As ``read_compose``, with the texts that were read for it.

    Raises:
        UsageError: a file that is named is not there, or cannot be read.
    """
    texts: dict[str, bytes] = {}
    roots = project_files(named, variables, texts)
    beside = ProjectSurroundings(
        variables=dict(variables),
        directory=posixpath.normpath(directory) if directory else None,
        directory_name=posixpath.basename(posixpath.abspath(directory or posixpath.dirname(roots[0]))),
        dotenv=tuple(posixpath.normpath(path.as_posix()) for path in env_files),
    )
    own = posixpath.join(posixpath.dirname(roots[0]) if beside.directory is None else beside.directory, DOTENV)
    for path in beside.dotenv:
        _must_take(path, texts)
    hidden = {own} - set(beside.dotenv) if beside.dotenv else set()
    for path in hidden & texts.keys():
        del texts[path]
    for _ in range(MAX_ROUNDS):
        asked = parsers.call(_asked, PROJECT_BUDGET, texts, roots, beside)
        if isinstance(asked, BudgetExceeded):
            return Collected(roots, texts, beside, asked.detail)
        fresh = [path for path in asked.missing if path not in {*texts, *hidden} and _take(path, texts)]
        if not fresh:
            return Collected(roots, texts, beside, asked)
        if len(texts) > MAX_FILES:
            break
    return Collected(roots, texts, beside, f"more than {MAX_FILES} files, or files that include each other")


def _asked(texts: Mapping[str, bytes], roots: Sequence[str], beside: ProjectSurroundings) -> GivenProject:
    """Runs in a worker."""
    recording = Recording(texts)

    def read(given: Mapping[str, bytes]) -> Plans:
        whole = recording if given is texts else given
        return compose.project_plans(whole, roots, beside)

    plans, faults = without_culprits(read, texts)
    return GivenProject(plans or Plans(), faults, tuple(recording.asked))


def _filed(path: str, asked: GivenProject) -> FolderPlans:
    gaps = tuple(_gap(name, why) for name, why in asked.faults.items())
    return folder.filed(path, Source.COMPOSE, asked.plans) + folder.FolderPlans((), gaps)


def _gap(path: str, why: str) -> folder.Gap:
    shown = printable(path, 200)
    return folder.Gap(shown, Source.COMPOSE, Failure(Reason.PART_INCOMPLETE, f"{shown}: {why}"), path)


def project_files(named: Sequence[Path], variables: Mapping[str, str], texts: dict[str, bytes]) -> list[str]:
    """The files of the project in the order in which they are merged, each read into ``texts``.

    Raises:
        UsageError: one is not there, or cannot be read.
    """
    if len(named) == 1 and files.is_folder(named[0]):
        return _of_directory(posixpath.normpath(named[0].as_posix()), variables, texts)
    roots = [posixpath.normpath(path.as_posix()) for path in named]
    for path in roots:
        _must_take(path, texts)
    return roots


def _of_directory(directory: str, variables: Mapping[str, str], texts: dict[str, bytes]) -> list[str]:
    """What Compose takes where it is started in a directory."""
    directory = "" if directory == "." else directory
    dotenv = posixpath.join(directory, DOTENV)
    _take(dotenv, texts)
    for name in (*projects.DEFAULTS, *projects.OVERRIDES):
        _take(posixpath.join(directory, name), texts)
    said = variables.get(projects.FILE)
    if said:
        separator = variables.get(projects.SEPARATOR) or ":"
        roots = [posixpath.normpath(posixpath.join(directory, name)) for name in said.split(separator)]
    else:
        found = next((one for one in projects.projects(texts) if one.files), None)
        roots = list(found.files) if found else []
    if not roots:
        raise UsageError(f"{directory or '.'}: there is no Compose file here ({', '.join(projects.DEFAULTS)})")
    for path in roots:
        _must_take(path, texts)
    return roots


def _must_take(path: str, texts: dict[str, bytes]) -> None:
    try:
        texts[path] = files.read_bytes(Path(path), MAX_DOCUMENT_BYTES)
    except FileError as error:
        raise UsageError(str(error)) from None


def _take(path: str, texts: dict[str, bytes]) -> bool:
    """Read a file that is asked for, if there is one; one that cannot be read stays missing, which the reader says."""
    try:
        texts[path] = files.read_bytes(Path(path), MAX_DOCUMENT_BYTES)
    except FileError:
        return False
    return True
