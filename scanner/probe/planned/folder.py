"""Everything that the files of one folder plan, whatever their kind."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Source, Stage, Workload
from scanner.domain.text import printable
from scanner.probe.planned import file_kinds, plan_listing
from scanner.probe.planned.compose import compose
from scanner.probe.planned.compose import projects as compose_projects
from scanner.probe.planned.compose.projects import ProjectFiles
from scanner.probe.planned.file_kinds import FileOutcome, Kind, RecognizedFile
from scanner.probe.planned.hidden_values import without_hidden
from scanner.probe.planned.kubernetes import manifests, rendered
from scanner.probe.planned.nomad import nomad
from scanner.probe.planned.plans import Plans, gap, is_template, part_of, unplayed
from scanner.probe.planned.swarm import stack
from scanner.probe.planned.units import host_commands, quadlet, systemd, unit_files
from scanner.probe.planned.units.quadlet_file import SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from scanner.domain.failure import Failure
    from scanner.domain.plan import Plan
    from scanner.probe.planned.units.unit_files import Unit

MAX_INCLUDES = 10
"""Files that only include others, within each other."""

_KUBE_YAML = re.compile(r"^[ \t]*Yaml[ \t]*+=(.*)", re.MULTILINE)

_SOURCES = {
    Kind.COMPOSE: Source.COMPOSE,
    Kind.STACK: Source.SWARM,
    Kind.MANIFESTS: Source.KUBERNETES,
    Kind.KUSTOMIZATION: Source.KUBERNETES,
    Kind.CHART: Source.KUBERNETES,
    Kind.NOMAD: Source.NOMAD,
    Kind.QUADLET: Source.QUADLET,
    Kind.SYSTEMD: Source.SYSTEMD,
    Kind.COMMANDS: Source.COMMAND,
}


@dataclass(frozen=True, slots=True)
class Filed:
    """One planned container with the file that it is from."""

    planned: Plan
    file: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What is not known of one file, or of a part of it (``name``)."""

    name: str
    source: Source
    failure: Failure
    file: str = ""

    def on(self, host: str) -> Workload:
        """What is not known, as a workload of a host."""
        return Workload(host=host, name=self.name, source=self.source, stage=Stage.PLANNED, image="")


@dataclass(frozen=True, slots=True)
class FolderPlans:
    """What the files of a folder plan, what of that is not known, and what each file turned out to be."""

    filed: tuple[Filed, ...] = ()
    gaps: tuple[Gap, ...] = ()
    outcomes: Mapping[str, FileOutcome] = field(default_factory=dict)

    def __add__(self, other: FolderPlans) -> FolderPlans:
        """Both together."""
        return FolderPlans(self.filed + other.filed, self.gaps + other.gaps, {**self.outcomes, **other.outcomes})


def plans(texts: Mapping[str, bytes], root: str = "") -> FolderPlans:
    """What the files below the folder ``root`` plan; the other ``texts`` are what they may refer to."""
    own = {path: raw for path, raw in texts.items() if not root or path.startswith(f"{root}/")}
    kinds = _with_includers({path: file_kinds.told(path, raw) for path, raw in own.items()}, texts)
    own = {path: raw for path, raw in own.items() if not file_kinds.is_other_than_its_name(path, raw)}
    covered = dict.fromkeys(rendered.covered({path: one for path, one in kinds.items() if not one.problem}))
    read = {path: one for path, one in kinds.items() if path not in covered}
    projects = _projects(own, read)
    owners = _owners(own, read, projects)
    of_projects = _of_projects(texts, projects, read)
    of_units, played = _of_units(own, of_projects)
    found = _unread(read) + _unplayed(projects, of_projects, read, played) + _of_manifests(read, {*owners, *played})
    found += of_units + _others(own, read)
    whole_files = {part_of(files[0], ""): files[0] for files in of_projects}
    for path, units in played.items():
        first = next((whole for begin, whole in whole_files.items() if path.startswith(begin)), path)
        owners[first] = owners.get(first, set()) | units
    return replace(found, outcomes=_outcomes(found, kinds, covered, owners))


def _with_includers(kinds: Mapping[str, RecognizedFile], texts: Mapping[str, bytes]) -> dict[str, RecognizedFile]:
    """All files; one that only includes others is Compose's where one of those is."""
    made = dict(kinds)

    elsewhere: dict[str, RecognizedFile] = {}

    def is_compose(path: str) -> bool:
        known = made.get(path) or elsewhere.get(path)
        if known is None:
            known = elsewhere[path] = file_kinds.told(path, texts.get(path, b""))
        return known.kind is Kind.COMPOSE

    open_ones = [path for path, one in kinds.items() if one.kind is Kind.NONE and one.documents]
    for _ in range(MAX_INCLUDES):
        found = {path for path in open_ones if any(map(is_compose, _referred(path, kinds[path].documents)))}
        made |= {path: replace(kinds[path], kind=Kind.COMPOSE) for path in found}
        open_ones = [path for path in open_ones if path not in found]
        if not found:
            break
    return made


