"""Fixes of containers that something made: Compose, Swarm; typed on the host, which is scanned again."""

from __future__ import annotations

import pytest

from tests.real.process import until
from tests.system.fixes.scanning import scanned
from tests.system.fixes.typing import type_in

pytestmark = pytest.mark.system

MADE = "anew"


@pytest.fixture
def image(pusher, image_factory, elf_factory):
    """``image(name)``: the reference of an image that the registry has for both CPUs."""
    made = {
        cpu: image_factory.image({"app": elf_factory(cpu, forever=True)}, entrypoint=["/app"], architecture=cpu)
        for cpu in ("amd64", "arm64")
    }

    def pushed(name, *cpus):
        what = made[cpus[0]] if cpus else image_factory.index(made["amd64"], made["arm64"])
        return pusher.push(f"{MADE}/{name}", "1", what)

    return pushed


@pytest.fixture
def scan(docker_engine, start_sshd, registry):
    sshd = start_sshd(environment={"DOCKER_HOST": docker_engine.host})

    async def found():
        return {name: each.verdict for name, each in (await scanned(sshd, registry.address)).items()}

    return found


@pytest.fixture
def environment(docker_engine, docker_with_plugins):
    yield docker_with_plugins(docker_engine)
    left = docker_engine.docker("ps", "-aq", check=False).split()
    if left:
        docker_engine.docker("rm", "-f", *left, check=False)


async def test_a_service_of_compose_with_a_stale_copy_is_mended_by_its_fix(
    docker_engine, environment, image, scan, tmp_path
):
    reference, legacy = image("compose"), image("legacy")
    docker_engine.docker("pull", "-q", legacy)  # by whose digest alone the right copy will be known
    docker_engine.docker("pull", "-q", "--platform", "linux/arm64", reference)
    (tmp_path / "compose.yaml").write_text(
        f"services:\n  web:\n    image: {reference}\n    network_mode: none\n    container_name: compose-web\n"
    )
    type_in(tmp_path, environment, "docker compose --project-name shop up --detach || true")
    before = (await scan())["compose-web"]
    assert str(before.status) == "mismatch"
    type_in(tmp_path, environment, *before.fix.commands)
    after = (await scan())["compose-web"]
    assert str(after.status) == "ok", after


async def test_a_service_whose_compose_file_pins_a_platform_is_mended_by_its_fix(environment, image, scan, tmp_path):
    reference = image("pinned")
    file = tmp_path / "compose.yaml"
    pin = "    platform: linux/arm64\n"
    file.write_text(
        f"services:\n  web:\n    image: {reference}\n{pin}    network_mode: none\n    container_name: pinned-web\n"
    )
    type_in(tmp_path, environment, "docker compose --project-name pinned up --detach || true")
    before = (await scan())["pinned-web"]
    assert f"Take platform: linux/arm64 out in {file}:4" in before.fix.summary
    file.write_text(file.read_text().replace(pin, ""))
    type_in(tmp_path, environment, *before.fix.commands)
    after = (await scan())["pinned-web"]
    assert str(after.status) == "ok", after


async def test_an_image_of_the_host_s_own_is_built_there_and_its_container_made_anew_by_its_fix(
    docker_engine, environment, start_sshd, registry, tmp_path, elf_factory
):
    async def found():
        sshd = start_sshd(environment={"DOCKER_HOST": docker_engine.host})
        return (await scanned(sshd, registry.address, scan={"local_images": True}))["built"].verdict

    (tmp_path / "Dockerfile").write_text('FROM scratch\nCOPY --chmod=755 app /app\nENTRYPOINT ["/app"]\n')
    (tmp_path / "app").write_bytes(elf_factory("arm64"))
    type_in(tmp_path, environment, "docker buildx build --load --platform linux/arm64 --tag built .")
    type_in(tmp_path, environment, "docker run --detach --network none --name built built || true")
    before = await found()
    (tmp_path / "app").write_bytes(elf_factory("amd64", forever=True))
    build, *anew = before.fix.commands
    assert build == "docker buildx build --load --platform linux/amd64 --tag built ."
    type_in(tmp_path, environment, build)
    since = await found()
    assert since.fix.commands == tuple(anew)  # nothing is left to be built
    type_in(tmp_path, environment, *anew)
    after = await found()
    assert [str(verdict.status) for verdict in (before, since, after)] == ["mismatch", "mismatch", "ok"], after


async def test_a_service_of_swarm_whose_tag_moved_is_mended_by_its_fix(
    docker_engine, environment, image, scan, tmp_path
):
    reference = image("swarm", "arm64")
    run = ("--detach", "--network", "host", "--restart-condition", "none")
    docker_engine.docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    try:
        # as with a registry that Swarm could not ask for the image's platforms: it would place no task here otherwise
        docker_engine.docker("service", "create", "--name", "web", "--no-resolve-image", *run, reference)
        until(lambda: "web.1" in docker_engine.docker("ps", "--all"), "a task of the service")
        image("swarm")
        before = {name.partition(".")[0]: verdict for name, verdict in (await scan()).items() if "." in name}
        assert str(before["web"].status) == "mismatch"
        type_in(tmp_path, environment, *before["web"].fix.commands)
        until(lambda: docker_engine.docker("ps", "--quiet"), "a task that runs")
        after = await scan()
        assert len(after) == 2, after  # the service, its one task that runs; what ended before is history
        assert {str(verdict.status) for verdict in after.values()} == {"ok"}
    finally:
        docker_engine.docker("swarm", "leave", "--force", check=False)
