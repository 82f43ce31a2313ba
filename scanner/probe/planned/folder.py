"""Everything that the files of one folder plan, whatever their kind."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from scanner.domain.facts import Failure, Source
from scanner.domain.text import printable
from scanner.formats import lenient_json
from scanner.formats.lenient_json import JsonError
from scanner.probe.planned import (
    compose,
    compose_projects,
    manifest_files,
    manifests,
    nomad,
    plan_listing,
    quadlet,
    systemd,
)
from scanner.probe.planned.plans import Plans, UnclearError, gap, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scanner.domain.plan import Plan

_YAML = re.compile(r".*\.(?:ya?ml|json)", re.ASCII | re.IGNORECASE | re.DOTALL)
_QUADLET = re.compile(r".*\.(?:container|kube|image|build|pod)(?:\.d/[^/]*\.conf)?", re.ASCII | re.DOTALL)
_SYSTEMD = re.compile(r".*\.service(?:\.d/[^/]*\.conf)?", re.ASCII | re.DOTALL)
_NOMAD = re.compile(r".*\.(?:nomad|nomad\.hcl|nomad\.json)", re.ASCII | re.DOTALL)
_HCL = re.compile(r".*\.hcl", re.ASCII | re.DOTALL)
_COMPOSE = re.compile(r"(?:docker-)?compose(?:[._-][\w.-]+)?\.ya?ml", re.ASCII)
_KUBE_YAML = re.compile(r"^[ \t]*Yaml[ \t]*=[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_JOB = re.compile(rb'^[ \t]*job[ \t]+["A-Za-z_]', re.MULTILINE)

LIST_NAME = "images.txt"
DOTENV_NAME = ".env"

_RENDERED = {
    "Kustomization": "kustomize is not run here: keep its output in the repository",
    "HelmRelease": "Helm is not run here: keep the rendered manifests in the repository",
    "HelmChart": "Helm is not run here: keep the rendered manifests in the repository",
}
"""Objects that plan containers which only another tool can name."""


@dataclass(frozen=True, slots=True)
class Filed:
    """One planned container with the file that it is from."""

    planned: Plan
    file: str


@dataclass(frozen=True, slots=True)
class Gap:
    """What is not known of one file, or of a part of it."""

    name: str
    source: Source
    failure: Failure


@dataclass(frozen=True, slots=True)
class FolderPlans:
    """What the files of a folder plan, and what of that is not known."""

    filed: tuple[Filed, ...] = ()
    gaps: tuple[Gap, ...] = ()

    def __add__(self, other: FolderPlans) -> FolderPlans:
        """Both together."""
        return FolderPlans(self.filed + other.filed, self.gaps + other.gaps)


def is_plan(path: str) -> bool:
    """Whether a file's name promises that it plans containers, or that such a file refers to it."""
    name = posixpath.basename(path)
    kinds = (_YAML, _QUADLET, _SYSTEMD, _NOMAD, _HCL)
    return name in (LIST_NAME, DOTENV_NAME) or any(kind.fullmatch(path) for kind in kinds)


def plans(texts: Mapping[str, bytes], root: str = "") -> FolderPlans:
    """What the files below the folder ``root`` plan; the other ``texts`` are what they may refer to.

    YAML and JSON are told apart by what stands in them: ``services`` make a Compose file, a ``kind`` a manifest, a
    ``Job`` or ``TaskGroups`` a Nomad job; anything else, such as an application's own configuration, plans nothing.
    """
    own = {path: raw for path, raw in texts.items() if not root or path.startswith(f"{root}/")}
    kinds: dict[str, Any] = {path: _loaded(path, raw) for path, raw in own.items() if _YAML.fullmatch(path)}
    found = FolderPlans()
    for path, kind in kinds.items():
        if isinstance(kind, UnclearError):
            found += _filed(path, Source.INVENTORY, gap(path, kind))
    found += _compose(texts, {path: kind for path, kind in kinds.items() if _is_compose(path, kind)})
    taken = set(_of_kube_units(own))
    for path, kind in kinds.items():
        if isinstance(kind, list) and path not in taken and not _is_compose(path, kind):
            found += _of_documents(path, own[path], kind)
    return found + _others(own)


