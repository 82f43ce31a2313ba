"""``archscan`` as a process of its own, made by a parent that has imported it already."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real import forwarded, warmed
from tests.real.process import LINES, READY_WITHIN_S, STOP_WITHIN_S, WATCHED, Daemon

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parents[2]
READ_AT_START = ("PYTHON", "LC_", "LANG")
"""What Python reads as it begins, of which a copy of the parent cannot hear."""
HARMLESS = {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}
"""What changes nothing: the parent knows where modules are, a copy speaks UTF-8. The same goes for what the tests' own Python was
started with, which no test is about."""

_addresses: list[str] = []


@pytest.fixture(scope="session")
def commands() -> Iterator[str]:
    """The parent of commands, for the whole run; ``run`` needs it. Gives its address."""
    with parent() as address:
        yield address


@contextlib.contextmanager
def parent() -> Iterator[str]:
    """As the fixture ``commands``, for as long as the context lasts."""
    address = f"archscan-tests-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{address}")
        listener.listen()
        number = listener.fileno()
        process = subprocess.Popen(
            [sys.executable, "-m", warmed.__name__, str(number)], stdin=subprocess.PIPE, pass_fds=[number], cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
        )  # fmt: skip
    WATCHED.add(process.pid)
    _addresses.append(address)
    try:
        yield address
        _addresses.remove(address)
        process.stdin.close()
        assert process.wait(STOP_WITHIN_S) == 0
    finally:
        process.kill()
        process.wait()
        WATCHED.discard(process.pid)


def script_of(address: str) -> str:
    """A shell script that is ``archscan``, for a folder on a PATH."""
    return f'#!/bin/sh\nexec {shlex.join([sys.executable, "-I", "-S", forwarded.__file__, address])} "$@"\n'


@dataclass
class Command:
    """A command that runs; whoever starts one waits for its end."""

    pid: int
    line: socket.socket

    def wait(self, within_s: float) -> int:
        """Its exit code, below zero for a signal.

        Raises:
            TimeoutError: it has not ended in time; it is killed.
        """
        with self.line:
            self.line.settimeout(within_s)
            try:
                return os.waitstatus_to_exitcode(forwarded.told(self.line))
            except BaseException:
                os.kill(
                    self.pid, signal.SIGKILL
                )  # it waits for nobody but its parent, so that the number is still its own
                self.line.settimeout(STOP_WITHIN_S)
                forwarded.told(self.line)
                raise


def start(
    *words: object,
    standard: tuple[int, int, int],
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Command:
    """``archscan`` with these words, this standard input, output and error; ``env`` as for ``subprocess.run``."""
    assert _addresses, 'the test has no parent of commands: pytest.mark.usefixtures("commands")'
    environment = dict(os.environ if env is None else env)
    for name in [name for name in environment if name.startswith(READ_AT_START)]:
        if environment[name] in {HARMLESS.get(name), os.environ.get(name)}:
            del environment[name]
        else:
            raise ValueError(f"{name} is read as Python begins: start a Python")
    line = forwarded.asked(_addresses[-1], [*map(str, words)], environment, str(cwd or Path.cwd()), standard)
    try:
        return Command(forwarded.told(line), line)
    except BaseException:
        line.close()
        raise


def run(
    *words: object,
    cwd: str | Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    within_s: float = 120.0,
) -> subprocess.CompletedProcess[str]:
    """What ``archscan`` with these words prints, how it ends; a traceback is never right."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as said:
        given.write(stdin.encode())
        given.seek(0)
        command = start(*words, standard=(given.fileno(), printed.fileno(), said.fileno()), cwd=cwd, env=env)
        code = command.wait(within_s)
        texts = []
        for file in (printed, said):
            file.seek(0)
            texts.append(file.read().decode())
    assert "Traceback" not in "".join(texts), texts
    return subprocess.CompletedProcess(["archscan", *map(str, words)], code, *texts)


def daemon(
    *words: object,
    folder: Path,
    ready: Callable[[], object],
    env: Mapping[str, str] | None = None,
    within_s: float = READY_WITHIN_S,
) -> Daemon:
    """``archscan`` with these words as what ``Daemon.start`` gives: its log in ``folder``, returned once ``ready`` holds."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "archscan.log"
    with open(os.devnull, "rb") as nothing, log.open("ab") as sink:  # noqa: PTH123 -- a path would say no more
        standard = (nothing.fileno(), sink.fileno(), sink.fileno())
        process = Copy(start(*words, standard=standard, cwd=folder, env=env))
    return Daemon.watched("archscan", process, log, ready, within_s)


class Copy:
    """A command that goes on, in the words of ``subprocess.Popen``: it is a child of the parent of commands."""

    def __init__(self, command: Command) -> None:
        self.pid = command.pid
        self._line = command.line
        self._code: int | None = None
        self._name = os.readlink(f"/proc/self/fd/{self._line.fileno()}")  # noqa: PTH115 -- as whoever looks for leaks reads it
        LINES.add(self._name)

    def poll(self) -> int | None:
        """Its exit code, below zero for a signal, once it has ended."""
        if self._code is None and select.select([self._line], [], [], 0)[0]:
            return self.wait()
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        """The same, waited for.

        Raises:
            subprocess.TimeoutExpired: it has not ended in time.
        """
        if self._code is None:
            self._line.settimeout(timeout)
            try:
                self._code = os.waitstatus_to_exitcode(forwarded.told(self._line))
            except TimeoutError:
                raise subprocess.TimeoutExpired("archscan", timeout or 0.0) from None
            self._line.close()
            LINES.discard(self._name)
        return self._code

    def send_signal(self, sig: int) -> None:
        """A signal, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # it ends at this moment
                os.kill(self.pid, sig)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)