def filed(path: str, source: Source, found: Plans) -> FolderPlans:
    """Plans with their file; a template's is a gap, since somebody fills it in before anybody runs it.

    Values that stayed where a file was sent from are unknown.
    """
    found = without_hidden(found)
    for plan in found.planned:
        if is_template(plan.image):
            found += gap(f"{path}: {plan.workload}", f"a template, which others fill in: {plan.image}")
    gaps = (Gap(printable(name, 200), source, failure, path) for name, failure in found.gaps.items())
    filed = (Filed(plan, path) for plan in found.planned if not is_template(plan.image))
    return FolderPlans(tuple(filed), tuple(gaps))


def _unread(read: Mapping[str, RecognizedFile]) -> FolderPlans:
    """What could be a plan but is not read, with why."""
    found = FolderPlans()
    for path, one in read.items():
        problem = one.problem or rendered.problem(one)
        if problem:
            found += filed(path, _SOURCES.get(one.kind, Source.INVENTORY), gap(path, problem))
    return found


def _outcomes(
    found: FolderPlans, kinds: Mapping[str, RecognizedFile], covered: Mapping[str, None], owners: Mapping[str, set[str]]
) -> dict[str, FileOutcome]:
    """A file with a gap is one, whatever else it plans; a part of another file is what that one is."""
    made = dict.fromkeys(kinds, FileOutcome.NO_PLAN)
    made |= {one.file: FileOutcome.PLANNED for one in found.filed}
    made |= {one.file: FileOutcome.GAP for one in found.gaps}
    made |= {path: FileOutcome.GAP for path in covered if kinds[path].kind is not Kind.NONE}
    for part, of in owners.items():
        states = {made.get(path) for path in of}
        if made.get(part) is FileOutcome.NO_PLAN and states & {FileOutcome.PLANNED, FileOutcome.GAP}:
            made[part] = FileOutcome.PLANNED if FileOutcome.PLANNED in states else FileOutcome.GAP
    return made


def _owners(
    own: Mapping[str, bytes], read: Mapping[str, RecognizedFile], projects: Sequence[ProjectFiles]
) -> dict[str, set[str]]:
    """Files that are parts of others, with those that they belong to."""
    units = [*unit_files.quadlets(own, SUFFIXES), *unit_files.services(own)]
    found: dict[str, set[str]] = defaultdict(set)
    scripts = [path for path, one in read.items() if one.kind is Kind.SCRIPT or _is_named_only(path, one)]
    for part, owner in (*_parts_of_projects(read, projects), *_parts_of_units(own, units, scripts)):
        found[part].add(owner)
    beside: dict[str, set[str]] = defaultdict(set)
    for path in (*(project.files[0] for project in projects), *(unit.path for unit in units)):
        beside[posixpath.dirname(path)].add(path)
    for path, one in read.items():
        if one.kind is Kind.PART and path not in found:
            found[path] = beside[posixpath.dirname(path)] - {path}
    return dict(found)


def _is_named_only(path: str, told: RecognizedFile) -> bool:
    """Whether a file is among those that are read since another one names it."""
    return told.kind is Kind.NONE and not file_kinds.is_named_like_a_plan(path)


def _parts_of_projects(
    read: Mapping[str, RecognizedFile], projects: Sequence[ProjectFiles]
) -> Iterator[tuple[str, str]]:
    for project in projects:
        yield from ((part, project.files[0]) for part in project.files[1:])
        waiting = list(project.files)
        seen = set(waiting)
        while waiting:
            path = waiting.pop()
            for part in _referred(path, read[path].documents if path in read else []):
                yield part, project.files[0]
                waiting += [] if part in seen else [part]
                seen.add(part)


def _parts_of_units(
    own: Mapping[str, bytes], units: Sequence[Unit], scripts: Sequence[str]
) -> Iterator[tuple[str, str]]:
    for unit in units:
        yield from ((part, unit.path) for part in unit.paths[1:])
        if unit.path.endswith(".kube"):
            yield from ((part, unit.path) for part in _yaml_of(unit.path, own[unit.path]))
        root = unit.root.lstrip("/")
        text = b"\n".join(own[path] for path in unit.paths)
        yield from ((path, unit.path) for path in scripts if _is_run(path.removeprefix(root), text))


def _is_run(script: str, text: bytes) -> bool:
    """Whether a unit's text names a script, or the directory in which ``run-parts`` looks for it."""
    return script.encode() in text or (b"run-parts" in text and posixpath.dirname(script).encode() in text)


# ---------------------------------------------------------------- Compose


def _projects(own: Mapping[str, bytes], read: Mapping[str, RecognizedFile]) -> list[ProjectFiles]:
    """Compose's projects and stacks, but those whose files all belong to others."""
    files = {path: one for path, one in read.items() if not one.problem}
    stacks = [ProjectFiles((path,)) for path, one in files.items() if one.kind is Kind.STACK]
    of_compose = [path for path, one in files.items() if one.kind is Kind.COMPOSE]
    parts = {part for path in of_compose for part in _referred(path, files[path].documents)}
    projects = compose_projects.projects(own, of_compose)
    return [project for project in projects if not parts.issuperset(project.files)] + stacks


