"""Emulators that an image itself carries, for handlers of the host that find theirs inside the container only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.binary.layers.layers import NodeKind
from scanner.binary.layers.limits import LayerError
from scanner.binary.layers.unanswered import Unfetched, Unread
from scanner.binary.layers.view import Found
from scanner.domain.image.offers import Executable
from scanner.domain.platform.binfmt import interpreters

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.binary.layers.view import View


def carried(view: View, chain: Iterable[Executable]) -> tuple[Executable, ...] | None:
    """The usual emulators of the CPUs that these files are for, each under the path where it is looked for.

    Nothing is read for their sake: ``None`` where none was found in what was read, and more is there to read.
    """
    found, is_known = [], True
    needed = {file.elf.needs.architecture for file in chain if file.elf and file.elf.needs}
    for path in sorted({path for architecture in needed for path in interpreters(architecture)}):
        try:
            emulator = _emulator(view, path)
        except (Unread, Unfetched, LayerError):
            is_known = False
        else:
            found += [emulator] if emulator else []
    return tuple(found) if found or is_known else None


def _emulator(view: View, path: str) -> Executable | None:
    found = view.lookup(path)
    if not isinstance(found, Found) or found.node.kind is not NodeKind.FILE or not found.node.executable:
        return None
    content = view.content(found)
    return Executable(path, "emulator", content.kind, content.elf) if content else None


def cpus_of(files: tuple[Executable, ...]) -> frozenset[str]:
    """The CPUs that files are for."""
    return frozenset(
        file.elf.needs.architecture if file.elf.needs else f"machine {file.elf.machine}" for file in files if file.elf
    )
