"""What real engines and tools save is judged as the registry's own, before anybody pushed it."""

from __future__ import annotations

import pytest

from scanner.settings.schema import Settings
from tests.app.archived import said
from tests.real.images import DOCKER, File
from tests.real.process import run

pytestmark = pytest.mark.system

BOTH = ("linux/amd64", "linux/arm64")


@pytest.fixture(scope="module")
def pushed(pusher, image_factory, elf_factory):
    """References by name: right, behind a wrong label, with a shell script's wrong interpreter, for two platforms."""

    def image(architecture, label=None, **more):
        layers = ({"base": b"a layer below"}, {"app": File(elf_factory(architecture))})
        return image_factory.image(
            *layers, entrypoint=["/app"], architecture=label or architecture, types=DOCKER, **more
        )

    script = image_factory.image(
        {"run.sh": File(b"#!/bin/nothing\n")}, entrypoint=["/run.sh"], architecture="amd64", types=DOCKER
    )
    made = {
        "right": image("amd64"),
        "lies": image("arm64", "amd64"),
        "script": script,
        "both": image_factory.index(image("amd64"), image("arm64"), types=DOCKER),
        "half": image_factory.index(image("amd64"), image("amd64", "arm64"), types=DOCKER),
    }
    return {name: pusher.push("saved", name, one) for name, one in made.items()}


@pytest.fixture(scope="module")
def by_registry(pushed, registry):
    settings = Settings.model_validate(
        {"registries": {registry.address: {"plain_http": True, "allow_networks": ("127.0.0.0/8",)}}}
    )

    async def verdict(name, platforms):
        return await said(pushed[name], platforms=platforms, settings=settings)

    return verdict


@pytest.mark.parametrize("name", ["right", "lies", "script"])
async def test_docker_20_10_saves_what_its_registry_has(docker_engine, pushed, by_registry, tmp_path, name):
    docker_engine.docker("pull", "-q", pushed[name])
    docker_engine.docker("save", "-o", tmp_path / "image.tar", pushed[name])
    expected = await by_registry(name, BOTH)
    for image in ("", f":{pushed[name]}"):
        assert await said(f"docker-archive:{tmp_path / 'image.tar'}{image}", platforms=BOTH) == expected


async def test_of_several_images_in_one_archive_each_is_found_by_its_name(docker_engine, pushed, by_registry, tmp_path):
    names = ("right", "lies")
    for name in names:
        docker_engine.docker("pull", "-q", pushed[name])
    docker_engine.docker("save", "-o", tmp_path / "both.tar", *(pushed[name] for name in names))
    for name in names:
        found = await said(f"docker-archive:{tmp_path / 'both.tar'}:{pushed[name]}", platforms=BOTH)
        assert found == await by_registry(name, BOTH)
    assert (await said(f"docker-archive:{tmp_path / 'both.tar'}"))[0] == "hold"


@pytest.mark.parametrize("store", ["classic", "containerd"])
async def test_docker_26_1_saves_what_its_registry_has(request, pushed, by_registry, store):
    engine = request.getfixturevalue(f"docker_{store}_26")
    for name in ("right", "lies"):
        engine.docker("pull", "-q", pushed[name])
        saved = engine.socket.parent / f"{name}.tar"
        run("sh", "-c", f'"$0" save {pushed[name]} > {saved}', engine.client, env=engine.environment)
        expected = await by_registry(name, BOTH)
        assert await said(f"docker-archive:{saved}", platforms=BOTH) == expected
        assert await said(f"oci-archive:{saved}", platforms=BOTH) == expected
    both = engine.socket.parent / "both.tar"
    for tagged, name in (("app:1", "right"), ("other:2", "lies")):
        engine.docker("tag", pushed[name], tagged)
    run("sh", "-c", f'"$0" save app:1 other:2 > {both}', engine.client, env=engine.environment)
    for asked, name in (("app:1", "right"), ("1", "right"), ("docker.io/library/other:2", "lies"), ("2", "lies")):
        assert await said(f"docker-archive:{both}:{asked}", platforms=BOTH) == await by_registry(name, BOTH), asked


@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive", "oci-dir"])
async def test_podman_saves_what_its_registry_has(podman, pushed, by_registry, tmp_path, kind):
    podman.podman("pull", "-q", "--tls-verify=false", pushed["lies"])
    podman.podman("save", "-q", "--format", kind, "-o", str(tmp_path / "saved"), pushed["lies"])
    transport = {"oci-dir": "oci"}.get(kind, kind)
    assert await said(f"{transport}:{tmp_path / 'saved'}", platforms=BOTH) == await by_registry("lies", BOTH)


@pytest.mark.parametrize("name", ["both", "half"])
@pytest.mark.parametrize("transport", ["oci", "oci-archive"])
async def test_skopeo_copies_every_platform(require, pushed, by_registry, tmp_path, name, transport):
    skopeo = require("skopeo", "skopeo")
    there = f"{transport}:{tmp_path / 'copied'}:1.4"
    run(skopeo, "copy", "--all", "--src-tls-verify=false", "--quiet", f"docker://{pushed[name]}", there)
    assert await said(there, platforms=BOTH) == await by_registry(name, BOTH)


async def test_buildah_pushes_into_files_what_its_registry_has(
    require, require_root, pushed, by_registry, tmp_path_factory
):
    buildah, folder = require("buildah", "buildah"), tmp_path_factory.mktemp("b")
    own = [buildah, "--root", folder / "root", "--runroot", folder / "run", "--storage-driver", "vfs"]
    run(*own, "pull", "--quiet", "--tls-verify=false", pushed["lies"])
    expected = await by_registry("lies", BOTH)
    for there in (
        f"oci:{folder}/layout:1.4",
        f"oci-archive:{folder}/o.tar",
        f"docker-archive:{folder}/d.tar:shop/api:1.4",
    ):
        run(*own, "push", "--quiet", pushed["lies"], there)
        assert await said(there, platforms=BOTH) == expected
