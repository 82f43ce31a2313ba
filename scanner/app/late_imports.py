"""Imports that a command alone waits for, not all of them."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from scanner import ending

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def late_imports() -> Iterator[None]:
    """Within this an interrupt ends the process at once.

    Python itself drops one that falls into certain moments of an import, some of them with its lock held; an event loop
    hears of it once the import is over, which takes many seconds from a cold or busy disk.
    """
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, ending.at_once)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
