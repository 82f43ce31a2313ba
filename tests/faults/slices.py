"""Counts how often the event loop of a service works for long at a time: ``python -m tests.faults.slices FILE serve …``.

What counts is the processor time of the loop's own thread from one event to the next: other programs on the machine do
not add to it, nor does a wait for the interpreter's lock.
"""

from __future__ import annotations

import asyncio.events
import json
import signal
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import FrameType

LONG_S = 0.05
"""Health is asked for at any moment and must answer in 0.2 s: four such slices in a row would just do."""

_run = asyncio.events.Handle._run


EVERY_S = 0.01
"""Of the process's processor time: one look at what the loop's thread does."""


class Watch:
    """Writes every long slice, as a line of JSON, to a file at once: a service may be killed."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seen: Counter[str] = Counter()
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def run(self, handle: asyncio.Handle) -> Any:
        """In place of ``Handle._run``."""
        what, began = handle._callback, time.thread_time()
        self._seen.clear()
        try:
            return _run(handle)
        finally:
            took_s = time.thread_time() - began
            if took_s >= LONG_S:
                self._write(what, took_s)

    def _look(self, _signal: int, frame: FrameType | None) -> None:
        found = []
        while frame is not None and frame.f_code is not _run.__code__:
            found.append(f"{frame.f_code.co_filename.rpartition('site-packages/')[2]}:{frame.f_lineno}")
            frame = frame.f_back
        self._seen[" < ".join(found[:12])] += 1

    def _write(self, what: Any, took_s: float) -> None:
        task = getattr(what, "__self__", None)
        shown = f"{task.get_name()} {task.get_coro()!r}" if isinstance(task, asyncio.Task) else repr(what)
        line = {"seconds": round(took_s, 3), "what": shown[:300], "seen": self._seen.most_common(3)}
        with self._file.open("a") as stream:
            stream.write(json.dumps(line) + "\n")


def watched(file: Path) -> None:
    """From now on, in this process."""
    watch = Watch(file)

    def run(handle: asyncio.Handle) -> Any:
        return watch.run(handle)  # a function, so that handles bind it

    asyncio.events.Handle._run = run


if __name__ == "__main__":
    watched(Path(sys.argv.pop(1)))
    from scanner.app.main import main

    main()
