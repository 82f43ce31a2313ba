"""Tells what is wrong with the directory that a process is to start in.

Engines make one that is missing; they refuse one that cannot be made because something else stands in its place.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.binary.layers.layers import NodeKind, ancestors_and_self
from scanner.binary.layers.view import Absence
from scanner.binary.program.image_files import is_mounted
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Objection
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.reason import Reason

if TYPE_CHECKING:
    from scanner.binary.layers.view import View
    from scanner.binary.program.argv import Command

_NOT_THE_IMAGES = ("/proc", "/sys", "/dev")
_OF_THE_KERNEL = re.compile(r"/(?:proc|sys)/(?!(?:1|self)$)", re.ASCII)
"""What nobody can make a directory below; those that the kernel has differ from host to host."""

MAX_NAME_BYTES = 255
"""Of one part of a path (NAME_MAX in include/uapi/linux/limits.h)."""


def weigh(view: View, command: Command) -> Failure | Objection | None:
    """Why the process cannot start in its directory; raises what the view raises."""
    written = command.written.working_dir
    if written and not written.startswith("/"):
        return Objection(Condition.WORKDIR_RELATIVE, _invalid(written, "is not absolute"))
    directory = command.cwd
    if any(len(part.encode("utf-8", "replace")) > MAX_NAME_BYTES for part in directory.split("/")):
        return _invalid(directory, f"has a part of more than {MAX_NAME_BYTES} bytes")
    if _OF_THE_KERNEL.match(directory) and not is_mounted(directory, command.mounts):
        why = f"its working directory {directory!r} is the kernel's to have, and nobody can make it"
        return Failure(Reason.BINARY_UNKNOWN, why, path=directory)
    if directory == "/" or is_mounted(directory, (*command.mounts, *_NOT_THE_IMAGES)):
        return None
    found = view.lookup(directory)
    match found:
        case Absence.MISSING:
            return _dangling(view, directory) or _missing(command)
        case Absence.NOT_A_DIRECTORY | Absence.LOOP:
            return _invalid(directory, f"cannot be made: {found.value}")
    if found.node.kind is NodeKind.DIRECTORY:
        return None
    return _invalid(directory, f"is a {found.node.kind.value} in the image")


def _dangling(view: View, directory: str) -> Objection | None:
    """Where the first part that leads nowhere is a symbolic link, some engines make its target, others refuse it."""
    for part in ancestors_and_self(directory.strip("/")):
        if isinstance(view.lookup(f"/{part}"), Absence):
            if not view.is_symlink(f"/{part}"):
                return None
            return Objection(Condition.WORKDIR_DANGLING, _invalid(directory, f"leads through /{part}, a dangling link"))
    return None


def _missing(command: Command) -> Objection | None:
    """Every engine makes the image's own directory; not every one makes what a container says instead."""
    if not command.written.overrides_working_dir or is_mounted(command.cwd, command.volumes):
        return None
    return Objection(Condition.WORKDIR_MISSING, _invalid(command.cwd, "is not in the image"))


def _invalid(directory: str, why: str) -> Failure:
    return Failure(Reason.WORKDIR_INVALID, f"its working directory {directory!r} {why}", path=directory)
