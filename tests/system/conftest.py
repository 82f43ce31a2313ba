"""A host whose engines are real, read by the real command over a real SSH server."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.real.engines import DockerEngine, Podman
from tests.real.generations import NEWER, OLDER
from tests.real.lenient import LenientRegistry
from tests.real.registry import Registry
from tests.real.require import missing
from tests.real.roots import Root, native_suite
from tests.real.sshd import Sshd
from tests.system.truth.build import Kind
from tests.system.truth.comparison import Case, compare
from tests.system.truth.outcomes import in_docker, in_podman, removed
from tests.system.truth.sample import NEWER_SAMPLE, OF_THE_ENGINE, OLDEST_SAMPLE
from tests.system.truth.scanning import Scanner

NO_DOCKER = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
"""So that a Docker of the machine that runs the tests is no part of them."""


@pytest.fixture(scope="session")
def amd64() -> None:
    """The images are made for this machine: their programs are assembled by hand."""
    if platform.machine() != "x86_64":
        missing("these images are made for an amd64 machine")


@pytest.fixture(scope="session")
def docker_scanner(
    amd64: None,
    docker_engine: DockerEngine,
    registry: Registry,
    start_sshd: Callable[..., Sshd],
    tmp_path_factory: pytest.TempPathFactory,
    commands: str,
) -> Scanner:
    """``archscan scan`` of a host with the Docker of these tests."""
    sshd = start_sshd(environment={"DOCKER_HOST": docker_engine.host})
    return Scanner(sshd, registry.address, tmp_path_factory.mktemp("scan"))


@pytest.fixture(scope="session")
def podman_scanner(
    amd64: None,
    podman: Podman,
    registry: Registry,
    start_sshd: Callable[..., Sshd],
    tmp_path_factory: pytest.TempPathFactory,
    commands: str,
) -> Scanner:
    """The same of a host with the Podman of these tests: its configuration leads to their store."""
    environment = {**NO_DOCKER, **_configured(podman.folder)}
    return Scanner(start_sshd(environment=environment), registry.address, tmp_path_factory.mktemp("scan"), "podman")


def _configured(folder: Path) -> dict[str, str]:
    storage, containers = folder / "storage.conf", folder / "containers.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n')
    containers.write_text(f"""[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{folder}/tmp"
""")
    return {"CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(containers)}


PLUGINS = "usr/libexec/docker/cli-plugins"


@pytest.fixture(scope="session")
def docker_with_plugins(
    require: Callable[[str, str], Path], enter_root: Callable[[str], Root], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[DockerEngine], dict[str, str]]:
    """Environment in which ``docker`` asks that engine and has the Buildx and the Compose of Debian 13."""
    config = tmp_path_factory.mktemp("docker")
    (config / "cli-plugins").mkdir()
    for plugin in ("docker-buildx", "docker-compose"):
        (config / "cli-plugins" / plugin).symlink_to(enter_root(NEWER).root / PLUGINS / plugin)
    (config / "bin").mkdir()
    (config / "bin" / "docker").symlink_to(require("docker", "docker.io"))
    more = {"DOCKER_CONFIG": str(config), "PATH": f"{config}/bin:{os.environ['PATH']}"}
    return lambda engine: engine.environment | more


@pytest.fixture(scope="session")
def docker_oldest(request: pytest.FixtureRequest) -> DockerEngine:
    """Docker 20.10: this machine's own on Debian 12, elsewhere of a root."""
    if native_suite() == OLDER:
        return request.getfixturevalue("docker_engine")
    return request.getfixturevalue("start_docker")(OLDER, containerd_store=False)


@pytest.fixture(scope="module")
def docker_truth(
    docker_oldest: DockerEngine,
    amd64: None,
    lenient_registry: LenientRegistry,
    start_sshd: Callable[..., Sshd],
    tmp_path_factory: pytest.TempPathFactory,
    commands: str,
) -> Iterator[dict[str, Case]]:
    """The sample of images, judged, run by the oldest Docker, judged again."""
    yield _in_docker(OLDEST_SAMPLE, docker_oldest, lenient_registry, start_sshd, tmp_path_factory)
    removed(docker_oldest.docker)


@pytest.fixture(scope="module")
def newer_docker_truth(
    docker_containerd_26: DockerEngine,
    amd64: None,
    lenient_registry: LenientRegistry,
    start_sshd: Callable[..., Sshd],
    tmp_path_factory: pytest.TempPathFactory,
    commands: str,
) -> Iterator[dict[str, Case]]:
    """The other sample with the newest Docker of a stable Debian, which keeps images as containerd does."""
    yield _in_docker(NEWER_SAMPLE, docker_containerd_26, lenient_registry, start_sshd, tmp_path_factory)
    removed(docker_containerd_26.docker)


def _in_docker(
    kinds: Sequence[Kind],
    engine: DockerEngine,
    registry: LenientRegistry,
    start_sshd: Callable[..., Sshd],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Case]:
    sshd = start_sshd(environment={"DOCKER_HOST": engine.host})
    scanner = Scanner(sshd, registry.address, tmp_path_factory.mktemp("scan"))
    return compare(kinds, registry, scanner, partial(in_docker, engine))


@pytest.fixture(scope="module")
def podman_truth(
    podman: Podman,
    amd64: None,
    lenient_registry: LenientRegistry,
    start_sshd: Callable[..., Sshd],
    tmp_path_factory: pytest.TempPathFactory,
    commands: str,
) -> Iterator[dict[str, Case]]:
    """What engines differ in, with this machine's own Podman."""
    sshd = start_sshd(environment={**NO_DOCKER, **_configured(podman.folder)})
    scanner = Scanner(sshd, lenient_registry.address, tmp_path_factory.mktemp("scan"), "podman")
    yield compare(OF_THE_ENGINE, lenient_registry, scanner, partial(in_podman, podman))
    removed(podman.podman)
