"""Images that only the host has: built there, saved by its real Docker, judged by the program inside."""

from __future__ import annotations

import pytest

from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.host import Host
from scanner.scan.scan import ScanLimits
from scanner.settings.schema import Settings

pytestmark = pytest.mark.system

DOCKERFILE = 'FROM scratch\nCOPY app /app\nENTRYPOINT ["/app"]\n'


@pytest.fixture(scope="module")
def built(docker_engine, elf_factory, tmp_path_factory):
    """Two images that say amd64 because this engine does; one has a program for arm64. Neither is started."""
    for name, architecture in (("right", "amd64"), ("wrong", "arm64")):
        folder = tmp_path_factory.mktemp(f"build-{name}")
        (folder / "Dockerfile").write_text(DOCKERFILE)
        (folder / "app").write_bytes(elf_factory(architecture))
        (folder / "app").chmod(0o755)
        docker_engine.docker("build", "-q", "-t", f"local/{name}", folder)
        docker_engine.docker("create", "--network", "none", "--name", f"local-{name}", f"local/{name}")
    yield
    docker_engine.docker("rm", "-f", "local-right", "local-wrong", check=False)


@pytest.fixture
def scan(built, docker_engine, start_sshd):
    """The verdicts of the containers made from local images, by name."""

    async def scanned(options="", environment=None, **scan_settings):
        sshd = start_sshd(environment=environment or {"DOCKER_HOST": docker_engine.host})
        sshd.authorize(options)
        settings = Settings.model_validate({
            "ssh": {
                "user": sshd.user, "identity_file": sshd.client_key, "known_hosts_file": sshd.known_hosts,
                "connect_timeout": "60s", "probe_timeout": "90s",
            },
            "scan": scan_settings,
        })  # fmt: skip
        reach = Adapters(settings, AdapterContext("0"))
        try:
            report = await reach.scanner(ScanLimits()).scan([Host("web-1", sshd.address, sshd.port)])
        finally:
            await reach.close()
        return {f.workload.name: f.verdict for f in report.findings if f.workload.name.startswith("local-")}

    return scanned


async def test_without_leave_they_stay_unknown(scan):
    assert {name: str(v.reason) for name, v in (await scan()).items()} == {
        "local-right": "image_local_only",
        "local-wrong": "image_local_only",
    }


async def test_with_leave_the_program_inside_decides(scan):
    found = await scan(local_images=True)
    assert {name: (str(v.status), str(v.reason)) for name, v in found.items()} == {
        "local-right": ("ok", "native"),
        "local-wrong": ("mismatch", "wrong_binary"),
    }


async def test_an_image_beyond_the_limit_is_unknown(scan, docker_engine, elf_factory, tmp_path):
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.replace("ENTRYPOINT", "COPY big /big\nENTRYPOINT"))
    (tmp_path / "app").write_bytes(elf_factory("amd64"))
    (tmp_path / "big").write_bytes(b"x" * (2 << 20))
    docker_engine.docker("build", "-q", "-t", "local/big", tmp_path)
    docker_engine.docker("create", "--network", "none", "--name", "local-big", "local/big")
    try:
        found = await scan(local_images=True, max_local_bytes="1MiB")
    finally:
        docker_engine.docker("rm", "-f", "local-big")
    assert str(found["local-big"].reason) == "layer_limit"
    assert str(found["local-right"].reason) == "native"


async def test_a_login_with_a_forced_command_says_why_it_cannot_look(scan, tmp_path):
    from scanner.probe.script import script  # noqa: PLC0415 -- only what the host would have installed

    probe = tmp_path / "probe"
    probe.write_bytes(script())
    found = await scan(f'restrict,command="sh {probe}"', local_images=True)
    assert str(found["local-wrong"].reason) == "image_local_only"
    assert "forced command" in found["local-wrong"].detail


async def test_podman_saves_its_images_too(scan, podman, elf_factory, tmp_path):
    storage, containers = tmp_path / "storage.conf", tmp_path / "containers.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{podman.folder}/root"\nrunroot = "{podman.folder}/run"\n'
    )
    containers.write_text(
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        f'tmp_dir = "{podman.folder}/tmp"\n'
    )
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "app").write_bytes(elf_factory("arm64"))
    (tmp_path / "app").chmod(0o755)
    podman.podman("build", "-q", "-t", "localhost/wrong", str(tmp_path))
    podman.podman("create", "--network", "none", "--name", "local-podman", "localhost/wrong")
    environment = {"CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(containers)}
    try:
        environment["DOCKER_HOST"] = "unix:///nonexistent"
        found = await scan(environment=environment, local_images=True)
        (tmp_path / "app").write_bytes(elf_factory("amd64"))
        podman.podman("build", "-q", "-t", "localhost/wrong", str(tmp_path))
        since = await scan(environment=environment, local_images=True)
    finally:
        podman.podman("rm", "--force", "local-podman")
    assert (str(found["local-podman"].reason), "/app" in found["local-podman"].detail) == ("wrong_binary", True)
    assert any(command.startswith("podman build ") for command in found["local-podman"].fix.commands)
    assert since["local-podman"].fix.commands[0] == "podman inspect local-podman > local-podman.json"
