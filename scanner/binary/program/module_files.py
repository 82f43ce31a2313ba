"""The files of an image as an interpreter that looks for modules sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scanner.binary.program.shell.image_paths import PathKind
from scanner.formats.parsing.patience import spend

if TYPE_CHECKING:
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
    _read: set[str] = field(default_factory=set)

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

    def names(self, directory: str) -> tuple[str, ...]:
        """The names in a directory; raises ``Doubt`` where they are not known."""
        names = self.files.names(directory)
        if names is None:
            raise Doubt
        return names

    def text(self, path: str) -> str:
        """The text of a module, each once: empty for one that was read before. Raises ``Doubt`` where it is not at hand."""
        if path in self._read:
            return ""
        self._read.add(path)
        text = self.files.kept_text(path)
        if text is None or len(self._read) > MAX_MODULES:
            raise Doubt
        spend(1 + len(text) // CHARS_A_MICROSECOND)
        return text.decode("utf-8", "replace")

    def foreign(self, path: str) -> ForeignPart | None:
        """A native part that the interpreter cannot load for its CPU; raises ``Doubt`` where it was not read."""
        content = self.files.content(path)
        part = content.elf if content is not None else None
        if part is None or part.needs is None or self.own.needs is None:
            raise Doubt
        if (part.machine, part.bits, part.byte_order) == (self.own.machine, self.own.bits, self.own.byte_order):
            return None
        return ForeignPart(path, f"is for {part.needs.architecture}, its interpreter for {self.own.needs.architecture}")
