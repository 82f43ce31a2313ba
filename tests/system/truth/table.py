"""Every kind of image whose verdict is held against what real engines make of it."""

from __future__ import annotations

from tests.system.truth import (
    archives,
    artifacts,
    binaries,
    commands,
    documents,
    elves,
    forms,
    launchers,
    libraries,
    pipes,
    scripts,
    shells,
    steps_before,
    surroundings,
    trees,
    userlands,
    values,
)

MODULES = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        *(documents, forms, artifacts, archives, surroundings, commands, trees, userlands),
        *(elves, binaries, scripts),
        *(shells, steps_before, pipes, values, launchers, libraries),
    )
}
"""The tables by their names: first what an engine selects, what it makes of the config, how it unpacks; then what a
kernel makes of a file; then what happens behind the first program, which is the image's own whatever started it."""

KINDS = tuple(kind for module in MODULES.values() for kind in module.KINDS)
