"""The real container engines: containerd, Docker, Podman."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.process import Daemon, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOCKET_PATH_MAX = 100
"""A Unix socket's path may have 107 bytes (unix(7)); dockerd adds a few of its own below its exec root."""

RUNROOT_PATH_MAX = 50
"""Podman refuses a longer one; the numbers in the names of pytest's folders grow with every run."""


CONTAINERD_CONFIG = """version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "{folder}/c.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
"""


def _short(folder: Path, most: int = SOCKET_PATH_MAX) -> Path:
    assert len(str(folder)) < most, f"{folder} is too long for an engine: set TMPDIR to a shorter folder"
    return folder


@dataclass
class Containerd:
    """A running containerd; ``ctr`` is its client with the address filled in."""

    socket: Path
    client: Path
    daemon: Daemon
    namespace: str = "test"

    @classmethod
    def started(cls, program: Path, client: Path, parent: Path) -> Containerd:
        """One with folders of its own below ``parent``."""
        folder = _short(parent / "ctd")
        folder.mkdir()
        socket, config = folder / "c.sock", folder / "config.toml"
        config.write_text(CONTAINERD_CONFIG.format(folder=folder))
        daemon = Daemon.start(
            [program, "--config", config, "--log-level", "warn"], folder,
            lambda: socket.exists() and "Server" in run(client, "--address", socket, "version", check=False),
        )  # fmt: skip
        return cls(socket, client, daemon)

    def ctr(self, *words: str, check: bool = True) -> str:
        """Run ``ctr`` against this containerd."""
        return run(self.client, "--address", self.socket, "--namespace", self.namespace, *words, check=check)


@pytest.fixture(scope="session")
def containerd(
    require: Callable[[str, str], Path], require_root: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Containerd]:
    """A containerd with folders of its own; pulls with ``--plain-http``, unpacks with ``--snapshotter native``."""
    program, client = require("containerd", "containerd"), require("ctr", "containerd")
    require("runc", "runc")
    engine = Containerd.started(program, client, tmp_path_factory.mktemp("c"))
    yield engine
    engine.daemon.stop()


@dataclass
class DockerEngine:
    """A running dockerd; ``docker`` is Debian's client of the same version, pointed at it."""

    socket: Path
    client: Path
    daemon: Daemon

    @property
    def host(self) -> str:
        """The value of DOCKER_HOST."""
        return f"unix://{self.socket}"

    @property
    def environment(self) -> dict[str, str]:
        """For programs that should find this engine."""
        return {
            **os.environ,
            "DOCKER_HOST": self.host,
            "DOCKER_CONFIG": str(self.socket.parent / "config"),
            "DOCKER_BUILDKIT": "0",
        }

    def docker(self, *words: str | Path, check: bool = True, timeout_s: float = 120) -> str:
        """Run the client."""
        return run(self.client, *words, env=self.environment, check=check, timeout_s=timeout_s)


@pytest.fixture(scope="session")
def docker_engine(
    require: Callable[[str, str], Path], containerd: Containerd, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DockerEngine]:
    """A dockerd with folders of its own, without any network: run containers with ``--network none`` or ``host``."""
    program, client = require("dockerd", "docker.io"), require("docker", "docker.io")
    folder = _short(tmp_path_factory.mktemp("dkr"))
    config = folder / "daemon.json"
    config.write_text("{}")
    socket = folder / "d.sock"
    daemon = Daemon.start(
        [
            program, "--config-file", config, "--data-root", folder / "data", "--exec-root", folder / "exec",
            "--pidfile", folder / "pid", "--host", f"unix://{socket}", "--containerd", containerd.socket,
            "--bridge", "none", "--iptables=false", "--ip6tables=false", "--log-level", "warn",
        ],
        folder,
        lambda: "Server:" in run(client, "--host", f"unix://{socket}", "version", check=False),
    )  # fmt: skip
    engine = DockerEngine(socket, client, daemon)
    yield engine
    if left := engine.docker("ps", "-aq", check=False).split():
        engine.docker("rm", "-f", *left, check=False)
    daemon.stop()
    for namespace in (folder / "exec" / "netns").glob("*"):
        run("umount", namespace, check=False)  # dockerd leaves that of its host network mounted


@dataclass
class Podman:
    """Podman with a store of its own."""

    program: Path
    folder: Path
    runtime: str = "runc"
    options: tuple[str, ...] = ()

    @property
    def argv(self) -> list[str]:
        """The command up to its sub-command."""
        return [
            str(self.program), "--root", f"{self.folder}/root", "--runroot", f"{self.folder}/run", "--tmpdir", f"{self.folder}/tmp",
            "--runtime", self.runtime, "--cgroup-manager", "cgroupfs", "--storage-driver", "vfs", "--events-backend", "file",
        ]  # fmt: skip

    @property
    def wrapper(self) -> Path:
        """A program called ``podman`` for PATH, that uses this store."""
        script = self.folder / "bin" / "podman"
        script.parent.mkdir(exist_ok=True)
        script.write_text(f'#!/bin/sh\nexec {" ".join(self.argv)} "$@"\n')
        script.chmod(0o755)
        return script

    def podman(self, *words: str, check: bool = True) -> str:
        """Run it; ``run`` and ``create`` get the limits that this machine allows."""
        limits = (
            ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"] if words[0] in {"run", "create"} else []
        )
        return run(*self.argv, words[0], *limits, *(self.options if limits else ()), *words[1:], check=check)


@pytest.fixture(scope="session")
def podman(
    require: Callable[[str, str], Path], require_root: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Podman]:
    """Podman; pulls with ``--tls-verify=false``, runs with ``--network none`` or ``host``."""
    program = require("podman", "podman")
    require("runc", "runc")
    engine = Podman(program, _short(tmp_path_factory.mktemp("p"), RUNROOT_PATH_MAX - len("/run") + 1))
    yield engine
    engine.podman("rm", "--force", "--all", "--time", "0", check=False)
