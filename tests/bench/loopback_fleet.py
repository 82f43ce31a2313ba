"""A fleet on 127/8: one cheap SSH server, built on the spot, answers for every address."""

from __future__ import annotations

import shutil
import struct
import subprocess
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.real.process import free_port

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = Path(__file__).with_name("fleet_server.c")
FIRST = IPv4Address("127.1.0.0")
USER = "archscan"


class CannotBuildError(RuntimeError):
    """There is no compiler, or no libssh."""


def built(folder: Path) -> Path:
    """The server's program."""
    program = folder / "fleet_server"
    argv = ["cc", "-O2", "-Wno-deprecated-declarations", "-o", program, SOURCE, "-lssh", "-lpthread"]
    if shutil.which("cc") is None or subprocess.run(argv, check=False, capture_output=True).returncode:
        raise CannotBuildError("the fleet server cannot be built: apt-get install gcc libssh-dev")
    return program


@dataclass
class LoopbackFleet:
    """Host ``n`` is ``addresses[n]`` on ``port``; a context in which the server runs.

    The answers are let go of when it runs: a program that measures itself must not count them.
    """

    folder: Path
    answers: Sequence[bytes]
    port: int = 0

    def __post_init__(self):
        self.port = self.port or free_port("127.0.0.1")
        self.addresses = [str(FIRST + number) for number in range(len(self.answers))]
        self.key, self.known_hosts = self.folder / "login", self.folder / "known_hosts"

    def __enter__(self) -> Self:
        lengths = map(len, self.answers)
        with (self.folder / "answers").open("wb") as file:
            file.write(struct.pack(f"={len(self.answers) + 1}I", len(self.answers), *lengths))
            file.writelines(self.answers)
        self.answers = ()
        for key in (self.folder / "host", self.key):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        public = " ".join((self.folder / "host.pub").read_text().split()[:2])
        self.known_hosts.write_text("".join(f"[{one}]:{self.port} {public}\n" for one in self.addresses))
        argv = [built(self.folder), str(self.port), self.folder / "host", f"{self.key}.pub", self.folder / "answers"]
        self._server = subprocess.Popen(argv, stdout=subprocess.PIPE)
        assert self._server.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *_):
        self._server.kill()
        self._server.wait()
        self._server.stdout.close()

    def listed(self, name: str, line: str = "{}", count: int | None = None) -> Path:
        """A file with a line for each of the first ``count`` addresses."""
        path = self.folder / name
        path.write_text("".join(f"{line.format(one)}\n" for one in self.addresses[:count]))
        return path
