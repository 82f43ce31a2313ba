"""Fixes of images, typed in their sources: the files mended, the builds made by the real buildx, the host scanned again."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import replace

import pytest

from scanner.domain.plan import Plan
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from tests.real import foreign
from tests.real.elf import executable
from tests.real.images import Pusher
from tests.real.process import Daemon
from tests.system.fixes.scanning import scanned
from tests.system.fixes.sources import MENDED, PER_TARGET, bake_file
from tests.system.fixes.typing import type_in

pytestmark = pytest.mark.system

HANDLERS = r"""
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
cd /proc/sys/fs/binfmt_misc
handler() {
  zeros='\x00\x00\x00\x00\x00\x00\x00\x00\x00' ones='\xff\xff\xff\xff\xff\xff\xff'
  printf %s ":$1:M::\x7fELF$2\x01\x01$zeros\x02\x00$3\x00:$ones\x00$ones\xff\xfe\xff\xff\xff:/bin/true:F" >register
}
handler qemu-aarch64 '\x02' '\xb7'
handler qemu-i386 '\x01' '\x03'
echo 0 >qemu-aarch64
touch "$1"
exec sleep infinity
"""
"""A kernel's handlers in a namespace of their own: one for a foreign CPU that is off, one for programs that run without."""

BUILD = re.compile(r"docker buildx build --platform (\S+) --tag (\S+) --push \.")


@pytest.fixture(scope="module")
def registry(queueing_registry):
    """One that a Docker can push to at any time."""
    return queueing_registry


@pytest.fixture(scope="module")
def pusher(registry):
    """Pushes to the same, so that its references are those."""
    return Pusher(registry.host, registry.port)


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
        is_sound = (
            MENDED[name].found is not None
        )  # the same sources in every such folder: one build has all of their tags
        made = {"context": name, "platforms": platforms.split(","), "tags": [], "output": ["type=image,push=true"]}
        builds.setdefault(platforms.replace("/", "-").replace(",", "_") if is_sound else name, made)["tags"].append(tag)
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
        for digest in MENDED[name].spoilt:
            blob = registry.stored(f"blobs/sha256/{digest[7:9]}/{digest[7:]}/data")
            blob.write_bytes(blob.read_bytes()[::-1])
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


CRASHES = executable("amd64").replace(b"\xb8\x01\0\0\0", b"\x0f\x0b\x0f\x0b\x90", 1)
"""A program that begins with what no CPU has (UD2)."""
STARTS_IT = ["/bin/sh", "-c", "/crash; exit $?"]


@pytest.fixture
def containers(docker_engine, pusher, image_factory, elf_factory, require):
    """Containers of another Docker than the one that builds, by the name of their repository: three that run, one whose program needs another CPU."""

    def image(cpu="amd64", program=None):
        files = {"app": image_factory.File(program or elf_factory(cpu, forever=True), 0o755)}
        return image_factory.image(files, entrypoint=["/app"], architecture=cpu)

    shell = require("busybox", "busybox-static").read_bytes()
    illegal = image_factory.image({"bin/sh": shell, "crash": CRASHES}, entrypoint=STARTS_IT)
    made = {"lost": image(), "broken": image(), "gone": image(), "illegal": illegal}
    references = {name: pusher.push(f"moved/{name}", "1", what) for name, what in made.items()}
    docker = docker_engine.docker
    for name, reference in references.items():
        docker("run", "--detach", "--network", "none", "--name", name, reference)
    docker("wait", "illegal")
    pusher.push("moved/lost", "1", image("arm64"))
    pusher.push("moved/broken", "1", image(program=b"no program"))
    yield made
    docker("rm", "--force", *made, check=False)


