"""The kinds of images that are run by a real engine in every test run; all the others are judged by what was recorded."""

from __future__ import annotations

from tests.system.truth.pending import PENDING
from tests.system.truth.table import MODULES

EVERY = 12
"""One kind in so many of each table: with all of its tables the oldest and the newest engine together take less than
four minutes of two quiet cores."""

SAMPLE = tuple(
    kind for module in MODULES.values() for kind in module.KINDS[::EVERY] if not kind.overlay and kind.id not in PENDING
)
