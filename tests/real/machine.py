"""A machine to log into: this machine's own files under a layer that is thrown away, with accounts and an sshd of its own."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.real.process import Daemon, free_port, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HOLD = r"""
set -e
layer=$1 config=$2
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$layer/root"
mount -t proc proc "$layer/root/proc"
mount --rbind /dev "$layer/root/dev"
mkdir -p "$layer/root/run/sshd" "$layer/root/root/.ssh" "$layer/root/etc/ssh/test"
cp "$config"/* "$layer/root/etc/ssh/test/"
cp "$config/root.pub" "$layer/root/root/.ssh/authorized_keys"
chmod 700 "$layer/root/root/.ssh"
chmod 600 "$layer/root/etc/ssh/test/host_key" "$layer/root/root/.ssh/authorized_keys"
printf "127.0.0.1 localhost %s\\n" "$(hostname)" >"$layer/root/etc/hosts"
rm -rf "$layer/root/etc/profile.d" "$layer/root/etc/motd" "$layer/root/etc/sudoers.d"
mkdir -p "$layer/root/etc/sudoers.d"
exec chroot "$layer/root" /usr/sbin/sshd -D -e -f /etc/ssh/test/sshd_config
"""
"""Becomes the machine; what is written in it is gone with its mount namespace."""

SSHD_CONFIG = """
ListenAddress {address}
Port {port}
HostKey /etc/ssh/test/host_key
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM yes
PrintMotd no
PermitRootLogin prohibit-password
LogLevel VERBOSE
{extra}
"""


@dataclass
class Machine:
    """Where it listens; ``root_key`` is the key of who looks after it, ``known_hosts`` knows its own."""

    address: str
    port: int
    root_key: Path
    known_hosts: Path
    daemon: Daemon
    layer: Path

    def type(self, script: str) -> str:
        """What root's shell says to a script, typed at its console."""
        return run(
            "nsenter", "--target", str(self.daemon.process.pid), "--mount", "--root", "--wdns=/",
            "sh", "-ec", script, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip

    def account(self, name: str, line: str = "", shell: str = "/bin/sh") -> None:
        """An account as ``docs/hosts.md`` makes it, whose one key stands in ``line``."""
        self.type(
            f"useradd --system --create-home --home-dir /var/lib/{name} --shell {shell} {name} && usermod -p '*' {name}\n"
            f"install -d -m 700 -o {name} /var/lib/{name}/.ssh\n"
            f"printf %s {shlex.quote(line)} >/var/lib/{name}/.ssh/authorized_keys\n"
            f"chown {name} /var/lib/{name}/.ssh/authorized_keys; chmod 600 /var/lib/{name}/.ssh/authorized_keys"
        )


@pytest.fixture(scope="session")
def start_machine(
    require: Callable[[str, str], Path], require_root: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Machine]]:
    """``start_machine(address="127.0.0.5", extra="MaxStartups 10")``: one that runs, with nobody but root in it."""
    keygen = require("ssh-keygen", "openssh-client")
    require("sshd", "openssh-server")
    started: list[Daemon] = []

    def start(address: str = "127.0.0.1", extra: str = "") -> Machine:
        folder = tmp_path_factory.mktemp("machine")
        config, layer, port = folder / "config", folder / "layer", free_port(address)
        config.mkdir()
        layer.mkdir()
        for key in (config / "host_key", folder / "root"):
            run(keygen, "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key)
        (config / "root.pub").write_bytes((folder / "root.pub").read_bytes())
        (config / "sshd_config").write_text(SSHD_CONFIG.format(address=address, port=port, extra=extra))
        known = folder / "known_hosts"
        known.write_text(f"[{address}]:{port} {(config / 'host_key.pub').read_text()}")
        argv = ["unshare", "--mount", "--propagation", "private", "sh", "-c", HOLD, "sh", layer, config]
        log = folder / "unshare.log"
        started.append(
            Daemon.start(argv, folder, lambda: "Server listening" in log.read_text(), env={"PATH": os.environ["PATH"]})
        )
        return Machine(address, port, folder / "root", known, started[-1], layer)

    yield start
    for daemon in started:
        daemon.stop()
