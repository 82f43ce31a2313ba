"""Fixes, typed: what a finding says is to be typed on its host is typed there, then the host is scanned again."""

from __future__ import annotations

import os
import subprocess

import pytest

from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from tests.system.fixes.scanning import scanned
from tests.system.fixes.typing import type_in

pytestmark = pytest.mark.system


@pytest.fixture
def image(pusher, image_factory, elf_factory, registry):
    """An image that the registry has for both CPUs, and one that it has for arm64 alone."""
    made = {
        cpu: image_factory.image(
            {"app": image_factory.File(elf_factory(cpu), 0o755)}, entrypoint=["/app"], architecture=cpu
        )
        for cpu in ("amd64", "arm64")
    }
    pusher.push("fixes/both", "1", image_factory.index(made["arm64"], made["amd64"]))
    return f"{registry.address}/fixes/both:1"


@pytest.fixture
def scan(docker_engine, start_sshd, registry):
    """Findings of the host that the engine runs on, by workload."""

    sshd = start_sshd(environment={"DOCKER_HOST": docker_engine.host})

    async def scan_with(*plans):
        return {name: found.verdict for name, found in (await scanned(sshd, registry.address, plans)).items()}

    return scan_with


@pytest.fixture
def type_all(docker_engine, tmp_path):
    """Type commands as on the host, one after the other; the daemon is the one of the test."""

    def typed(commands):
        for command in commands:
            done = subprocess.run(
                ["sh", "-ec", command],
                cwd=tmp_path,
                env=docker_engine.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, (command, done.stderr)

    return typed


async def test_a_stale_copy_is_mended_by_what_its_finding_says(docker_engine, image, scan, type_all, tmp_path):
    docker_engine.docker("pull", "-q", "--platform", "linux/arm64", image)
    docker_engine.docker("create", "--name", "fixes-stale", "--platform", "linux/arm64", image)
    docker_engine.docker("start", "fixes-stale", check=False)
    try:
        verdict = (await scan())["fixes-stale"]
        assert str(verdict.status) == "mismatch"
        assert verdict.fix.commands[0] == f"docker pull --platform linux/amd64 {image}"
        type_all(verdict.fix.commands)
        assert (tmp_path / "fixes-stale.json").read_text().startswith("[")
        docker_engine.docker("wait", "fixes-stale")
        after = (await scan())["fixes-stale"]
        assert str(after.status) == "ok", after
    finally:
        docker_engine.docker("rm", "-f", "fixes-stale", check=False)


@pytest.fixture
def podman_environment(podman, registry, tmp_path):
    """Environment in which a plain ``podman`` is the one of the test, as far as this machine lets it run."""
    files = {
        "CONTAINERS_STORAGE_CONF": f"""[storage]
driver = "vfs"
graphroot = "{podman.folder}/root"
runroot = "{podman.folder}/run"
""",
        "CONTAINERS_CONF": f"""[containers]
netns = "none"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{podman.folder}/tmp"
""",
        "CONTAINERS_REGISTRIES_CONF": f'[[registry]]\nlocation = "{registry.address}"\ninsecure = true\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    return {name: str(tmp_path / name) for name in files} | {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}


async def test_a_stale_copy_of_podman_s_is_mended_by_what_its_finding_says(
    podman, podman_environment, image, start_sshd, registry, tmp_path
):
    sshd = start_sshd(environment=podman_environment)
    typing = (tmp_path, os.environ | podman_environment)
    type_in(*typing, f"podman pull --quiet --platform linux/arm64 {image}", f"podman create --name fixes-pod {image}")
    type_in(*typing, "podman start fixes-pod || true")
    try:
        before = (await scanned(sshd, registry.address))["fixes-pod"].verdict
        assert (str(before.status), before.fix.commands[0]) == (
            "mismatch", f"podman pull --platform linux/amd64 {image}"), before  # fmt: skip
        type_in(*typing, *before.fix.commands, "podman wait fixes-pod")
        after = (await scanned(sshd, registry.address))["fixes-pod"].verdict
        assert str(after.status) == "ok", after
    finally:
        podman.podman("rm", "--force", "--time", "0", "fixes-pod", check=False)


async def test_a_pin_that_is_taken_out_leaves_nothing_to_mend(image, scan):
    pinned = (await scan(Plan(image, "pinned", pinned=Platform("linux", "arm64"))))["pinned"]
    assert "linux/arm64 was asked for, while the tag offers linux/amd64" in pinned.fix.summary
    assert "buildx" not in " ".join(pinned.fix.commands)
    after = (await scan(Plan(image, "pinned")))["pinned"]
    assert str(after.status) == "ok", after
