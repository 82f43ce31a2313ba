"""The native parts of packages for another CPU that a program of some language may load where nobody can follow it."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner.binary.program import python_optional
from scanner.binary.program.module_files import Doubt, package_of
from scanner.binary.program.steps import Stopped

if TYPE_CHECKING:
    from scanner.binary.program.module_files import ForeignPart, Loaded, ModuleFiles

_WORD = re.compile(r"\w+")
_BY_NAME = re.compile(r"\b(?:import_module|__import__|import_string|entry_points)[ \t]*+\(")
"""By these a function imports what it is told: backends of databases, plug-ins."""


def doubt(language: str, modules: ModuleFiles, loaded: Loaded | None = None) -> Stopped | None:
    """Why nobody can tell before the image was surveyed; ``None`` where no such part was seen that counts.

    Where all was ``loaded`` that is at its start, those count that functions of it may load.
    """
    named = _Named.by(loaded) if loaded is not None and loaded.whole else None
    for path in modules.foreign_below(language):
        if named is not None and not named.has(path):
            continue
        if language == "python" and python_optional.is_forgiven(modules, path):
            continue
        if (part := _part(modules, path)) is not None:
            return Stopped(f"it may load {posixpath.basename(part.path)} ({part.path}), which {part.why}")
    return None


def _part(modules: ModuleFiles, path: str) -> ForeignPart | None:
    try:
        return modules.foreign(path)
    except Doubt:
        return modules.part(path)


@dataclass(frozen=True, slots=True)
class _Named:
    """What the modules of a start say: ``words``, and whether functions that are called import by a name."""

    words: frozenset[str]
    calls: bool
    by_name: bool
    without: frozenset[str]

    @classmethod
    def by(cls, loaded: Loaded) -> _Named:
        words = frozenset(word for text in loaded.read for word in _WORD.findall(text))
        by_name = any(_BY_NAME.search(text) for text in loaded.read)
        return cls(words, loaded.calls, by_name, frozenset(loaded.without))

    def has(self, path: str) -> bool:
        """Whether a function may load a part: it names that, or its package, or is told a name."""
        name = posixpath.basename(path).partition(".")[0]
        if path in self.without:
            return False
        if self.words.issuperset(_WORD.findall(name)):
            return True
        package = posixpath.basename(package_of(path)).partition(".")[0]
        return self.calls and (self.by_name or package in self.words)