def _others(own: Mapping[str, bytes]) -> FolderPlans:
    """What is in files of other kinds than YAML."""
    found = _groups(quadlet.by_unit(own), Source.QUADLET)
    found += _groups(systemd.by_unit(own, lambda path: path in own), Source.SYSTEMD)
    for path, raw in own.items():
        if posixpath.basename(path) == LIST_NAME:
            found += _filed(path, Source.INVENTORY, plan_listing.plans({path: raw}))
        elif _NOMAD.fullmatch(path) or (_HCL.fullmatch(path) and _JOB.search(raw)):
            found += _filed(path, Source.NOMAD, nomad.plans({path: raw}))
    return found


def _filed(path: str, source: Source, found: Plans) -> FolderPlans:
    gaps = (Gap(printable(name, 200), source, failure) for name, failure in found.gaps.items())
    return FolderPlans(tuple(Filed(planned, path) for planned in found.planned), tuple(gaps))


# ---------------------------------------------------------------- YAML


def _loaded(path: str, raw: bytes) -> list[Any] | UnclearError | None:
    """The documents of a file that is YAML; none where it is a Nomad job by its name."""
    if _NOMAD.fullmatch(path):
        return None
    try:
        return [lenient_json.loads(text_of(raw))] if path.lower().endswith(".json") else manifest_files.documents(raw)
    except UnclearError as error:
        return error
    except JsonError as error:
        return UnclearError(error.problem.removeprefix("is "))


def _is_compose(path: str, loaded: object) -> bool:
    if not isinstance(loaded, list):
        return False
    by_name = _COMPOSE.fullmatch(posixpath.basename(path)) is not None
    return by_name or any(isinstance(one, dict) and _services(one) is not None for one in loaded)


def _services(document: Mapping[Any, Any]) -> dict[Any, Any] | None:
    """The services of a Compose file; a manifest may have a field of that name, too."""
    services = document.get("services")
    return services if isinstance(services, dict) and "kind" not in document else None


def _of_documents(path: str, raw: bytes, loaded: list[Any]) -> FolderPlans:
    objects = [one for one in loaded if isinstance(one, dict)]
    unrendered = next((_RENDERED[one["kind"]] for one in objects if one.get("kind") in _RENDERED), None)
    if unrendered:
        return _filed(path, Source.KUBERNETES, gap(path, unrendered))
    if any(isinstance(one.get("kind"), str) for one in objects):
        return _filed(path, Source.KUBERNETES, manifests.plans({path: raw}))
    if any("Job" in one or "TaskGroups" in one for one in objects):
        return _filed(path, Source.NOMAD, nomad.plans({path: raw}))
    return FolderPlans()


def _compose(texts: Mapping[str, bytes], files: Mapping[str, list[Any]]) -> FolderPlans:
    """Each Compose file is a project, its override file laid over it, unless another one refers to it."""
    parts = {part for path, loaded in files.items() for part in _referred(path, loaded)}
    found = FolderPlans()
    for project in compose_projects.projects(texts, files):
        if not parts.issuperset(project.files):
            beside = compose.Surroundings(dotenv=project.dotenv)
            found += _filed(project.files[0], Source.COMPOSE, compose.project_plans(texts, project.files, beside))
    return found


def _referred(path: str, loaded: list[Any]) -> Iterator[str]:
    """The files that a Compose file includes or takes services from, as far as they are named without variables."""
    for one in loaded:
        if not isinstance(one, dict):
            continue
        for service in (_services(one) or {}).values():
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


# ---------------------------------------------------------------- units


def _groups(units: Iterator[tuple[str, Plans]], source: Source) -> FolderPlans:
    """Units by file: what one refers to may lie anywhere in the folder."""
    found = FolderPlans()
    for path, made in units:
        found += _filed(path, source, made)
    return found


def _of_kube_units(own: Mapping[str, bytes]) -> Iterator[str]:
    """The YAML files that ``.kube`` units run: what they plan is the unit's."""
    for path, raw in own.items():
        if path.endswith(".kube"):
            for name in _KUBE_YAML.findall(raw.decode("utf-8", "replace")):
                yield posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
