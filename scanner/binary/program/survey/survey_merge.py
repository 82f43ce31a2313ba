"""The surveys of an image's layers laid over each other, as an overlay file system lays the layers."""

from __future__ import annotations

import struct
from dataclasses import replace
from typing import TYPE_CHECKING

from scanner.binary.layers.layers import ancestors_and_self
from scanner.binary.program.survey.survey import fingerprint
from scanner.domain.image.image_survey import ImageSurvey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from scanner.domain.image.image_survey import LayerSurvey, SurveyedFile


def merge(layers: Iterable[LayerSurvey]) -> ImageSurvey:
    """What the image holds; ``layers`` bottom first, as a manifest lists them. Costs what changes, layer by layer."""
    tree = _Tree()
    for layer in layers:
        tree.apply(layer)
    return ImageSurvey(
        files={f"/{path}": replace(file, path=f"/{path}") for path, file in sorted(tree.files.items())},
        links={f"/{path}": target for path, target in sorted(tree.links.items())},
        searched=tuple(dict.fromkeys(d for _, added in sorted(tree.searched.items()) for d in added)),
    )


class _Tree:
    """The layers so far, with every directory that leads to something that is kept."""

    def __init__(self) -> None:
        self.files: dict[str, SurveyedFile] = {}
        self.links: dict[str, str] = {}
        self.searched: dict[str, tuple[str, ...]] = {}
        self._children: dict[str, set[str]] = {}
        self._paths: dict[int, str] = {}

    def apply(self, layer: LayerSurvey) -> None:
        """Lay one more layer on top."""
        hard = {path: self.files.get(target) for path, target in layer.hard_links.items()}
        self._delete(layer)
        for path, target in layer.links.items():
            self._remove(path)
            self._add(path)
            self.links[path] = target
        for file in layer.files:
            self._put(file.path, file)
        for path, linked in hard.items():
            self._remove(path)
            if linked is not None:
                self._put(path, linked)
        for path, directories in layer.searched.items():
            self._add(path)
            self.searched[path] = directories

    def _delete(self, layer: LayerSurvey) -> None:
        """Take away what the layer deletes or replaces by something that is not kept."""
        for directory in layer.opaques:
            self._remove_below(directory)
        for path in layer.whiteouts:
            self._remove(path)
        for print_ in _unpacked(layer.covered):
            if path := self._paths.get(print_, ""):
                self._remove(path)
        for print_ in _unpacked(layer.directories):
            if path := self._paths.get(print_, ""):
                self._drop(path)

    def _put(self, path: str, file: SurveyedFile) -> None:
        self._remove(path)
        self._add(path)
        self.files[path] = file

    def _add(self, path: str) -> None:
        """Make the directories that lead to a path; what stood in their place is replaced."""
        above = ""
        for each in ancestors_and_self(path):
            if each != path:
                self._drop(each)
            if each not in self._children.setdefault(above, set()):
                self._children[above].add(each)
                self._paths[fingerprint(each)] = each
            above = each

    def _drop(self, path: str) -> None:
        """Forget what stands at a path itself, not what is below."""
        self.files.pop(path, None)
        self.links.pop(path, None)
        self.searched.pop(path, None)

    def _remove(self, path: str) -> None:
        self._remove_below(path)
        self._drop(path)

    def _remove_below(self, path: str) -> None:
        todo = list(self._children.pop(path, ()))
        while todo:
            below = todo.pop()
            self._drop(below)
            self._paths.pop(fingerprint(below), None)
            todo += self._children.pop(below, ())


def _unpacked(packed: bytes) -> Iterator[int]:
    return (each for (each,) in struct.iter_unpack(">Q", packed))
