"""Every binary that an image holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scanner.binary.layers.limits import limit_reached
from scanner.domain.facts import Executable, FileKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scanner.binary.layers.layers import LayerIndex

MAX_BINARIES = 50_000
"""Of one image; a full desktop distribution has a tenth."""

_SHARED_LIBRARY = re.compile(r"\.so(?:\.[0-9.]+)?$")


def binaries(layers: Sequence[LayerIndex]) -> tuple[Executable, ...]:
    """The executable ELF files that are visible through all layers (top first), each path once, sorted."""
    found = []
    for number, layer in enumerate(layers):
        for executable in _of(layer):
            if not any(above.get(executable.path[1:]) or above.hides(executable.path[1:]) for above in layers[:number]):
                found.append(executable)
                if len(found) > MAX_BINARIES:
                    raise limit_reached(f"the image holds more than {MAX_BINARIES} binaries")
    return tuple(sorted(found, key=lambda executable: executable.path))


def _of(layer: LayerIndex) -> Iterator[Executable]:
    for path, node in layer.nodes.items():
        if not node.executable or node.content is None or node.content.elf is None:
            continue
        library = _SHARED_LIBRARY.search(path) and not node.content.elf.interpreter
        if not library and layer.visible(path):
            yield Executable(f"/{path}", "binary", FileKind.ELF, node.content.elf)
