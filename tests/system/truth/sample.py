"""The kinds of images that are run by a real engine in every test run; all the others are judged by what was recorded."""

from __future__ import annotations

import os

from tests.system.truth.build import Kind
from tests.system.truth.pending import PENDING
from tests.system.truth.table import MODULES

EVERY = int(os.environ.get("TRUTH_EVERY", "24"))
"""One kind in so many of each table; ``make engines`` asks for one in twelve. With all of the tables an engine takes a
minute of two quiet cores."""

OTHERS = 12
"""Where the oldest engine begins, so that it and the newer one run different kinds unless both run all of them."""


def _of(first: int, *modules: str) -> tuple[Kind, ...]:
    kinds = (kind for name in modules for kind in MODULES[name].KINDS[first % EVERY :: EVERY])
    return tuple(kind for kind in kinds if not kind.overlay and kind.id not in PENDING)


_ENGINE = ("documents", "forms", "archives", "surroundings", "commands", "trees", "userlands")
_KERNEL = ("elves", "binaries", "scripts", "shells", "launchers", "libraries")

OF_THE_ENGINE = _of(0, *_ENGINE)
"""What engines may differ in."""

NEWER_SAMPLE = OF_THE_ENGINE + _of(0, *_KERNEL)
"""All of it."""

OLDEST_SAMPLE = _of(OTHERS, *_ENGINE, *_KERNEL)
"""The same of other kinds."""
