"""A Docker of its own that may be killed, with its machine or without."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.real.engines import CONTAINERD_CONFIG, DockerEngine
from tests.real.process import Daemon, run, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest


@dataclass
class MortalEngine:
    """A dockerd whose containerd outlives it, as under systemd; ``ids`` and ``image`` are what a test puts there."""

    folder: Path
    programs: dict[str, Path]
    engine: DockerEngine
    containerd: Daemon
    ids: list[str] = field(default_factory=list)
    image: str = ""

    @classmethod
    def started(cls, require: Callable[[str, str], Path], factory: pytest.TempPathFactory) -> MortalEngine:
        """One with folders of its own."""
        folder = factory.mktemp("mortal")
        packages = {"dockerd": "docker.io", "docker": "docker.io", "containerd": "containerd", "ctr": "containerd"}
        programs = {name: require(name, package) for name, package in packages.items()}
        (folder / "daemon.json").write_text("{}")
        (folder / "config.toml").write_text(CONTAINERD_CONFIG.format(folder=folder))
        containerd = _containerd(folder, programs)
        socket = folder / "d.sock"
        return cls(folder, programs, DockerEngine(socket, programs["docker"], _dockerd(folder, programs)), containerd)

    def dies(self) -> None:
        """The engine alone."""
        _killed(self.engine.daemon)

    def starts(self) -> None:
        """The engine again."""
        self.engine.daemon = _dockerd(self.folder, self.programs)

    def reboots(self) -> None:
        """Everything is gone but what is on disk; then it is there again."""
        _killed(self.engine.daemon)
        _killed(self.containerd)
        for shim in self._shims():
            for process in (*_children(shim), shim):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
        until(lambda: not list(self._shims()), "the end of all containers")
        self._unmount()
        for runtime in ("exec", "state"):
            shutil.rmtree(self.folder / runtime, ignore_errors=True)
        self.containerd = _containerd(self.folder, self.programs)
        self.starts()

    def stop(self) -> None:
        """Its containers, too."""
        self.engine.docker("rm", "-f", *self.engine.docker("ps", "-aq", check=False).split(), check=False)
        self.engine.daemon.stop()
        self.containerd.stop()
        self._unmount()

    def _shims(self) -> Iterator[int]:
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                words = command.read_bytes().split(b"\0")
                if b"shim" in words[0] and f"{self.folder}/c.sock".encode() in words:
                    yield int(command.parent.name)

    def _unmount(self) -> None:
        mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
        for place in reversed([one for one in mounted if one.startswith(f"{self.folder}/")]):
            run("umount", "--lazy", place, check=False)


def _children(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for file in found for child in file.read_text().split()]


def _killed(daemon: Daemon) -> None:
    daemon.process.kill()
    daemon.process.wait()
    daemon.stop()


def _containerd(folder: Path, programs: dict[str, Path]) -> Daemon:
    return Daemon.start(
        [programs["containerd"], "--config", folder / "config.toml", "--log-level", "warn"], folder,
        lambda: "Server" in run(programs["ctr"], "--address", folder / "c.sock", "version", check=False),
    )  # fmt: skip


def _dockerd(folder: Path, programs: dict[str, Path]) -> Daemon:
    host = f"unix://{folder}/d.sock"
    return Daemon.start(
        [
            programs["dockerd"], "--config-file", folder / "daemon.json", "--data-root", folder / "data",
            "--exec-root", folder / "exec", "--pidfile", folder / "pid", "--host", host,
            "--containerd", folder / "c.sock", "--bridge", "none", "--iptables=false", "--ip6tables=false",
        ],
        folder,
        lambda: "Server:" in run(programs["docker"], "--host", host, "version", check=False),
    )  # fmt: skip
