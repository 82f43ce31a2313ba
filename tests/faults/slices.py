"""Counts how often the event loop of a service works for long at a time: ``python -m tests.faults.slices FILE serve …``.

What counts is the processor time of the loop's own thread from one look at the network to the next, which is what health
waits for: other programs on the machine do not add to it, nor does a wait for the interpreter's lock.
"""

from __future__ import annotations

import asyncio.events
import gc
import json
import selectors
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType

LONG_S = 0.05
"""Health is asked for at any moment and must answer in 0.2 s: four such slices in a row would just do."""

EVERY_S = 0.01
"""Of the process's processor time: one look at what the loop's thread does."""


_select = selectors.EpollSelector.select


class Watch:
    """Writes every long slice, as a line of JSON, to a file at once: a service may be killed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._began: float | None = None
        self._count = 0
        self._seen: Counter[str] = Counter()
        self._collecting_s = 0.0
        self._collects_since = 0.0
        gc.callbacks.append(self._collected)
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def select(self, selector: selectors.EpollSelector, timeout: float | None = None) -> list:
        """In place of the selector's own: a slice ends here, the next begins."""
        now = time.thread_time()
        self._count += 1
        if self._began is not None and now - self._began >= LONG_S:
            self._write(now - self._began)
        try:
            return _select(selector, timeout)
        finally:
            self._seen.clear()
            self._collecting_s = 0.0
            self._began = time.thread_time()

    def _collected(self, phase: str, _about: dict[str, int]) -> None:
        """The collector of cycles ran, whichever thread made the last object."""
        now = time.thread_time()
        if phase == "start":
            self._collects_since = now
        elif threading.current_thread() is threading.main_thread():
            self._collecting_s += now - self._collects_since

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        found = []
        while frame is not None and frame.f_code is not asyncio.events.Handle._run.__code__:
            found.append(f"{frame.f_code.co_filename.rpartition('site-packages/')[2]}:{frame.f_lineno}")
            frame = frame.f_back
        self._seen[" < ".join(found[:12])] += 1

    def _write(self, took_s: float) -> None:
        with self._file.open("a") as stream:
            stream.write(
                json.dumps(
                    {
                        "seconds": round(took_s, 3),
                        "collecting": round(self._collecting_s, 3),
                        "of": self._count,
                        "seen": self._seen.most_common(3),
                    }
                )
                + "\n"
            )


def watched(file: Path) -> None:
    """From now on, in this process."""
    watch = Watch(file)

    def select(selector: selectors.EpollSelector, timeout: float | None = None) -> list:
        return watch.select(selector, timeout)  # a function, so that selectors bind it

    selectors.EpollSelector.select = select


if __name__ == "__main__":
    watched(Path(sys.argv.pop(1)))
    from scanner.app.main import main

    main()
