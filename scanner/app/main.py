"""The program's start: nothing is imported before a command needs it."""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import signal
import sys
from typing import TYPE_CHECKING

from scanner import ending
from scanner.app.collector import collect_rarely
from scanner.app.late_imports import late_imports

if TYPE_CHECKING:
    from scanner.cli.operations import Operations


def main() -> None:
    """Run the command line; whoever interrupts it sees no traceback, however early or late that is."""
    collect_rarely()
    _have_standard_streams()
    try:
        from scanner import cli  # noqa: PLC0415 -- an interrupt may come while it is imported

        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, ending.as_an_interrupt)
        code = cli.run(_operations, _version)
    except KeyboardInterrupt:
        code = ending.INTERRUPTED
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, ending.at_once)
    if code == ending.INTERRUPTED:
        _end_without_waiting()
    sys.exit(code)


def _end_without_waiting() -> None:
    """Python waits for every thread as it ends, and a name server that is dead keeps one for half a minute."""
    atexit._run_exitfuncs()  # noqa: SLF001 -- what ends a library's processes and folders; no thread is waited for in it
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    ending.at_once(signal.SIGINT)


def _have_standard_streams() -> None:
    """Who starts us with one closed (``2>&-``) gets nothing from it; the next file that is opened must not take its place.

    What is written to standard output that is closed fails, as it does in every program. A character that the terminal's encoding has not, or that is half of one, is written as its number.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            os.open(
                os.devnull, os.O_RDONLY if name == "stdout" else os.O_RDWR
            )  # takes the lowest number that is free, which is this one
            setattr(sys, name, open(number, "w" if number else "r", encoding="utf-8", closefd=False))  # noqa: SIM115 -- open until we end
        if number:
            getattr(sys, name).reconfigure(errors="backslashreplace")
    talk = open(2, "wb", closefd=False)  # noqa: SIM115 -- the same
    sys.stderr = _Talk(talk, sys.stderr.encoding, "backslashreplace", line_buffering=True)


class _Talk(io.TextIOWrapper):
    """Standard error: what is said there is no data, so that a full disk below it changes nothing of what a command does."""

    def write(self, text: str) -> int:
        """As far as there is room."""
        with contextlib.suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """The same."""
        with contextlib.suppress(OSError):
            super().flush()


def _operations() -> Operations:
    with late_imports():
        from scanner.app.commands import Application  # noqa: PLC0415 -- takes half a second, for nothing where help is asked for

    return Application()


def _version() -> str:
    from scanner.app.version import VERSION  # noqa: PLC0415 -- reading the metadata costs more than half a --help

    return VERSION
