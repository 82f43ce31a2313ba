"""How much something works: by the calls that it makes, of which a busy machine makes neither more nor fewer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def calls(work: Callable[[], object]) -> int:
    """Calls and returns of functions, those of C included, until it ends or raises."""
    counted = 0

    def count(*_event: object) -> None:
        nonlocal counted
        counted += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted
