"""A fleet of real engines, foreign machines, recorded hosts in one scan, with the exact verdict of everything."""

from __future__ import annotations

import importlib.util
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import asyncssh
import pytest

from scanner.app.adapters import AdapterContext, Adapters
from scanner.domain.facts import Source
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.plan import Plan
from scanner.hosts.ssh.recorded import RecordedHosts
from scanner.scan.scan import ScanLimits
from scanner.settings.schema import Settings

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

BUILD = Path(__file__).parents[1] / "data" / "hosts" / "build.py"
RECORDED = (
    "amd64-docker", "amd64-with-qemu", "pi4-arm64", "pi3-armv7", "graviton-no-aarch32", "s390x-podman",
    "riscv64-docker", "ppc64le-podman", "docker-down", "crash-loop",
)  # fmt: skip
FOREIGN = ("aarch64", "armv7l")
ARCHITECTURES = ("amd64", "arm64", "arm", "s390x", "riscv64", "ppc64le")
NO_DOCKER = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}
ATTEMPTS = 3
"""An engine under QEMU or on a busy machine may outlast the probe's patience; that is a gap, so it is asked again."""


@dataclass(frozen=True)
class Images:
    """References of what the hosts run and plan."""

    everywhere: str
    amd64: str
    arm64: str
    lying: str
    single: str
    digest: str


AMD64_PLANS = {
    "planned:everywhere": "native",
    "planned:amd64": "native",
    "planned:arm64": "platform_missing",
    "planned:lying": "wrong_binary",
}
ARM64_PLANS = {**AMD64_PLANS, "planned:amd64": "platform_missing", "planned:arm64": "native"}
OTHER_PLANS = {**dict.fromkeys(AMD64_PLANS, "platform_missing"), "planned:everywhere": "native"}
RUNS = {"running:web": "native"}
NO_DOCKER_THERE = {"running:docker": "engine_down"}
DOCKER_MAY_BE_MEANT = {**NO_DOCKER_THERE, "planned:for-anyone": "native"}
"""Docker's client is installed but no engine answers: what names no engine is judged by that one's version, kernel."""

EXPECTED = {
    "docker": {**AMD64_PLANS, "running:fleet-good": "native", "stopped:fleet-lying": "wrong_binary"},
    "podman": {
        **AMD64_PLANS, **DOCKER_MAY_BE_MEANT, "running:fleet-good": "native", "stopped:fleet-lying": "wrong_binary"},
    "containerd": {
        **AMD64_PLANS, **DOCKER_MAY_BE_MEANT, "running:test/fleet-good": "native",
        # what is up was made from what its engine takes of the index
        "running:test/fleet-index": "native"},
    "aarch64": ARM64_PLANS,
    "armv7l": OTHER_PLANS,
    "amd64-docker": {**AMD64_PLANS, **RUNS},
    "amd64-with-qemu": {**AMD64_PLANS, "planned:lying": "emulated", "running:web": "emulated"},
    "pi4-arm64": {**ARM64_PLANS, **RUNS},
    "pi3-armv7": {**OTHER_PLANS, **RUNS},
    "graviton-no-aarch32": {**ARM64_PLANS, **RUNS},
    "s390x-podman": {**OTHER_PLANS, **RUNS},
    "riscv64-docker": {**OTHER_PLANS, **RUNS},
    "ppc64le-podman": {**OTHER_PLANS, **RUNS},
    "docker-down": {**dict.fromkeys(AMD64_PLANS, "engine_down"), **NO_DOCKER_THERE},
    "crash-loop": {
        **AMD64_PLANS, "running:web": "wrong_platform",
        "stopped:done": "mislabelled",  # it ended with 0, so it did start
        "stopped:never": "wrong_platform", "stopped:old": "wrong_platform"},
}  # fmt: skip
"""Everything that runs, stopped or is planned, by host; nothing else may be found."""


@pytest.fixture(scope="module")
def images(pusher, image_factory, elf_factory):
    def image(architecture, said=None, *, forever=True):
        said = said or architecture
        files = {"entry": elf_factory(architecture, says="up", forever=forever)}
        variant = "v7" if said == "arm" else ""
        return image_factory.image(files, entrypoint=["/entry"], cmd=["run"], architecture=said, variant=variant)

    everywhere = image_factory.index(*map(image, ARCHITECTURES))
    return Images(
        pusher.push("fleet/everywhere", "1", everywhere),
        pusher.push("fleet/amd64", "1", image_factory.index(image("amd64"))),
        pusher.push("fleet/arm64", "1", image_factory.index(image("arm64"))),
        pusher.push("fleet/lying", "1", image_factory.index(image("arm64", "amd64"), image("amd64", "arm64"))),
        pusher.push("fleet/single", "1", image("amd64")),
        everywhere.manifest.digest,
    )


def recorded_answers(images):
    """What the recorded hosts say, their one image being ours."""
    spec = importlib.util.spec_from_file_location("hosts_build", BUILD)
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    name = images.everywhere.rpartition(":")[0]
    ours = {
        "nginx@sha256:" + "0" * 60 + "1001": f"{name}@{images.digest}",
        "nginx:1": images.everywhere,
    }

    def renamed(text):
        for old, new in ours.items():
            text = text.replace(old, new)
        return text

    return {
        host: build.framed({section: renamed(body) for section, body in build.HOSTS[host].items()}) for host in RECORDED
    }


