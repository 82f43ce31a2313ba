"""Tells of what only Helm or kustomize can name: charts, kustomizations, the files that these render."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Any

from scanner.probe.planned.file_kinds import Kind, RecognizedFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_PROBLEMS = {
    Kind.KUSTOMIZATION: "kustomize is not run here: keep its output in the repository",
    Kind.CHART: "Helm is not run here: keep the rendered manifests in the repository",
}

_OF_CHARTS = ("templates", "charts", "crds")
"""Folders of a chart whose files Helm renders or installs."""

_RESOURCES = ("resources", "bases", "components")
_PATCHES = ("patches", "patchesStrategicMerge", "patchesJson6902", "replacements", "transformers", "generators")
_CHANGES = ("images", "helmCharts", "helmChartInflationGenerator", "validators", *_PATCHES, "components")
"""Fields by which the containers of the resources may become others than their files say."""


def problem(told: RecognizedFile) -> str:
    """Why the containers of a chart or a kustomization are not known; empty for other kinds."""
    return _PROBLEMS.get(told.kind, "")


def covered(kinds: Mapping[str, RecognizedFile]) -> Iterator[str]:
    """The files that a chart renders, and those that a kustomization may change: what they say is not what will run."""
    charts = [posixpath.dirname(path) for path, told in kinds.items() if told.kind is Kind.CHART]
    folders = {posixpath.join(chart, name) for chart in charts for name in _OF_CHARTS}
    yield from (path for path in kinds if not folders.isdisjoint(_above(path)))
    files = {path: told for path, told in kinds.items() if told.kind is Kind.KUSTOMIZATION}
    by_folder = {posixpath.dirname(path): path for path in files}
    todo = [path for path, told in files.items() if any(_field(told, key) for key in _CHANGES)]
    seen = set(todo)
    for path, told in files.items():
        yield from (name for name in _named(path, told, _PATCHES) if name in kinds)
    while todo:
        path = todo.pop()
        for name in _named(path, files[path], _RESOURCES):
            below = by_folder.get(name)
            if below and below not in seen:
                seen.add(below)
                todo.append(below)
            elif name in kinds and name not in files:
                yield name


def _above(path: str) -> Iterator[str]:
    """The folders that a file lies in."""
    while path:
        path = path.rpartition("/")[0]
        yield path


def _field(told: RecognizedFile, key: str) -> list[Any]:
    found = [one.get(key) for one in told.documents if isinstance(one, dict)]
    return [value for one in found if isinstance(one, list) for value in one]


def _named(path: str, told: RecognizedFile, keys: tuple[str, ...]) -> Iterator[str]:
    """The files and folders that fields name, from the top of the plan directory."""
    for value in (value for key in keys for value in _field(told, key)):
        name = value.get("path") if isinstance(value, dict) else value
        if isinstance(name, str) and "\n" not in name:  # a patch may stand there itself
            yield posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