async def test_what_runs_is_safe_from_its_next_pull_and_what_crashed_runs_by_what_their_findings_say(
    containers, docker_engine, docker_with_plugins, buildx, start_sshd, registry, tmp_path, elf_factory, require
):
    sshd = start_sshd(environment={"DOCKER_HOST": docker_engine.host})
    shutil.rmtree(registry.stored("repositories/moved/gone/_manifests/tags/1"))
    (tmp_path / "Dockerfile").write_text(PER_TARGET)
    for cpu in ("amd64", "arm64"):
        (tmp_path / f"app-{cpu}").write_bytes(elf_factory(cpu, forever=True))
        (tmp_path / f"app-{cpu}").chmod(0o755)
    before = await scanned(sshd, registry.address)
    assert {name: before[name].verdict.reason for name in containers} == {
        "lost": Reason.PLATFORM_LOST,
        "broken": Reason.NEXT_PULL_BROKEN,
        "gone": Reason.TAG_GONE,
        "illegal": Reason.ILLEGAL_INSTRUCTION,
    }
    crashed = tmp_path / "illegal"
    crashed.mkdir()
    (crashed / "Dockerfile").write_text(
        f"FROM scratch\nCOPY sh /bin/sh\nCOPY crash /crash\nENTRYPOINT {json.dumps(STARTS_IT)}\n"
    )
    for name, program in (
        ("sh", require("busybox", "busybox-static").read_bytes()),
        ("crash", elf_factory("amd64", forever=True)),
    ):
        (crashed / name).write_bytes(program)
        (crashed / name).chmod(0o755)
    here = docker_with_plugins(docker_engine)
    for name in containers:
        for line in before[name].verdict.fix.commands:
            type_in(crashed if name == "illegal" else tmp_path, buildx if BUILD.fullmatch(line) else here, line)
    after = await scanned(sshd, registry.address)
    copy = after["illegal"].verdict
    assert copy.fix.commands[0].startswith("docker pull "), copy
    type_in(crashed, here, *copy.fix.commands)
    after |= await scanned(sshd, registry.address)
    assert reasons({name: after[name] for name in containers}) == dict.fromkeys(containers, "native")


@pytest.fixture
def inside(tmp_path, require_root):
    """How a command is begun that is to see handlers which no other process of this machine sees."""
    (tmp_path / "handlers.sh").write_text(HANDLERS)
    ready = tmp_path / "ready"
    argv = ["sh", "-c", foreign.ENTER, "sh", "-e", tmp_path / "handlers.sh", ready]
    holder = Daemon.start(argv, tmp_path / "holder", ready.exists)
    yield f"nsenter --target {holder.process.pid} --user --mount sh"
    holder.stop()


async def test_emulators_are_switched_on_or_taken_away_by_what_their_findings_say(
    inside, buildx, sshd, registry, pusher, image_factory, tmp_path
):
    (tmp_path / "Dockerfile").write_text(PER_TARGET)
    plans = []
    for name, cpu in (("off", "arm64"), ("shadowed", "386")):
        program = image_factory.File(executable(cpu), 0o755)
        for file in ("app-amd64", "app-arm64"):
            (tmp_path / file).write_bytes(executable(file[4:]))
            (tmp_path / file).chmod(0o755)
        image = image_factory.image({"app": program}, entrypoint=["/app"], architecture=cpu)
        plans.append(Plan(pusher.push(f"emulated/{name}", "1", image), name, pinned=Platform("linux", cpu)))
    sshd.authorize(f'command="{inside} -s"')
    before = await scanned(sshd, registry.address, plans)
    assert {name: found.verdict.reason for name, found in before.items()} == {
        "off": Reason.EMULATOR_UNUSABLE,
        "shadowed": Reason.NATIVE_SHADOWED,
    }, before
    typed = [line for found in before.values() for line in found.verdict.fix.commands if not line.startswith("grep ")]
    type_in(tmp_path, buildx, *(f"{inside} -c {shlex.quote(line)}" for line in typed))
    after = await scanned(sshd, registry.address, plans)
    assert reasons(after) == {"off": "emulated", "shadowed": "native"}, after
    assert after["off"].verdict.reason is Reason.EMULATED
    type_in(tmp_path, buildx, *after["off"].verdict.fix.commands)
    assert reasons(await scanned(sshd, registry.address, [replace(plans[0], pinned=None)])) == {"off": "native"}
