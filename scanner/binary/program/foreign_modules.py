"""The native parts of packages for another CPU that a program of some language may load where nobody can follow it."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from scanner.binary.program import python_optional
from scanner.binary.program.steps import Stopped

if TYPE_CHECKING:
    from scanner.binary.program.module_files import ModuleFiles


def doubt(language: str, modules: ModuleFiles, read: tuple[str, ...] | None = None) -> Stopped | None:
    """Why nobody can tell before the image was surveyed; ``None`` where no such part was seen that counts.

    Where all modules of its start were ``read``, those count that one of them names: a function of it may load them.
    """
    for path in modules.foreign_below(language):
        if read is not None and not modules.mentions(read, posixpath.basename(path).partition(".")[0]):
            continue
        if language == "python" and python_optional.is_forgiven(modules, path):
            continue
        part = modules.part(path)
        return Stopped(f"it may load {posixpath.basename(part.path)} ({part.path}), which {part.why}")
    return None