@pytest.fixture(scope="module")
def real_hosts(docker_engine, podman, containerd, start_sshd, images, tmp_path_factory):
    """Each engine behind an sshd of its own, with containers that run, or do not."""
    folder = tmp_path_factory.mktemp("podman-conf")
    storage, containers = folder / "storage.conf", folder / "containers.conf"
    storage.write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{podman.folder}/root"\nrunroot = "{podman.folder}/run"\n'
    )
    containers.write_text(
        '[engine]\nruntime = "runc"\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        f'tmp_dir = "{podman.folder}/tmp"\n'
    )
    hosts = {
        "docker": start_sshd(environment={"DOCKER_HOST": docker_engine.host}),
        "podman": start_sshd(environment={
            **NO_DOCKER, "CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(containers)}),
        "containerd": start_sshd(environment={**NO_DOCKER, "CONTAINERD_ADDRESS": str(containerd.socket)}),
    }  # fmt: skip
    with (
        docker_containers(docker_engine, images),
        podman_containers(podman, images),
        ctr_containers(containerd, images),
    ):
        yield hosts


@contextmanager
def docker_containers(engine, images):
    engine.docker("run", "-d", "--network", "none", "--name", "fleet-good", images.everywhere)
    engine.docker("run", "-d", "--network", "none", "--name", "fleet-lying", images.lying, check=False)
    yield
    engine.docker("rm", "-f", "fleet-good", "fleet-lying", check=False)


@contextmanager
def podman_containers(engine, images):
    run = ("run", "-d", "--tls-verify=false", "--network", "none", "--name")
    engine.podman(*run, "fleet-good", images.amd64)
    engine.podman(*run, "fleet-lying", images.lying, check=False)
    yield
    engine.podman("rm", "--force", "--time", "0", "fleet-good", "fleet-lying", check=False)


@contextmanager
def ctr_containers(engine, images):
    containers = {"fleet-good": images.single, "fleet-index": images.everywhere}
    for name, image in containers.items():
        engine.ctr("images", "pull", "--plain-http", "--snapshotter", "native", image)
        engine.ctr("run", "-d", "--snapshotter", "native", image, name)
    yield
    for name in containers:
        engine.ctr("tasks", "delete", "--force", name, check=False)
        engine.ctr("containers", "delete", name, check=False)


@pytest.fixture(scope="module")
def foreign_hosts(foreign_host):
    return {machine: foreign_host(machine) for machine in FOREIGN}


@pytest.fixture
async def fleet(real_hosts, foreign_hosts, images, registry, tmp_path):
    """Every host, one key for all of them, and the reach to them."""
    plans = tuple(
        Plan(reference, name)
        for name, reference in (
            ("everywhere", images.everywhere),
            ("amd64", images.amd64),
            ("arm64", images.arm64),
            ("lying", images.lying),
        )
    )
    async with RecordedHosts(recorded_answers(images), tmp_path) as recorded:
        known = recorded.account.known_hosts_file
        public = recorded.account.identity_file.with_suffix(".pub")
        public.write_bytes(asyncssh.read_private_key(recorded.account.identity_file).export_public_key())
        servers = {**real_hosts, **foreign_hosts}
        for server in servers.values():
            let_in(server, public.read_text())
            known.write_text(known.read_text() + server.known_hosts.read_text())
        own = {
            name: (*(replace(plan, source=source) for plan in plans), Plan(images.everywhere, "for-anyone"))
            for name, source in (("podman", Source.QUADLET), ("containerd", Source.CONTAINERD))
        }
        hosts = [Host(n, s.address, s.port, s.user, planned=own.get(n, plans)) for n, s in servers.items()]
        hosts += [Host(name, "127.0.0.1", port, planned=plans) for name, port in recorded.ports.items()]
        reach = Adapters(
            Settings.model_validate(
                {
                    "ssh": {
                        "user": recorded.account.user,
                        "identity_file": recorded.account.identity_file,
                        "known_hosts_file": known,
                        "probe_timeout": "90s",
                        "connect_timeout": "60s",
                    },
                    "registries": {registry.address: {"plain_http": True}},
                }
            ),
            AdapterContext("0"),
        )
        yield hosts, reach
        await reach.close()


def let_in(server, public):
    """Add a key to what the server trusts already."""
    authorized = server.root / "authorized_keys" if hasattr(server, "root") else server.authorized_keys
    authorized.write_text(authorized.read_text() + public)


async def test_everything_in_a_mixed_fleet_gets_exactly_its_verdict(fleet):
    hosts, reach = fleet

    async def patiently(host):
        for _ in range(ATTEMPTS):
            facts = await reach.read(host)
            slow = isinstance(facts, Failure) or any("did not answer" in gap.detail for gap in facts.gaps.values())
            if not slow:
                break
        return facts

    report = await reach.scanner(ScanLimits(), read=patiently).scan(hosts)
    found = {}
    for finding in report.findings:
        w = finding.workload
        found.setdefault(w.host, {})[f"{w.stage}:{w.name}"] = str(finding.verdict.reason)
    assert [host.name for host in report.hosts] == [host.name for host in hosts]
    assert found == EXPECTED
