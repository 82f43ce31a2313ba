"""The tools that people fetch a fleet's answers with today, each as its manual says it goes fast."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.bench.loopback_fleet import LoopbackFleet

COMMAND = "archscan-probe"
CHEAP = ("-o", "KexAlgorithms=curve25519-sha256")
"""OpenSSH's own choice is a dearer, post-quantum exchange; a row shows it too."""
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Tool:
    """One row: its name, what it does to the answers, the largest fleet it is asked to read, how it is started."""

    name: str
    does: str
    start: Callable[[LoopbackFleet, Path, int], list[str] | None]
    most: int = 1000
    environment: Callable[[LoopbackFleet], Mapping[str, str]] = field(default=lambda _fleet: {})


def ssh_options(fleet: LoopbackFleet, *more: str) -> list[str]:
    """What every OpenSSH client is told."""
    return [
        "-F", "none", "-i", str(fleet.key), "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
        "-o", f"UserKnownHostsFile={fleet.known_hosts}", "-o", "LogLevel=ERROR", "-p", str(fleet.port), *more,
    ]  # fmt: skip


def ours(fleet: LoopbackFleet, hosts: Path, _count: int) -> list[str]:
    return [
        sys.executable, "-m", "tests.bench.fetch_hosts", str(hosts), "--port", str(fleet.port), "--user", "archscan",
        "--key", str(fleet.key), "--known-hosts", str(fleet.known_hosts),
    ]  # fmt: skip


def xargs(*more: str) -> Callable[[LoopbackFleet, Path, int], list[str] | None]:
    def start(fleet: LoopbackFleet, hosts: Path, _count: int) -> list[str] | None:
        options = ssh_options(fleet, *more)
        return ["xargs", "-P", "100", "-I{}", "-a", str(hosts), "ssh", *options, "-T", "archscan@{}", COMMAND]

    return start


def pssh(fleet: LoopbackFleet, hosts: Path, _count: int) -> list[str] | None:
    options = " ".join(ssh_options(fleet, *CHEAP))
    out = fleet.folder / "pssh.out"
    return _found("parallel-ssh", "-h", hosts, "-p", 100, "-t", 60, "-l", "archscan", "-x", options, "-o", out, COMMAND)


def clush(fleet: LoopbackFleet, hosts: Path, _count: int) -> list[str] | None:
    options = " ".join(ssh_options(fleet, *CHEAP))
    return _found("clush", f"--hostfile={hosts}", "-l", "archscan", "-f", 100, "-S", "-q", "-o", options, COMMAND)


def pdsh(_fleet: LoopbackFleet, hosts: Path, _count: int) -> list[str] | None:
    return _found("pdsh", "-R", "ssh", "-f", 100, "-l", "archscan", "-w", f"^{hosts}", COMMAND)


def _found(program: str, *more: object) -> list[str] | None:
    return [program, *map(str, more)] if shutil.which(program) else None


class Installed:
    """Peers from PyPI in an environment of their own."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"

    def install(self) -> None:
        """As far as they can be had here."""
        if not (self.bin / "python").exists():
            subprocess.run([sys.executable, "-m", "venv", self.bin.parent], check=True)
        for package, program in (("parallel-ssh", ""), ("pyinfra", "pyinfra"), ("ansible-core", "ansible")):
            if self._has_pssh() if not program else (self.bin / program).exists():
                continue
            pip = [self.bin / "python", "-m", "pip", "install", "-q", package]
            subprocess.run(pip, check=False, timeout=300, capture_output=True)

    def parallel_ssh(self, fleet: LoopbackFleet, hosts: Path, _count: int) -> list[str] | None:
        if not self._has_pssh():
            return None
        program = HERE / "read_hosts_parallel_ssh.py"
        return [str(self.bin / "python"), str(program), str(hosts), str(fleet.port), "archscan", str(fleet.key)]

    def pyinfra(self, fleet: LoopbackFleet, _hosts: Path, count: int) -> list[str] | None:
        known = {
            "ssh_user": "archscan", "ssh_port": fleet.port, "ssh_key": str(fleet.key),
            "ssh_known_hosts_file": str(fleet.known_hosts), "ssh_strict_host_key_checking": "yes",
        }  # fmt: skip
        inventory = fleet.folder / "pyinfra_hosts.py"
        inventory.write_text(f"fleet = [(one, {known!r}) for one in {fleet.addresses[:count]!r}]\n")
        return self._if_there("pyinfra", "--parallel", "100", "-y", str(inventory), "exec", "--", COMMAND)

    def ansible(self, fleet: LoopbackFleet, _hosts: Path, count: int) -> list[str] | None:
        args = " ".join(ssh_options(fleet, *CHEAP))
        inventory = fleet.listed("ansible.ini", "{} ansible_user=archscan", count)
        more = ("-e", f'{{"ansible_ssh_common_args": "{args}"}}')
        return self._if_there("ansible", "all", "-i", str(inventory), "-f", "50", *more, "-m", "raw", "-a", COMMAND)

    def _has_pssh(self) -> bool:
        return any(self.bin.parent.glob("lib/*/site-packages/pssh"))

    def _if_there(self, name: str, *more: str) -> list[str] | None:
        return [str(self.bin / name), *more] if (self.bin / name).exists() else None


def tools(installed: Installed) -> list[Tool]:
    """All rows, ours first."""
    return [
        Tool("archscan, fetch alone", "host keys verified; nothing parsed, nothing judged", ours),
        Tool("parallel-ssh (libssh2)", "host keys not verified", installed.parallel_ssh),
        Tool("xargs -P 100 ssh", "host keys verified", xargs(*CHEAP)),
        Tool("xargs -P 100 ssh, as it comes", "host keys verified, post-quantum exchange", xargs()),
        Tool("pssh", "host keys verified", pssh),
        Tool("clush", "host keys verified", clush),
        Tool(
            "pdsh", "host keys verified", pdsh,
            environment=lambda fleet: {"PDSH_SSH_ARGS_APPEND": " ".join(ssh_options(fleet, *CHEAP))},
        ),
        Tool("pyinfra", "host keys verified", installed.pyinfra, 300),
        Tool("ansible -m raw, 50 forks", "host keys verified", installed.ansible, 100),
    ]  # fmt: skip


def environment() -> dict[str, str]:
    """Ours, without an agent, which would change what is measured."""
    return {name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"}
