"""A real program started for a test, watched until it is ready."""

from __future__ import annotations

import errno
import os
import random
import signal
import socket
import subprocess
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

READY_WITHIN_S = 120.0
"""Two busy cores and a cold disk: dockerd has been seen to need 15 s of quiet ones."""
STOP_WITHIN_S = 20.0
"""After that a program is killed, so that a test run always ends."""
POLL_EVERY_S = 0.05
LOG_TAIL_CHARS = 3000
"""Enough for the message that says why a program did not start."""
WATCHED: set[int] = set()
"""The processes of daemons that run; their fixtures stop them, however long these live."""
LINES: set[str] = set()
"""The sockets, in the words of ``/proc/self/fd``, on which it is told how those daemons end that are nobody's child here."""
FIRST_PORT = 12_000
"""Below are those of known services, and what browsers refuse."""
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
"""The ports, by their first and last, that the system gives to clients and to those who listen at any."""

_CHANCE = random.SystemRandom()
_PORTS: set[int] = set()
"""Those that were handed out here, whether or not somebody listens by now."""


class NotReadyError(AssertionError):
    """A real part did not get ready; the message holds the end of its log."""


def free_port(address: str = "127.0.0.1") -> int:
    """A port that nothing listens on, which the system gives to nobody who asks for any: it is still free when it is taken."""
    first_given = int(EPHEMERAL.read_text().split()[0])
    while True:
        port = _CHANCE.randrange(FIRST_PORT, max(first_given, 2 * FIRST_PORT))
        with closing(socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)) as probe:
            try:
                probe.bind((address, port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
        if port not in _PORTS:
            _PORTS.add(port)
            return port


def until(ready: Callable[[], object], what: str, within_s: float = READY_WITHIN_S) -> object:
    """What ``ready`` returns as soon as that is true; an ``OSError`` or ``ValueError`` counts as "not yet"."""
    deadline = time.monotonic() + within_s
    last: object = None
    while time.monotonic() < deadline:
        try:
            if last := ready():
                return last
        except (OSError, ValueError) as not_yet:
            last = not_yet
        time.sleep(POLL_EVERY_S)
    raise NotReadyError(f"{what}: not within {within_s:g} s; last answer: {last!r}")


def listens(port: int, address: str = "127.0.0.1") -> bool:
    """Whether something accepts connections there."""
    with closing(socket.create_connection((address, port), timeout=1)):
        return True


def run(*argv: str | Path, env: Mapping[str, str] | None = None, check: bool = True, timeout_s: float = 120) -> str:
    """What a program prints on both streams; a failure shows it."""
    done = subprocess.run(
        [str(word) for word in argv], capture_output=True, text=True, errors="replace", env=env, timeout=timeout_s,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if check and done.returncode:
        raise AssertionError(f"{' '.join(map(str, argv))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class Process(Protocol):
    """What a daemon is asked for, in the words of ``subprocess.Popen``."""

    pid: int

    def poll(self) -> int | None:
        """Its exit code once it has ended."""

    def wait(self, timeout: float | None = None) -> int:
        """The same, waited for."""

    def send_signal(self, sig: int) -> None:
        """A signal, unless it has ended."""

    def terminate(self) -> None:
        """Ask it to end."""

    def kill(self) -> None:
        """End it."""


@dataclass
class Daemon:
    """A running program with its log; ``stop`` ends exactly this process."""

    name: str
    process: Process
    log: Path

    @classmethod
    def start(
        cls,
        argv: Sequence[str | Path],
        folder: Path,
        ready: Callable[[], object],
        env: Mapping[str, str] | None = None,
        within_s: float = READY_WITHIN_S,
    ) -> Daemon:
        """Start ``argv`` with its log in ``folder``; return once ``ready`` holds."""
        folder.mkdir(parents=True, exist_ok=True)
        name = os.path.basename(argv[0])  # noqa: PTH119 - argv words may be strings or paths
        log = folder / f"{name}.log"
        with log.open("ab") as sink:
            process = subprocess.Popen(
                [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=env, cwd=folder
            )
        return cls.watched(name, process, log, ready, within_s)

    @classmethod
    def watched(cls, name: str, process: Process, log: Path, ready: Callable[[], object], within_s: float) -> Daemon:
        """One that was started a moment ago, once ``ready`` holds."""
        daemon = cls(name, process, log)
        WATCHED.add(process.pid)
        try:
            until(lambda: daemon._ended_early() or ready(), name, within_s)
        except BaseException as failed:
            daemon.stop()
            failed.add_note(daemon.tail())
            raise
        return daemon

    def _ended_early(self) -> None:
        if (code := self.process.poll()) is not None:
            raise NotReadyError(f"{self.name} ended with {code} before it was ready\n{self.tail()}")

    def tail(self) -> str:
        """The end of the log."""
        return f"--- {self.log}\n{self.log.read_text(errors='replace')[-LOG_TAIL_CHARS:]}"

    def reload(self) -> None:
        """Ask it to read its configuration again."""
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """Ask it to end, then insist."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        WATCHED.discard(self.process.pid)
