"""The native parts of packages for another CPU that a program of some language may load where nobody can follow it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scanner.binary.program import python_optional
from scanner.binary.program.steps import Stopped

if TYPE_CHECKING:
    from scanner.binary.program.module_files import ModuleFiles


def doubt(language: str, modules: ModuleFiles) -> Stopped | None:
    """Why nobody can tell before the image was surveyed; ``None`` where no such part was seen that counts."""
    for path in modules.foreign_below(language):
        if language == "python" and python_optional.is_forgiven(modules, path):
            continue
        part = modules.part(path)
        return Stopped(f"it may load {posixpath.basename(part.path)} ({part.path}), which {part.why}")
    return None
