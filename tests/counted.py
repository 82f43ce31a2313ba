"""How much something works: by the calls that it makes, of which a busy machine makes neither more nor fewer."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BEYOND_S = 60.0
"""Of a processor. Inputs are chosen so large that work in their proportion takes a hundredth of it, the square minutes."""


@contextmanager
def in_proportion() -> Iterator[None]:
    """Whoever works mostly in C, in one regular expression perhaps, makes no calls to be counted: it must only end."""
    began = time.process_time()
    yield
    assert time.process_time() - began < BEYOND_S


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
