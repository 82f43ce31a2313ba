"""A call of a parsing process whose pipes an event loop watches: no thread passes the interpreter's lock for it ten times."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

from scanner.formats.parsing.offload_worker import LENGTH_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from scanner.formats.parsing.deadline_pipe import DeadlinePipe

PIECE_BYTES = 64 << 10
"""Taken at once, as much as the kernel holds: others have their turn between two pieces."""

Heard = bytearray | Exception
"""An answer, or why there is none: as ``DeadlinePipe`` raises it."""


class WatchedExchange:
    """Sends ``request``, hears the answer; whatever comes first, that or a reason why it does not come, is handed to ``heard`` once."""

    def __init__(self, pipe: DeadlinePipe, max_bytes: int, heard: Callable[[Heard], None]) -> None:
        self.loop = asyncio.get_running_loop()
        self._pipe, self._max_bytes, self._heard = pipe, max_bytes, heard
        self._unsent = memoryview(b"")
        self._answer = bytearray()
        self._is_over = False
        self._late: asyncio.TimerHandle | None = None

    def begin(self, request: bytes, seconds: float) -> None:
        """Send the request, give up after so many seconds."""
        self._unsent = memoryview(request)
        self._late = self.loop.call_later(seconds, self.end, TimeoutError())
        self.loop.add_reader(self._pipe.incoming, self._read)
        self._write()
        if self._unsent and not self._is_over:
            self.loop.add_writer(self._pipe.outgoing, self._write)

    def end(self, found: Heard) -> None:
        """It is over, be it because nobody waits any more."""
        if self._is_over:
            return
        self._is_over = True
        if self._late is not None:
            self._late.cancel()
        if not self.loop.is_closed():
            self.loop.remove_reader(self._pipe.incoming)
            self.loop.remove_writer(self._pipe.outgoing)
        self._heard(found)

    def end_from_elsewhere(self) -> None:
        """The same from any thread: the process was ended."""
        try:
            is_here = asyncio.get_running_loop() is self.loop
        except RuntimeError:
            is_here = False
        if is_here or not self.loop.is_running():
            self.end(BrokenPipeError())
            return
        with contextlib.suppress(RuntimeError):  # it is over meanwhile
            self.loop.call_soon_threadsafe(self.end, BrokenPipeError())

    def _write(self) -> None:
        try:
            self._unsent = self._unsent[os.write(self._pipe.outgoing, self._unsent) :]
        except BlockingIOError:
            return
        except OSError as error:
            self.end(error)
            return
        if not self._unsent:
            self.loop.remove_writer(self._pipe.outgoing)

    def _read(self) -> None:
        try:
            piece = os.read(self._pipe.incoming, PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self.end(error)
            return
        if not piece:
            self.end(BrokenPipeError())
            return
        self._answer += piece
        if len(self._answer) < LENGTH_BYTES:
            return
        length = int.from_bytes(self._answer[:LENGTH_BYTES], "big")
        missing = LENGTH_BYTES + length - len(self._answer)
        if length > self._max_bytes or missing < 0:
            self.end(ValueError("the answer is too long"))
        elif not missing:
            self.end(self._answer[LENGTH_BYTES:])
