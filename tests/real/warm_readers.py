"""The processes in which commands read strangers' documents, as copies of the parent of commands.

A start of Python with all that such a process imports costs half a second of a processor, more than most commands do.
That it is shut in, bounded and ended is the same; that Python begins anew is what the tests of ``offload`` themselves show.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess

from tests.real import forwarded


class Reader:
    """What ``offload`` uses of ``subprocess.Popen``."""

    def __init__(self, address: str, told: list[str]) -> None:
        taken, given = os.pipe()
        answered, written = os.pipe()
        self.stdin, self.stdout = os.fdopen(given, "wb"), os.fdopen(answered, "rb")
        nothing = os.open(os.devnull, os.O_WRONLY)
        try:
            self._line: socket.socket = forwarded.asked(
                address, told, {}, "/", (taken, written, nothing), forwarded.READER
            )
        except BaseException:
            self._close()
            raise
        finally:
            for number in (taken, written, nothing):
                os.close(number)
        self._pid = forwarded.told(self._line)
        self._code: int | None = None

    def kill(self) -> None:
        """End it, unless it has ended."""
        if self._code is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)

    def wait(self, timeout: float) -> int:
        """Its exit code, below zero for a signal.

        Raises:
            subprocess.TimeoutExpired: it has not ended in time.
        """
        if self._code is None:
            self._line.settimeout(timeout)
            try:
                self._code = os.waitstatus_to_exitcode(forwarded.told(self._line))
            except TimeoutError:
                raise subprocess.TimeoutExpired("reader", timeout) from None
            self._line.close()
        return self._code

    def communicate(self, timeout: float) -> None:
        """Let go of its pipes, wait for its end."""
        self._close()
        self.wait(timeout)

    def _close(self) -> None:
        with contextlib.suppress(OSError):  # what was still to be written to one that is gone
            self.stdin.close()
        self.stdout.close()
