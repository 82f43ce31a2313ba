"""Our own container image: built by a real engine, without any network, on a base that is made here."""

import json
import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.real.require import missing
from tests.real.wheels import ROOT, copy_of_clone, fetch_wheels

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

BUILT_FROM = ("scanner", "pyproject.toml", "requirements.lock", "README.md", "LICENSE", "Dockerfile", ".dockerignore")
SIZE_MAX_MIB = 400
"""What the layers over the base may add; mostly the libraries."""


def packages_below(*names: str) -> set[str]:
    """These Debian packages and all that they depend on, as far as they are installed here."""
    listed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package}\\t${db:Status-Status}\\t${Pre-Depends}, ${Depends}\\n"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    installed = {
        name: needs
        for name, status, needs in (line.split("\t") for line in listed.splitlines())
        if status == "installed"
    }
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in installed and name not in found:
            found.add(name)
            todo += re.findall(r"(?:^|[,|])\s*([a-z0-9][a-z0-9+.-]+)", installed[name])
    return found


def write_root(archive: Path, packages: set[str]) -> None:
    """A tar of the files of these packages, with the few that their set-up makes; folders that are links stay links."""
    files = subprocess.run(["dpkg-query", "-L", *packages], capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    made_at_setup = ["/etc/passwd", "/etc/group", "/etc/ld.so.cache", "/bin", "/sbin", "/lib", "/lib64", "/tmp"]
    unwanted = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/")
    places: dict[Path, Path] = {}
    for name in {*files, *made_at_setup} - {"", "/."}:
        path = Path(name)
        if path.is_symlink() or (path.exists() and not name.startswith(unwanted)):
            places[path.parent.resolve() / path.name] = path
    with tarfile.open(archive, "w") as tar:
        for real in sorted(places):
            tar.add(places[real], arcname=str(real), recursive=False)


@pytest.fixture(scope="module")
def base(docker_engine, require, tmp_path_factory):
    """Debian with nothing but Python, made of the packages that are installed here: no network, a few seconds."""
    require("dpkg-query", "dpkg")
    packages = packages_below("python3-venv", "base-files", "ca-certificates", "coreutils", "dash", "libc-bin")
    if not {"python3-venv", "coreutils"} <= packages:
        missing("the base of the image needs Debian's own Python: apt-get install python3-venv")
    archive = tmp_path_factory.mktemp("base") / "base.tar"
    write_root(archive, packages)
    docker_engine.docker("import", archive, "archscan-base")
    archive.unlink()
    return "archscan-base"


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    """What is built from, with the wheels beside it: inside the build there is no network."""
    folder = tmp_path_factory.mktemp("context")
    copy_of_clone(folder, BUILT_FROM)
    lock = ("--constraint", str(ROOT / "requirements.lock"))
    fetch_wheels(folder / "wheels", *lock, f"{ROOT}[cluster,postgresql]", "hatchling", "editables")
    return folder


@pytest.fixture(scope="module")
def image(docker_engine, base, context):
    docker_engine.docker(
        "build", "--quiet", "--network", "none", "--build-arg", f"BASE={base}", "--build-arg", "PIP_NO_INDEX=1",
        "--build-arg", "PIP_FIND_LINKS=wheels", "--tag", "archscan", context, timeout_s=300,
    )  # fmt: skip
    return "archscan"


def inspect(docker_engine, image):
    return json.loads(docker_engine.docker("image", "inspect", image))[0]


def test_the_image_serves_as_an_unprivileged_user(docker_engine, image):
    config = inspect(docker_engine, image)["Config"]
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["archscan"]
    assert config["Cmd"][0] == "serve"


def test_the_image_adds_little_to_its_base(docker_engine, image, base):
    added = inspect(docker_engine, image)["Size"] - inspect(docker_engine, base)["Size"]
    assert added < SIZE_MAX_MIB << 20


def test_the_image_holds_no_installer(docker_engine, image):
    run = ("run", "--rm", "--network", "none", "--entrypoint", "/opt/archscan/bin/python", image)
    said = docker_engine.docker(
        *run, "-c", "import importlib.util as u; print(u.find_spec('pip'), u.find_spec('scanner') is not None)"
    )
    assert said == "None True\n"


@pytest.fixture
def configuration(start_sshd, docker_engine, registry, tmp_path):
    """A folder with a configuration of one real host that runs Docker, readable for the image's user."""
    sshd = start_sshd(environment={"DOCKER_HOST": docker_engine.host})
    folder = tmp_path / "etc"
    folder.mkdir()
    key = folder / "key"
    shutil.copy(sshd.client_key, key)
    key.chmod(0o400)
    os.chown(key, 65532, 65532)
    shutil.copy(sshd.known_hosts, folder / "known_hosts")
    (folder / "archscan.yml").write_text(json.dumps({
        "inventory": [{"kind": "static", "hosts": {"web-1": {
            "address": sshd.address, "port": sshd.port, "user": sshd.user,
            "planned": [f"{registry.address}/image/foreign:1", f"{registry.address}/image/native:1"],
        }}}],
        "ssh": {"identity_file": "/etc/archscan/key", "known_hosts_file": "/etc/archscan/known_hosts"},
        "registries": {registry.address: {"plain_http": True, "allow_networks": ["127.0.0.0/8"]}},
    }))  # fmt: skip
    for parent in (folder, *folder.parents):
        if parent.is_relative_to(tmp_path):
            parent.chmod(0o755)
    return folder


@pytest.fixture
def planned_images(pusher, image_factory, elf_factory):
    """One image for this machine, one for another CPU."""
    for name, architecture in (("foreign", "arm64"), ("native", "amd64")):
        files = {"hello": elf_factory(architecture)}
        pusher.push(f"image/{name}", "1", image_factory.image(files, entrypoint=["/hello"], architecture=architecture))


@pytest.mark.usefixtures("planned_images")
def test_from_inside_the_image_a_real_host_is_scanned(docker_engine, image, configuration):
    said = subprocess.run(
        [docker_engine.client, "run", "--rm", "--network", "host", "--volume", f"{configuration}:/etc/archscan:ro", image,
         "scan", "--config", "/etc/archscan/archscan.yml", "--format", "json"],
        capture_output=True, text=True, check=False, timeout=120, env=docker_engine.environment, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert said.returncode in {1, 3}, said.stdout + said.stderr
    report = json.loads(said.stdout)
    assert [(host["name"], host["status"]) for host in report["hosts"]] == [("web-1", "ok")], said.stdout[:2000]
    planned = {f["image"].rpartition("/")[2]: f["status"] for f in report["findings"] if f["source"] == "inventory"}
    assert planned == {"foreign:1": "mismatch", "native:1": "ok"}, said.stdout
