"""A parsing process as its parent has it: started anew, asked one thing after the other, ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from scanner.formats.parsing import offload_worker
from scanner.formats.parsing.deadline_pipe import DeadlinePipe
from scanner.formats.parsing.offload_worker import LENGTH_BYTES
from scanner.formats.parsing.watched_exchange import WatchedExchange

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.formats.parsing.watched_exchange import Heard

END_WITHIN_S = 5.0
"""A killed process is gone at once, unless the disk that it waits for is."""

_BOOT = (
    "import sys,json;sys.path[:]=json.loads(sys.argv[1]);from scanner.formats.parsing.offload_worker import main;main()"
)


def started_anew(told: list[str]) -> subprocess.Popen[bytes]:
    """A process that executes Python anew, told where modules are and what is shared."""
    return subprocess.Popen(  # noqa: S603 -- our own interpreter
        [sys.executable, "-I", "-S", "-c", _BOOT, *told],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={},
        close_fds=True,
        start_new_session=True,
    )


class Worker:
    """One process with its two pipes."""

    def __init__(self, shared: frozenset[str]) -> None:
        self.calls = 0
        self._process = started_anew(_told(shared))
        assert self._process.stdin is not None  # noqa: S101 -- both are pipes
        assert self._process.stdout is not None  # noqa: S101 -- the same
        self._pipe = DeadlinePipe(self._process.stdout.fileno(), self._process.stdin.fileno())

    def exchange(self, request: bytes, max_bytes: int, until: float) -> bytearray:
        """Send a call, take its answer, by a moment of ``time.monotonic``.

        Raises:
            TimeoutError: it takes longer.
            OSError: the process is gone.
            ValueError: its answer is longer than ``max_bytes``.
        """
        self.calls += 1
        self._pipe.send(offload_worker.message(request), until)
        length = int.from_bytes(self._pipe.take(LENGTH_BYTES, until), "big")
        if length > max_bytes:
            raise ValueError("the answer is too long")
        return self._pipe.take(length, until)

    def watched(self, max_bytes: int, heard: Callable[[Heard], None]) -> WatchedExchange:
        """The same with its pipes watched by the loop that runs, still to be begun."""
        self.calls += 1
        return WatchedExchange(self._pipe, max_bytes, heard)

    def kill(self) -> None:
        """End it; whoever waits for its answer gets an ``OSError``."""
        self._process.kill()

    def end(self) -> str:
        """The signal that ended it, where one did; it is gone already."""
        try:
            status = self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            return ""
        return _signal(-status) if status < 0 else ""

    def close(self) -> int:
        """End it, reap it; gives its exit status."""
        self._process.kill()
        with contextlib.suppress(OSError):
            self._process.communicate(timeout=END_WITHIN_S)
        return self._process.wait(END_WITHIN_S)


def _signal(number: int) -> str:
    """Its name; of those for real time only the first and the last have one."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _told(shared: frozenset[str]) -> list[str]:
    """What a worker is told as it starts: where modules are, what is shared."""
    places = [os.path.abspath(path) for path in sys.path]  # noqa: PTH100 -- text
    return [json.dumps(places), json.dumps(sorted(shared))]
