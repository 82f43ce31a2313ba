"""Our own container image: built by a real engine, without any network, on a base that is made here."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.require import missing

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

ROOT = Path(__file__).parent.parent.parent
BUILT_FROM = ("scanner", "pyproject.toml", "requirements.lock", "README.md", "LICENSE", "Dockerfile", ".dockerignore")
SIZE_MAX_MIB = 400
"""What the layers over the base may add; mostly the libraries."""


@pytest.fixture(scope="module")
def base(docker_engine, require, tmp_path_factory):
    """Debian with nothing but Python, imported into the engine."""
    folder = tmp_path_factory.mktemp("base")
    root = folder / "root"
    made = subprocess.run(
        [require("debootstrap", "debootstrap"), "--variant=minbase", "--include=python3,python3-venv,ca-certificates",
         "bookworm", root], capture_output=True, text=True, check=False, timeout=300, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if made.returncode:
        missing(f"debootstrap needs a Debian mirror: {made.stdout[-300:]}{made.stderr[-300:]}")
    archive = folder / "base.tar"
    subprocess.run(["tar", "-C", root, "--exclude=./var/cache/apt/archives/*.deb", "-cf", archive, "."], check=True)
    shutil.rmtree(root)
    docker_engine.docker("import", archive, "archscan-base")
    archive.unlink()
    return "archscan-base"


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    """What is built from, with the wheels beside it: inside the build there is no network."""
    folder = tmp_path_factory.mktemp("context")
    for name in BUILT_FROM:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    fetched = subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:", "--dest", folder / "wheels",
         "--constraint", ROOT / "requirements.lock", f"{ROOT}[postgresql]", "hatchling", "editables"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    if fetched.returncode:
        missing(f"pip could not fetch the wheels: {fetched.stderr[-300:]}")
    for own in (folder / "wheels").glob("archscan-*"):
        own.unlink()
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
