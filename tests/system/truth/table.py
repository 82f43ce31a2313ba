"""Every kind of image whose verdict is held against what real engines make of it."""

from __future__ import annotations

from tests.system.truth import (
    archives,
    binaries,
    commands,
    documents,
    elves,
    forms,
    launchers,
    libraries,
    scripts,
    shells,
    surroundings,
    trees,
    userlands,
)

FOLLOWED = shells.KINDS + launchers.KINDS + libraries.KINDS
"""What happens behind the first program: shells, launchers and loaders are the image's own, whatever engine started it."""

OF_THE_KERNEL = binaries.KINDS + scripts.KINDS + elves.KINDS
"""What a kernel makes of a file; only runtimes that look at it first can differ."""

OF_THE_ENGINE = (
    forms.KINDS + documents.KINDS + commands.KINDS + surroundings.KINDS + trees.KINDS + archives.KINDS + userlands.KINDS
)
"""What an engine selects, what it makes of the config, how it unpacks."""

KINDS = OF_THE_ENGINE + OF_THE_KERNEL + FOLLOWED

ENGINE_KINDS = OF_THE_ENGINE + OF_THE_KERNEL

PODMAN_KINDS = tuple(kind for kind in OF_THE_ENGINE if not kind.overlay)
"""What Podman and containerd may treat otherwise; their storage drivers here (vfs, native) write through symbolic links."""
