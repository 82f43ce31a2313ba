"""The files of an image as an interpreter that looks for modules sees them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.binary.program.shell.image_paths import PathKind
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
    from scanner.binary.layers.layers import Node
    from scanner.binary.program.image_files import ImageFiles
    from scanner.domain.image.offers import Elf

MAX_MODULES = 32
"""Modules of one program that are read for what they load in turn."""

CHARS_A_MICROSECOND = 100


class Doubt(Exception):  # noqa: N818 - an answer, not an error
    """What a module does, or where it stands, is known at run time only."""


@dataclass(frozen=True, slots=True)
class ForeignPart:
    """A native part that is loaded and is for another CPU than the interpreter; ``why`` says so."""

    path: str
    why: str


@dataclass(slots=True)
class ModuleFiles:
    """What stands where a module is looked for; ``own`` is the interpreter's own header."""

    files: ImageFiles
    own: Elf
    _read: dict[str, str] = field(default_factory=dict)
    _named: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)

    def holds_foreign(self) -> bool:
        """Whether any native part may be for another CPU, as far as layers were read: for healthy images none is read."""
        return any(
            map(self._may_be_foreign, self.files.view.named_so_far(lambda name: name.endswith((".so", ".node"))))
        )

    def _may_be_foreign(self, node: Node) -> bool:
        if node.content is None:
            return node.extent is not None  # it was not fetched
        return node.content.elf is not None and not self._is_native(node.content.elf)

    def _is_native(self, part: Elf) -> bool:
        own = self.own
        return (part.machine, part.bits, part.byte_order) == (own.machine, own.bits, own.byte_order)

    def is_file(self, path: str) -> bool:
        """Whether a file stands there; raises ``Doubt`` where nobody can tell."""
        return self._kind(path) is PathKind.FILE

    def is_directory(self, path: str) -> bool:
        """Whether a directory stands there; raises ``Doubt`` where nobody can tell."""
        return self._kind(path) is PathKind.DIRECTORY

    def _kind(self, path: str) -> PathKind:
        kind = self.files.stands(path).kind
        if kind in {PathKind.UNKNOWN, PathKind.OTHER}:
            raise Doubt
        return kind

    def real(self, path: str) -> str:
        """Where a path leads, all links followed."""
        return self.files.stands(path).path or path

    def named(self, directory: str, module: str) -> tuple[str, ...]:
        """The names in a directory that a module may be found by; raises ``Doubt`` where they are not known."""
        spend()
        if directory not in self._named:
            names = self.files.names(directory)
            if names is None:
                raise Doubt
            of_module: dict[str, list[str]] = {}
            for name in names:
                of_module.setdefault(name.partition(".")[0], []).append(name)
            self._named[directory] = {module: tuple(each) for module, each in of_module.items()}
        return self._named[directory].get(module, ())

    def text(self, path: str) -> str:
        """The text of a module, each once: empty for one that was read before. Raises ``Doubt`` where it is not at hand."""
        if path in self._read:
            return ""
        text = self.files.kept_text(path)
        if text is None or len(self._read) >= MAX_MODULES:
            raise Doubt
        spend(1 + len(text) // CHARS_A_MICROSECOND)
        self._read[path] = text.decode("utf-8", "replace")
        return self._read[path]

    def lines_with(self, path: str, word: str) -> tuple[str, ...]:
        """The lines of a module that was read in which a word, or an asterisk for any, stands."""
        text = self._read.get(path, "")
        spend(1 + len(text) // CHARS_A_MICROSECOND)
        return tuple(each for each in text.splitlines() if re.search(rf"\b{re.escape(word)}\b|\*", each))

    def is_package(self, path: str) -> bool:
        """Whether a directory says itself that it is a package."""
        ends = (".py", ".pyc")
        return any(self.files.stands(f"{path}/__init__{end}").kind is not PathKind.MISSING for end in ends)

    def foreign(self, path: str) -> ForeignPart | None:
        """A native part that the interpreter cannot load for its CPU; raises ``Doubt`` where it was not read."""
        content = self.files.content(path)
        part = content.elf if content is not None else None
        if part is None or part.needs is None or self.own.needs is None:
            raise Doubt
        if self._is_native(part):
            return None
        return ForeignPart(path, f"is for {part.needs.architecture}, its interpreter for {self.own.needs.architecture}")
