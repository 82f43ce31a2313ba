"""Engines of several generations: those of this machine's Debian, and of other ones from a root."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.real.engines import Containerd, DockerEngine, Podman
from tests.real.process import Daemon, run
from tests.real.roots import native_suite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.real.roots import Root

OLDER, NEWER, NEWEST = "bookworm", "trixie", "sid"


PURE_CGROUPS = Path("/sys/fs/cgroup/cgroup.controllers")
"""There where cgroups are those of version 2 alone; crun takes no mixture of both."""


def _with_pure_cgroups(program: Path, wrapper: Path) -> Path:
    """The same program in a mount namespace that shows it nothing of version 1."""
    mounts = "mount -t cgroup2 cgroup2 /sys/fs/cgroup"
    inside = program.read_text().replace(" -- ", f""" -- unshare --mount sh -c '{mounts} && exec "$0" "$@"' """)
    wrapper.write_text(inside)
    wrapper.chmod(0o755)
    return wrapper


@dataclass(frozen=True)
class Programs:
    """Where the programs of one generation are."""

    folder: Path
    program: Callable[[str], Path]


@pytest.fixture(scope="session")
def generation_of(
    require: Callable[[str, str], Path],
    enter_root: Callable[[str], Root],
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str], Programs]:
    """``generation_of("trixie")``: its programs, this machine's own where that is its Debian."""

    def of(suite: str) -> Programs:
        if suite == native_suite():
            packages = {"dockerd": "docker.io", "docker": "docker.io", "ctr": "containerd"}
            folder = tmp_path_factory.mktemp("native")
            return Programs(folder, lambda name: require(name, packages.get(name, name)))
        root = enter_root(suite)
        return Programs(root.folder, root.program)

    return of


@pytest.fixture(scope="session")
def start_docker(generation_of: Callable[[str], Programs]) -> Iterator[Callable[..., DockerEngine]]:
    """``start_docker("trixie", containerd_store=True)``: a dockerd with its own containerd, without any network."""
    started: list[DockerEngine] = []

    def start(suite: str, *, containerd_store: bool) -> DockerEngine:
        programs = generation_of(suite)
        folder = programs.folder / ("dockerc" if containerd_store else "docker")
        folder.mkdir()
        client, socket, config = programs.program("docker"), folder / "d.sock", folder / "daemon.json"
        config.write_text(json.dumps({"features": {"containerd-snapshotter": containerd_store}}))
        daemon = Daemon.start(
            [
                programs.program("dockerd"), "--config-file", config, "--data-root", folder / "data",
                "--exec-root", folder / "exec", "--pidfile", folder / "pid", "--host", f"unix://{socket}",
                "--bridge", "none", "--iptables=false", "--ip6tables=false", "--log-level", "warn",
            ],
            folder,
            lambda: "Server:" in run(client, "--host", f"unix://{socket}", "version", check=False),
        )  # fmt: skip
        started.append(DockerEngine(socket, client, daemon))
        return started[-1]

    yield start
    for engine in started:
        if left := engine.docker("ps", "-aq", check=False).split():
            engine.docker("rm", "-f", *left, check=False)
        engine.daemon.stop()
        for namespace in (engine.socket.parent / "exec" / "netns").glob("*"):
            run("umount", namespace, check=False)  # only this machine's own leaves it in our namespace


@pytest.fixture(scope="session")
def start_podman(generation_of: Callable[[str], Programs]) -> Iterator[Callable[..., Podman]]:
    """``start_podman("trixie", "crun")``: Podman with a store of its own."""
    started: list[Podman] = []

    def start(suite: str, runtime: str) -> Podman:
        programs = generation_of(suite)
        folder = programs.folder / f"p{runtime[0]}"  # Podman takes no run root of more than 50 characters
        folder.mkdir()
        programs.program(runtime)
        program, options = programs.program("podman"), ()
        if runtime == "crun" and not PURE_CGROUPS.exists():
            program, options = _with_pure_cgroups(program, folder / "podman"), ("--cgroups=disabled",)
        started.append(Podman(program, folder, runtime, options))
        return started[-1]

    yield start
    for engine in started:
        engine.podman("rm", "--force", "--all", "--time", "0", check=False)


@pytest.fixture(scope="session")
def start_containerd(generation_of: Callable[[str], Programs]) -> Iterator[Callable[[str], Containerd]]:
    """``start_containerd("trixie")``: a containerd with folders of its own."""
    started: list[Containerd] = []

    def start(suite: str) -> Containerd:
        programs = generation_of(suite)
        started.append(Containerd.started(programs.program("containerd"), programs.program("ctr"), programs.folder))
        return started[-1]

    yield start
    for engine in started:
        engine.daemon.stop()


@pytest.fixture(scope="session")
def docker_classic_26(start_docker: Callable[..., DockerEngine]) -> DockerEngine:
    """Docker 26.1 of Debian 13, with its classic image store."""
    return start_docker(NEWER, containerd_store=False)


@pytest.fixture(scope="session")
def docker_containerd_26(start_docker: Callable[..., DockerEngine]) -> DockerEngine:
    """The same with containerd's image store."""
    return start_docker(NEWER, containerd_store=True)


@pytest.fixture(scope="session")
def podman_5(start_podman: Callable[..., Podman]) -> Callable[[str], Podman]:
    """``podman_5("runc")``: Podman 5.4 of Debian 13 with that runtime."""
    return partial(start_podman, NEWER)


@pytest.fixture(scope="session")
def containerd_17(start_containerd: Callable[[str], Containerd]) -> Containerd:
    """containerd 1.7 of Debian 13."""
    return start_containerd(NEWER)
