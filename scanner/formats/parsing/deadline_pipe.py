"""Two pipes to a process, each used until a moment by whichever thread asks.

A thread of its own that kills the process once it is late would do as well, and costs more than most answers do.
"""

from __future__ import annotations

import os
import select
import time
from dataclasses import dataclass

PIECE_BYTES = 1 << 20
"""At most taken from a pipe at once; the kernel holds 64 KiB in one."""


@dataclass(frozen=True, slots=True)
class DeadlinePipe:
    """``incoming`` and ``outgoing`` are descriptors of ours, which no longer block; moments are those of ``time.monotonic``."""

    incoming: int
    outgoing: int

    def __post_init__(self) -> None:
        """Waiting is ours, not the kernel's."""
        os.set_blocking(self.incoming, False)
        os.set_blocking(self.outgoing, False)

    def send(self, data: bytes, until: float) -> None:
        """Write all of it.

        Raises:
            TimeoutError: the process did not take it by then.
            OSError: the process is gone.
        """
        remaining = memoryview(data)
        while remaining:
            try:
                remaining = remaining[os.write(self.outgoing, remaining) :]
            except BlockingIOError:
                _wait(self.outgoing, select.POLLOUT, until)

    def take(self, count: int, until: float) -> bytearray:
        """Read so many bytes.

        Raises:
            TimeoutError: the process did not say them by then.
            BrokenPipeError: the process is gone.
        """
        found = bytearray()
        while len(found) < count:
            try:
                piece = os.read(self.incoming, min(count - len(found), PIECE_BYTES))
            except BlockingIOError:
                _wait(self.incoming, select.POLLIN, until)
                continue
            if not piece:
                raise BrokenPipeError
            found += piece
        return found


def _wait(descriptor: int, event: int, until: float) -> None:
    poll = select.poll()
    poll.register(descriptor, event)
    if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
        raise TimeoutError