def _of_projects(
    texts: Mapping[str, bytes], projects: Sequence[ProjectFiles], read: Mapping[str, RecognizedFile]
) -> dict[tuple[str, ...], Plans]:
    """What the files of each project plan, by these files."""
    found: dict[tuple[str, ...], Plans] = {}
    for project in projects:
        first = project.files[0]
        if _is_stack(first, read):
            found[project.files] = stack.plans(texts, first)
        else:
            beside = compose.ProjectSurroundings(dotenv=project.dotenv)
            found[project.files] = compose.project_plans(texts, project.files, beside)
    return found


def _is_stack(path: str, read: Mapping[str, RecognizedFile]) -> bool:
    return path in read and read[path].kind is Kind.STACK


def _unplayed(
    projects: Sequence[ProjectFiles],
    planned: Mapping[tuple[str, ...], Plans],
    read: Mapping[str, RecognizedFile],
    played: Mapping[str, set[str]],
) -> FolderPlans:
    """Projects but those that units start in a way of their own, which are planned by the units."""
    found = FolderPlans()
    dotenvs = {project.files: project.dotenv for project in projects}
    for files, made in planned.items():
        source = Source.SWARM if _is_stack(files[0], read) else Source.COMPOSE
        file = files[0] if files[0] in read else (*dotenvs[files], files[0])[0]  # who names what is not there
        found += filed(file, source, unplayed(made, files[0], played))
    return found


def _referred(path: str, loaded: list[Any]) -> Iterator[str]:
    """The files that a Compose file includes or takes services from, as far as they are named without variables."""
    for one in loaded:
        if not isinstance(one, dict):
            continue
        services = one.get("services")
        for service in services.values() if isinstance(services, dict) else ():
            extends = service.get("extends") if isinstance(service, dict) else None
            if isinstance(extends, dict) and isinstance(extends.get("file"), str):
                yield from _beside(path, extends["file"])
        included = one.get("include")
        for entry in included if isinstance(included, list) else ():
            named = entry.get("path") if isinstance(entry, dict) else entry
            for name in named if isinstance(named, list) else [named]:
                if isinstance(name, str):
                    yield from _beside(path, name)


def _beside(path: str, name: str) -> Iterator[str]:
    """Another file; one that takes services from itself stays a project of its own."""
    other = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
    if other != path:
        yield other


# ---------------------------------------------------------------- manifests


def _of_manifests(read: Mapping[str, RecognizedFile], owned: set[str]) -> FolderPlans:
    """Objects by file, with what those of the whole folder say of them; what a unit runs is planned by the unit."""
    found = FolderPlans()
    files = {path: one for path, one in read.items() if one.kind is Kind.MANIFESTS and not one.problem}
    beside = manifests.around(one.documents for one in files.values())
    for path, one in files.items():
        if path not in owned:
            found += filed(path, Source.KUBERNETES, manifests.of_documents(path, one.documents, beside))
    return found


# ---------------------------------------------------------------- units


def _of_units(
    own: Mapping[str, bytes], projects: Mapping[tuple[str, ...], Plans]
) -> tuple[FolderPlans, dict[str, set[str]]]:
    """Units by file, with the manifests and projects that they play: what one refers to may lie anywhere in the folder."""
    found = FolderPlans()
    owners: dict[str, set[str]] = defaultdict(set)

    def as_it_lies(files: tuple[str, ...]) -> list[Plans]:
        return [projects[files]] if files in projects else []

    played: set[str] = set()
    for path, made in quadlet.by_unit(own, played):
        found += filed(path, Source.QUADLET, made)
        _note(owners, played, path)
    for path, made in systemd.by_unit(own, as_it_lies, played):
        found += filed(path, Source.SYSTEMD, made)
        _note(owners, played, path)
    for path, made in host_commands.by_file(own, as_it_lies, played):
        found += filed(path, Source.COMMAND, made)
        _note(owners, played, path)
    return found, owners


def _note(owners: dict[str, set[str]], played: set[str], path: str) -> None:
    """A unit's manifests are its parts."""
    for one in played:
        owners[one].add(path)
    played.clear()


def _yaml_of(path: str, raw: bytes) -> Iterator[str]:
    """The YAML files that a ``.kube`` unit runs."""
    for name in _KUBE_YAML.findall(raw.decode("utf-8", "replace")):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(path), name.strip(" \t")))


# ---------------------------------------------------------------- others


def _others(own: Mapping[str, bytes], read: Mapping[str, RecognizedFile]) -> FolderPlans:
    found = FolderPlans()
    for path, one in read.items():
        if one.kind is Kind.LIST:
            found += filed(path, Source.INVENTORY, plan_listing.plans({path: own[path]}))
        elif one.kind is Kind.NOMAD and not one.problem:
            found += filed(path, Source.NOMAD, nomad.plans({path: own[path]}))
    return found
