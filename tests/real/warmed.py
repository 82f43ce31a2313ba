"""The parent of commands: it has imported what they need, each of them is a copy of it that goes on as ``python -m scanner``.

A second and a half of a processor go into the imports of one command, some milliseconds into a copy. What is asked for
comes by a socket: words, environment, folder as JSON, with the four descriptors that are to be standard input, output,
error, lastly the line on which the number of the process is told, then how it ended. A command asks in the same way for
the processes that read strangers' documents for it.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import gc
import importlib
import io
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import termios
import threading
from typing import Any

from scanner.formats.parsing import offload_worker, parsing_process
from tests.real import forwarded, warm_readers

MAX_REQUEST_BYTES = 1 << 20
"""Words, an environment, the name of a folder."""
DESCRIPTORS = 4
WITHIN_S = 60.0
"""Whoever has connected writes at once, but for a busy machine."""
GARBAGE_AFTER = 20_000
"""As in the tests themselves: looking for garbage as often as Python does by itself is a tenth of a short command."""
WARM = ("scanner.app", "scanner.cli")
"""The rooms of which every module is imported; they import what commands need of the others."""
LATE = (
    "anyio._backends._asyncio", "apscheduler.executors.asyncio", "scanner.cli.serving.serve",
    "scanner.formats.parsing.confinement", "sqlalchemy.dialects.sqlite.aiosqlite", "uvicorn.lifespan.off",
)  # fmt: skip
"""What libraries import on first use, which a service is sure to come to."""


def main() -> None:
    """Make a copy for each request, until standard input ends as the test run does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever interrupts a test run means the tests
    for room in WARM:
        for module in pkgutil.iter_modules(importlib.import_module(room).__path__, f"{room}."):
            importlib.import_module(module.name)
    for name in LATE:
        importlib.import_module(name)
    gc.set_threshold(GARBAGE_AFTER)
    gc.collect()
    gc.freeze()
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        address = listener.getsockname()[1:].decode()
        become = _become_of_copy(listener)
    if not become:
        return
    if become == forwarded.READER:
        os.setsid()
        offload_worker.main()
        _end(0)
    parsing_process.started_anew = functools.partial(warm_readers.Reader, address)
    try:
        runpy.run_module("scanner", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        _end(end.code)


def _end(code: object) -> None:
    """End as Python does, but for the modules, whose taking apart costs as much as the command."""
    if isinstance(code, int | None):
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code or 0)
    sys.exit(str(code))


def _become_of_copy(listener: socket.socket) -> str:
    """What this process, a copy, shall become; the parent itself nothing, once there is nobody left to ask for any."""
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        received = _received(listener)
        if received is None:
            continue
        request, descriptors = received
        if os.fork() == 0:
            _watch_the_next(descriptors.pop())
            _become(request, descriptors)
            return request["become"]
        for number in descriptors:
            os.close(number)
        _reap()
    return ""


def _received(listener: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """What is asked for; ``None`` where whoever asks, a command perhaps, was ended meanwhile."""
    descriptors: list[int] = []
    try:
        with listener.accept()[0] as asked:
            asked.settimeout(WITHIN_S)
            raw, descriptors, _, _ = socket.recv_fds(asked, MAX_REQUEST_BYTES, DESCRIPTORS)
            while more := asked.recv(MAX_REQUEST_BYTES):
                raw += more
        return json.loads(raw), descriptors
    except (OSError, ValueError):
        for number in descriptors:
            os.close(number)
        return None


def _watch_the_next(line: int) -> None:
    """Go on as a child of this process, which waits for its end and tells of it."""
    running = os.fork()
    if running == 0:
        os.close(line)
        return
    os.write(line, f"{running}\n".encode())
    os.closerange(0, line)  # a reader of the command's output waits for an end of whoever could write to it
    os.write(line, f"{os.waitpid(running, 0)[1]}\n".encode())
    os._exit(0)


def _become(request: dict[str, Any], standard: list[int]) -> None:
    for number, given in enumerate(standard):
        os.dup2(given, number)
        os.close(given)
    if os.isatty(0):
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv[:] = ["-m", *request["words"]]
    sys.path[0] = request["folder"]
    sys.stdin, sys.stdout, sys.stderr = _stream(0, "r"), _stream(1, "w"), _stream(2, "w")
    sys.__stdout__ = sys.stdout  # as from Python itself: it stays open where another takes its place


def _stream(number: int, mode: str) -> io.TextIOWrapper:
    """A standard stream as Python makes it where no locale is set."""
    errors = "backslashreplace" if number == sys.__stderr__.fileno() else "surrogateescape"
    raw = open(number, f"{mode}b", closefd=False)  # noqa: SIM115 -- a descriptor, for as long as the process lives
    return io.TextIOWrapper(raw, "utf-8", errors, line_buffering=number == 2 or raw.isatty())


def _reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


if __name__ == "__main__":
    main()
