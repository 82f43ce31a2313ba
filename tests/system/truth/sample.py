"""The kinds of images that are run by a real engine in every test run; all the others are judged by what was recorded."""

from __future__ import annotations

from tests.system.truth.build import Kind
from tests.system.truth.pending import PENDING
from tests.system.truth.table import MODULES

EVERY = 12
"""One kind in so many of each table: with all of its tables the oldest and the newest engine together take less than
four minutes of two quiet cores."""


def _of(*modules: str) -> tuple[Kind, ...]:
    kinds = (kind for name in modules for kind in MODULES[name].KINDS[::EVERY])
    return tuple(kind for kind in kinds if not kind.overlay and kind.id not in PENDING)


OF_THE_ENGINE = _of("documents", "forms", "archives", "surroundings", "commands", "trees", "userlands")
"""What engines may differ in."""

SAMPLE = OF_THE_ENGINE + _of("elves", "binaries", "scripts", "shells", "launchers", "libraries")
"""All of it."""
