"""Imports that a command alone waits for, not all of them."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

INTERRUPTED = 130
"""128 and the number of SIGINT, as shells say it."""


@contextmanager
def late_imports() -> Iterator[None]:
    """Within this an interrupt that would be raised ends the process at once.

    Python itself drops one that falls into certain moments of an import, some of them with its lock held.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # an event loop's raises nothing
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
