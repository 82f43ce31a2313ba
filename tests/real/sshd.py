"""A real OpenSSH server that accepts one key."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.process import Daemon, free_port, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CONFIG = """
ListenAddress {address}
Port {port}
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
MaxStartups 500
LogLevel VERBOSE
{environment}
{extra}
"""


@dataclass
class Sshd:
    """Where the server listens, who may log in, with what."""

    address: str
    port: int
    user: str
    client_key: Path
    host_key: Path
    known_hosts: Path
    authorized_keys: Path
    daemon: Daemon

    def authorize(self, options: str = "") -> None:
        """Let the client key in, with authorized_keys options such as ``restrict,command="..."``."""
        public = self.client_key.with_suffix(".pub").read_text()
        self.authorized_keys.write_text(f"{options} {public}".lstrip())


def _key(path: Path, keygen: Path) -> Path:
    run(keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", path)
    return path


@pytest.fixture(scope="session")
def start_sshd(
    require: Callable[[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Sshd]]:
    """``start_sshd(address="127.0.0.2", environment={"DOCKER_HOST": "unix:///..."}, extra="Match ...", inside=["ip", …])``."""
    server, keygen = require("sshd", "openssh-server"), require("ssh-keygen", "openssh-client")
    started: list[Daemon] = []
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd refuses to start as root without it

    def start(
        address: str = "127.0.0.1",
        environment: dict[str, str] | None = None,
        extra: str = "",
        inside: Sequence[str] = (),
    ) -> Sshd:
        folder = tmp_path_factory.mktemp("sshd")
        port = free_port(address)
        host_key, client_key = _key(folder / "host_key", keygen), _key(folder / "client_key", keygen)
        set_env = " ".join(f'"{name}={value}"' for name, value in (environment or {}).items())
        config = folder / "sshd_config"
        config.write_text(
            CONFIG.format(
                address=address,
                port=port,
                folder=folder,
                extra=extra,
                environment=f"SetEnv {set_env}" if set_env else "",
            )
        )
        known_hosts = folder / "known_hosts"
        known_hosts.write_text(f"[{address}]:{port} {host_key.with_suffix('.pub').read_text()}")
        authorized = folder / "authorized_keys"
        authorized.touch()
        log = folder / f"{os.path.basename((*inside, server)[0])}.log"  # noqa: PTH119 -- a word of a command line
        daemon = Daemon.start(
            [*inside, server, "-D", "-e", "-f", config], folder, lambda: "Server listening" in log.read_text()
        )
        started.append(daemon)
        sshd = Sshd(address, port, getpass.getuser(), client_key, host_key, known_hosts, authorized, daemon)
        sshd.authorize()
        return sshd

    yield start
    for daemon in started:
        daemon.stop()


@pytest.fixture(scope="session")
def sshd(start_sshd: Callable[..., Sshd]) -> Sshd:
    """One plain server on 127.0.0.1, shared by all tests of a worker."""
    return start_sshd()
