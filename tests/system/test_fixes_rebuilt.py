"""Fixes of images, typed in their sources: the files mended, the builds made by the real buildx, the host scanned again."""

from __future__ import annotations

import re
import shlex

import pytest

from scanner.domain.plan import Plan
from tests.system.fixes.scanning import scanned
from tests.system.fixes.sources import MENDED, bake_file
from tests.system.fixes.typing import type_in

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

BUILD = re.compile(r"docker buildx build --platform (\S+) --tag (\S+) --push \.")


@pytest.fixture(scope="module")
def buildx(docker_containerd_26, docker_with_plugins):
    """Environment in which ``docker buildx`` is Debian 13's, with the Docker of that Debian behind it."""
    return docker_with_plugins(docker_containerd_26)


def build_all(folder, environment, commands):
    """What each build command says, all of it in one process; the last one is typed as it stands."""
    *most, (last, command) = commands.items()
    builds = {}
    for name, text in most:
        platforms, tag = BUILD.fullmatch(text).groups()
        builds[name] = {
            "context": name,
            "platforms": platforms.split(","),
            "tags": [tag],
            "output": ["type=image,push=true"],
        }
    (folder / "bake.json").write_text(bake_file(builds))
    type_in(folder, environment, "docker buildx bake --file bake.json")
    type_in(folder / last, environment, command)


async def rebuilt(which, folder, buildx, sshd, registry, pusher):
    """Findings of these sources' images before their fixes were typed, and after."""
    images = {name: f"{registry.address}/mended/{name}:1" for name in which}
    plans = [Plan(image, name) for name, image in images.items()]
    builds = {
        name: f"docker buildx build --platform {MENDED[name].platforms} --tag {images[name]} --push ." for name in which
    }
    for name in which:
        MENDED[name].write(folder / name)
        for tag, image in (MENDED[name].found or {}).items():
            pusher.push(f"mended/{name}", tag, image)
        for digest in MENDED[name].lost:
            pusher.delete_blob(f"mended/{name}", digest)
    type_in(folder, buildx, "git init --quiet . && git add --all")
    build_all(folder, buildx, {name: build for name, build in builds.items() if MENDED[name].found is None})
    before = await scanned(sshd, registry.address, plans)
    for name in which:
        MENDED[name].edit(folder / name)
        fix = [command for command in before[name].verdict.fix.commands if not command.startswith("archscan ")]
        builds[name] = next(filter(BUILD.fullmatch, fix), builds[name])
        type_in(folder / name, buildx, *(command for command in fix if not BUILD.fullmatch(command)))
    build_all(folder, buildx, builds)
    return before, await scanned(sshd, registry.address, plans)


@pytest.fixture
def sshd(docker_containerd_26, start_sshd, amd64, require):
    require("git", "git")
    return start_sshd(environment={"DOCKER_HOST": docker_containerd_26.host})


TYPED = [name for name, sources in MENDED.items() if sources.is_typed]
WRITTEN = [name for name, sources in MENDED.items() if not sources.is_typed]


def reasons(findings):
    return {name: str(finding.verdict.reason) for name, finding in findings.items()}


async def test_sources_in_which_a_fix_was_typed_make_images_that_start(buildx, sshd, registry, pusher, tmp_path):
    before, after = await rebuilt(TYPED, tmp_path, buildx, sshd, registry, pusher)
    assert reasons(before) == {name: MENDED[name].reason for name in TYPED}
    assert reasons(after) == dict.fromkeys(TYPED, "native"), [before[name].verdict.fix for name in TYPED]
    words = shlex.split(before["platform-missing"].verdict.fix.commands[-1])
    assert words[words.index("--platform") + 1] == "linux/amd64,linux/arm64"  # what it offered before is kept


@pytest.mark.engines
async def test_sources_that_somebody_wrote_as_a_fix_says_make_images_that_start(
    buildx, sshd, registry, pusher, tmp_path
):
    before, after = await rebuilt(WRITTEN, tmp_path, buildx, sshd, registry, pusher)
    assert reasons(before) == {name: MENDED[name].reason for name in WRITTEN}
    assert reasons(after) == dict.fromkeys(WRITTEN, "native"), [before[name].verdict.fix for name in WRITTEN]
