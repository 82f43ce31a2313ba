"""Programs whose output is read within bounds of time or bytes, none of their children left behind."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import stat
import subprocess
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from scanner.formats.files import real

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MAX_ERROR_BYTES = 4096
"""What is kept of a program's complaints: the first lines say what is wrong."""

PIECE_BYTES = 64 << 10
"""One read: a pipe's usual capacity."""

LOOK_AGAIN_S = 0.05
"""How soon the end of a program is noticed whose children still hold its output open."""

WRITABLE = stat.S_IWGRP | stat.S_IWOTH


class ProgramError(ValueError):
    """A program that was not run, or ended before it was done: why, in words."""


@dataclass(frozen=True, slots=True)
class Output:
    """What a program printed; ``errors`` is the beginning of its standard error."""

    status: int
    output: bytes
    errors: bytes


def refuse_foreign_writers(path: Path) -> None:
    """See to it that nobody but its owner or root could have written a program, or put another one in its place.

    Raises:
        ProgramError: somebody could; or it is not there.
    """
    for one in dict.fromkeys((path.absolute(), real(path))):
        try:
            owner = _checked(one, os.lstat(one) if one.is_symlink() else one.stat(), "it")
            folder = _checked(one.parent, one.parent.stat(), f"its folder {one.parent}")
            if folder not in {0, owner}:
                raise ProgramError(f"its folder {one.parent} belongs to user {folder}, who could put another one there")
            for above in one.parent.parents:
                status = above.stat()
                if not status.st_mode & stat.S_ISVTX:
                    _checked(above, status, f"the folder {above} above it")
        except OSError as error:
            raise ProgramError(f"cannot be run: {error.strerror}") from None


def _checked(path: Path, status: os.stat_result, what: str) -> int:
    """Whom a file or folder belongs to."""
    if status.st_mode & WRITABLE and not stat.S_ISLNK(status.st_mode):
        told = "everybody" if status.st_mode & stat.S_IWOTH else "its group"
        raise ProgramError(f"is not run: {told} may write to {what}: chmod go-w {path}")
    return status.st_uid


def run(
    command: Sequence[str],
    *,
    timeout_s: float,
    max_bytes: int,
    environment: Mapping[str, str],
    folder: Path | None = None,
) -> Output:
    """Run a program to its end; afterwards nothing of its process group is left.

    Blocks: from a thread, not from the event loop. No shell is involved.

    Raises:
        ProgramError: it does not start, takes longer than ``timeout_s``, or prints more than ``max_bytes``.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 -- the operator names the program
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            cwd=folder,
            start_new_session=True,
        )
    except OSError as error:
        raise ProgramError(f"cannot be run: {error.strerror}") from None
    with process:
        try:
            output, errors = _read(process, time.monotonic() + timeout_s, timeout_s, max_bytes)
        finally:
            _end(process)
    return Output(process.returncode, output, errors)


def _read(process: subprocess.Popen[bytes], end: float, timeout_s: float, max_bytes: int) -> tuple[bytes, bytes]:
    output, errors = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for stream, taken in ((process.stdout, output), (process.stderr, errors)):
            if stream is not None:
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ, taken)
        while selector.get_map():
            if time.monotonic() >= end:
                raise ProgramError(f"took longer than {timeout_s:g} s")
            has_ended = process.poll() is not None
            ready = selector.select(min(LOOK_AGAIN_S if has_ended else 1.0, max(0.0, end - time.monotonic())))
            if has_ended and not ready:
                break  # a child that outlives it holds the pipe
            for key, _ in ready:
                _take(selector, key, limit=max_bytes if key.data is output else MAX_ERROR_BYTES)
            if len(output) > max_bytes:
                raise ProgramError(f"printed more than {max_bytes} bytes")
    _wait(process, end, timeout_s)
    return bytes(output), bytes(errors)


def _take(selector: selectors.BaseSelector, key: selectors.SelectorKey, *, limit: int) -> None:
    """One piece; of what goes beyond the limit only as much that it shows."""
    stream: IO[bytes] = key.fileobj  # type: ignore[assignment]  # it was registered as one
    try:
        piece = os.read(stream.fileno(), PIECE_BYTES)
    except BlockingIOError:
        return
    if not piece:
        selector.unregister(stream)
    key.data.extend(piece[: max(0, limit + 1 - len(key.data))])


def _wait(process: subprocess.Popen[bytes], end: float, timeout_s: float) -> None:
    try:
        process.wait(max(0.0, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        raise ProgramError(f"took longer than {timeout_s:g} s") from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End whatever is left of it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
