"""Many kinds of host, each by what it answered."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain.facts import EngineState, HostFacts, ImageStore, Source, Stage
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.probe import reading
from tests.rows import each_row

HOSTS = Path(__file__).parents[1] / "data" / "hosts"
NAMES = sorted(path.stem for path in HOSTS.glob("*.txt"))
HOST = Host(name="edge-1", address="10.0.0.1")

KERNELS = [
    # host, platform, userland, kernel bits, cpu level, arm, aarch32, ia32
    ("amd64-docker", "linux/amd64", 64, 64, 3, None, None, True),
    ("amd64-v1-old-atom", "linux/amd64", 64, 64, 1, None, None, True),
    ("amd64-v4-containerd-store", "linux/amd64", 64, 64, 4, None, None, True),
    ("amd64-ia32-off-at-boot", "linux/amd64", 64, 64, 2, None, None, False),
    ("amd64-ia32-off-by-default", "linux/amd64", 64, 64, 2, None, None, False),
    ("amd64-ia32-not-built", "linux/amd64", 64, 64, 2, None, None, False),
    ("amd64-ia32-not-told", "linux/amd64", 64, 64, 2, None, None, None),
    ("amd64-386-userland", "linux/amd64", 32, 64, 2, None, None, True),
    ("i686", "linux/386", 32, 32, 1, None, None, True),
    ("i686-on-64-bit-kernel", "linux/386", 32, 64, 2, None, None, True),
    ("pi5-arm64-16k-pages", "linux/arm64", 64, 64, None, "v8", False, None),
    ("pi4-arm64", "linux/arm64", 64, 64, None, "v8", True, None),
    ("pi4-64-bit-kernel-armhf-docker", "linux/arm64", 32, 64, None, "v8", True, None),
    ("pi3-armv7", "linux/arm/v7", 32, 32, None, "v7", True, None),
    ("pi-zero-armv6-says-7", "linux/arm/v6", 32, 32, None, "v6", True, None),
    ("armv5-nas", "linux/arm/v5", 32, 32, None, "v5", True, None),
    ("armv8l-32-bit-view", "linux/arm/v8", 32, 64, None, "v8", True, None),
    ("graviton-no-aarch32", "linux/arm64", 64, 64, None, "v8", False, None),
    ("arm64-64k-pages-not-told", "linux/arm64", 64, 64, None, "v8", None, None),
    ("ppc64le-podman", "linux/ppc64le", 64, 64, None, None, None, None),
    ("s390x-podman", "linux/s390x", 64, 64, None, None, None, None),
    ("riscv64-docker", "linux/riscv64", 64, 64, None, None, None, None),
    ("loong64-docker", "linux/loong64", 64, 64, None, None, None, None),
    ("mips-big-endian", "linux/mips", 32, 32, None, None, None, None),
    ("mips-little-endian", "linux/mipsle", 32, 32, None, None, None, None),
    ("mips64-little-endian", "linux/mips64le", 64, 64, None, None, None, None),
    ("macos-docker-desktop", "darwin/arm64", 64, 64, None, None, None, None),
    ("macos-rosetta-shell", "darwin/amd64", 64, 64, None, None, None, None),
    ("freebsd-podman", "freebsd/amd64", 64, 64, None, None, None, None),
    ("wsl2-docker", "linux/amd64", 64, 64, 3, None, None, True),
    ("machine-unknown", None, 64, None, None, None, None, None),
]

ENGINES = [
    # host, engine, platform, in another kernel
    ("amd64-docker", "docker", "linux/amd64", False),
    ("amd64-386-userland", "docker", "linux/386", False),
    ("pi4-arm64", "docker", "linux/arm64", False),
    ("pi4-64-bit-kernel-armhf-docker", "docker", "linux/arm/v8", False),
    ("pi3-armv7", "docker", "linux/arm/v7", False),
    ("pi-zero-armv6-says-7", "docker", "linux/arm/v6", False),
    ("armv5-nas", "docker", "linux/arm/v5", False),
    ("ppc64le-podman", "podman", "linux/ppc64le", False),
    ("s390x-podman", "podman", "linux/s390x", False),
    ("riscv64-docker", "docker", "linux/riscv64", False),
    ("loong64-docker", "docker", "linux/loong64", False),
    ("macos-docker-desktop", "docker", "linux/arm64", True),
    ("macos-rosetta-shell", "docker", "linux/arm64", True),
    ("freebsd-podman", "podman", "freebsd/amd64", False),
    ("wsl2-docker", "docker", "linux/amd64", False),
    ("docker-desktop-on-linux", "docker", "linux/amd64", True),
    ("rootless-podman", "podman:alice", "linux/amd64", False),
    ("rootless-podman", "podman:bob", "linux/amd64", False),
    ("rootless-docker", "docker:alice", "linux/amd64", False),
    ("containerd-only", "containerd", "linux/arm64", False),
    ("kubernetes-node", "cri", "linux/amd64", False),
    ("engine-contradicts-kernel", "docker", "linux/s390x", False),
]


def test_the_recorded_answers_are_what_their_pieces_make(pieces, recorded):
    assert {name: pieces.framed(sections) for name, sections in pieces.HOSTS.items()} == {
        name: recorded(name) for name in NAMES
    }


@each_row("row", KERNELS, ids=lambda row: row[0])
def test_a_kernel_is_what_it_can_execute(facts_of, row):
    name, *expected = row
    kernel = facts_of(name).kernel

    assert [
        kernel.platform and str(kernel.platform), kernel.userland_bits, kernel.kernel_bits, kernel.cpu_level,
        kernel.arm_version, kernel.aarch32, kernel.ia32,
    ] == expected  # fmt: skip


@pytest.mark.parametrize(
    ("name", "cpuinfo", "variant"),
    [
        ("ppc64le-podman", "cpu\t\t: POWER9 (architected), altivec supported", "power9"),
        ("ppc64le-podman", "processor : 0", None),
        (
            "s390x-podman",
            "features\t: esan3 zarch\nprocessor 0: version = 00,  identification = 1,  machine = 3906",
            "z14",
        ),
        ("s390x-podman", "features\t: esan3 zarch", None),
        ("riscv64-docker", "isa\t\t: rv64imafdc_zicsr", "rva20u64"),
        ("riscv64-docker", "isa\t\t: rv64ima", None),
        ("pi4-arm64", "cpu\t\t: POWER9", None),
        ("mips-big-endian", "isa\t\t\t: mips1", None),
    ],
)
def test_a_cpu_tells_its_generation_where_images_name_one(pieces, the_host, name, cpuinfo, variant):
    facts = reading.read(pieces.framed({**pieces.HOSTS[name], "cpuinfo": cpuinfo}), the_host)

    assert facts.kernel.cpu_variant == variant


@each_row("name, key, platform, in_vm", ENGINES)
def test_an_engine_is_what_it_was_built_for(facts_of, name, key, platform, in_vm):
    engine = facts_of(name).engine(key)

    assert engine is not None
    assert (engine.state, str(engine.platform), engine.in_vm) == (EngineState.UP, platform, in_vm)


@pytest.mark.parametrize(
    ("name", "state", "reason"),
    [
        ("no-engine", EngineState.ABSENT, None),
        ("docker-down", EngineState.DOWN, Reason.ENGINE_DOWN),
        ("docker-denied", EngineState.DENIED, Reason.ENGINE_DENIED),
        ("docker-without-client", EngineState.UNKNOWN, Reason.ENGINE_UNKNOWN),
    ],
)
def test_no_docker_is_not_docker_down_is_not_docker_denied(facts_of, name, state, reason):
    facts = facts_of(name)

    assert facts.engine("docker").state is state
    assert {key: gap.reason for key, gap in facts.gaps.items()} == ({"docker": reason} if reason else {})
    assert facts.workloads == ()


@each_row(
    "name",
    [
        name
        for name in NAMES
        if name not in {"docker-down", "docker-denied", "docker-without-client", "machine-unknown"}
    ],
)
def test_a_whole_answer_has_no_gaps(facts_of, name):
    assert dict(facts_of(name).gaps) == {}


def test_a_machine_nobody_knows_is_a_gap_of_its_own(facts_of):
    assert facts_of("machine-unknown").gaps["kernel"].reason is Reason.HOST_ARCH_UNKNOWN


@pytest.mark.parametrize("machine", ["", "abc", "x" * 10240, "armv", "\x1b[0m", "arm"])
def test_a_strange_machine_word_gives_no_platform(pieces, machine):
    sections = {**pieces.HOSTS["no-engine"], "uname": f"Linux\n{machine}\n6.1.0"}

    facts = reading.read(pieces.framed(sections), HOST)

    assert facts.kernel.platform is None
    assert facts.gaps["kernel"].reason is Reason.HOST_ARCH_UNKNOWN
    assert len(facts.kernel.machine) <= 64


@pytest.mark.parametrize(("name", "bits"), [("pi3-armv7", 32), ("pi4-arm64", 64), ("graviton-no-aarch32", 64)])
def test_a_shell_for_another_cpu_than_the_machine_s_is_an_emulator_s(recorded, name, bits):
    header = re.search(rb"shell_header 7f454c46\w{32}", recorded(name))
    raw = recorded(name).replace(header[0], b"shell_header 7f454c46020101" + b"0" * 22 + b"3e00")
    facts = reading.read(raw, HOST)

    assert facts.kernel.userland_bits == bits
    assert any("an emulator runs the shell" in told for told in facts.discrepancies)
    assert not any("emulator" in told for told in reading.read(recorded(name), HOST).discrepancies)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pi4-64-bit-kernel-armhf-docker", "32-bit"),
        ("pi-zero-armv6-says-7", "ARMv6"),
        ("macos-rosetta-shell", "Rosetta"),
        ("macos-docker-desktop", "virtual machine"),
        ("engine-contradicts-kernel", "s390x"),
    ],
)
def test_a_contradiction_is_told_in_words(facts_of, name, words):
    assert any(words in told for told in facts_of(name).discrepancies)


@pytest.mark.parametrize(
    ("name", "enabled", "entries"),
    [
        ("amd64-with-qemu", True, ["qemu-aarch64"]),
        ("amd64-binfmt-off", False, ["qemu-aarch64"]),
        ("amd64-binfmt-unmounted-new-kernel", False, []),
        ("wsl2-docker", True, ["WSLInterop"]),
    ],
)
def test_emulators_are_told_as_they_are_registered(facts_of, name, enabled, entries):
    binfmt = facts_of(name).kernel.binfmt

    assert (binfmt.enabled, [entry.name for entry in binfmt.entries]) == (enabled, entries)


@pytest.mark.parametrize("name", ["amd64-binfmt-unmounted-old-kernel", "macos-docker-desktop"])
def test_emulators_that_cannot_be_seen_are_unknown(facts_of, name):
    assert facts_of(name).kernel.binfmt is None


# ---------------------------------------------------------------- workloads


def test_the_exact_manifest_outweighs_what_the_store_would_choose_today(facts_of):
    (workload,) = facts_of("amd64-v4-containerd-store").workloads

    assert facts_of("amd64-v4-containerd-store").engine("docker").store is ImageStore.CONTAINERD
    assert workload.local.platform == Platform("linux", "amd64")
    assert workload.local.manifest_digest == f"sha256:{9:064x}"


def test_a_container_that_runs_its_image_s_own_command_overrides_nothing(facts_of):
    (workload,) = facts_of("amd64-docker").workloads

    assert (workload.host, workload.name, workload.source, workload.stage) == (
        "edge-1", "web", Source.DOCKER, Stage.RUNNING,
    )  # fmt: skip
    assert workload.process is None
    assert workload.local.process.argv == ("/entry", "run")
    assert workload.local.repo_digests == (f"nginx@sha256:{4097:064x}",)


def test_a_crash_loop_keeps_its_last_words(facts_of):
    looping, never, old, done = facts_of("crash-loop").workloads

    assert (looping.stage, looping.state, looping.exit_code, looping.restart_count) == (
        Stage.RUNNING,
        "restarting",
        255,
        9,
    )
    assert looping.log == ("exec /entry: exec format error",)
    assert (never.stage, never.exit_code, never.log) == (Stage.STOPPED, 127, ())
    assert "no such file or directory" in never.error
    assert (old.exit_code, old.log) == (1, ("boom",))
    assert (done.exit_code, done.log) == (0, ())


def test_a_pod_s_container_is_told_once_with_its_latest_attempt(facts_of):
    api, web = facts_of("kubernetes-node").workloads

    assert (api.name, api.source, api.image, api.restart_count) == (
        "prod/shop-1/api", Source.KUBERNETES, "reg:5000/api:1", 6,
    )  # fmt: skip
    assert (api.exit_code, api.log, str(api.local.platform)) == (255, ("exec /api: exec format error",), "linux/amd64")
    assert (web.name, web.stage) == ("prod/shop-1/web", Stage.RUNNING)


def test_containerd_tells_its_namespaces_without_docker_s(facts_of):
    web, bare = facts_of("containerd-only").workloads

    assert (web.name, web.image, web.stage, web.local.repo_digests) == (
        "default/web", "docker.io/library/nginx:1", Stage.RUNNING, (f"docker.io/library/nginx@sha256:{5:064x}",),
    )  # fmt: skip
    assert (bare.name, bare.image, bare.stage, bare.local) == ("default/bare", "", Stage.STOPPED, None)


def test_each_user_s_podman_has_workloads_of_its_own(facts_of):
    facts = facts_of("rootless-podman")

    assert [(workload.engine, workload.name) for workload in facts.workloads] == [
        ("podman:alice", "web"), ("podman:bob", "web#2"),
    ]  # fmt: skip
    assert facts.engine("podman").state is EngineState.ABSENT
    assert facts.engine("podman:alice").owner == "alice"


def test_a_swarm_service_is_planned_by_its_manager(facts_of):
    (service,) = facts_of("swarm-manager").workloads

    assert (service.name, service.source, service.stage, service.engine) == (
        "shop_web",
        Source.SWARM,
        Stage.PLANNED,
        "docker",
    )
    assert service.image.startswith("nginx:1@sha256:")


def test_every_kind_of_plan_is_a_planned_workload(facts_of):
    planned = [workload for workload in facts_of("every-plan").workloads if workload.stage is Stage.PLANNED]

    assert [(str(w.source), w.name, w.image, str(w.pinned or ""), w.build_only) for w in planned] == [
        ("quadlet", "db.service", "docker.io/library/postgres:16", "", False),
        ("systemd", "old.service", "legacy:1", "", False),
        ("kubernetes", "kube-system/etcd/etcd", "registry.k8s.io/etcd:3.5", "", False),
        ("nomad", "web/g/t", "redis:7", "", False),
        ("compose", "shop/web", "nginx:2", "linux/arm64", False),
        ("compose", "shop/built", "shop-built", "", True),
    ]


def test_the_host_s_default_platform_belongs_to_its_docker(facts_of):
    assert facts_of("default-platform-set").engine("docker").default_platform == Platform("linux", "amd64")


def test_hostile_names_are_one_printable_line(facts_of):
    (workload,) = facts_of("hostile-names").workloads

    for text in (workload.name, workload.image):
        assert text.isprintable()
        text.encode("utf-8")
    assert workload.name == "red X: y{{7*7}}$(id)%s"


# ---------------------------------------------------------------- what is missing


def facts_without(pieces, name, section):
    sections = {key: body for key, body in pieces.HOSTS[name].items() if key != section}
    return reading.read(pieces.framed(sections), HOST)


EXPENDABLE = {"os"}
"""Sections without which nothing that is judged would change."""

COMPLETE = [
    "amd64-docker", "crash-loop", "swarm-manager", "rootless-podman", "kubernetes-node", "containerd-only", "every-plan",
    "pi4-arm64", "amd64-with-qemu", "default-platform-set",
]  # fmt: skip


@pytest.mark.parametrize("name", COMPLETE)
def test_a_section_that_is_missing_is_a_gap_and_never_silently_fewer_facts(pieces, name):
    whole = reading.read(pieces.framed(pieces.HOSTS[name]), HOST)
    for section in pieces.HOSTS[name]:
        if section in EXPENDABLE:
            continue
        facts = facts_without(pieces, name, section)
        assert isinstance(facts, HostFacts)
        assert set(facts.gaps) > set(whole.gaps), f"nothing tells that {section} is missing"
        assert len(facts.workloads) <= len(whole.workloads)


@pytest.mark.parametrize("name", COMPLETE)
def test_a_section_that_was_cut_is_a_gap(pieces, name):
    for section, body in pieces.HOSTS[name].items():
        if section in EXPENDABLE or "/log/" in section:
            continue
        raw = pieces.framed(pieces.HOSTS[name]).replace(
            b"@section %s %d\n" % (section.encode(), len(body.encode())),
            b"@section %s %d truncated\n" % (section.encode(), len(body.encode())),
        )
        facts = reading.read(raw, HOST)
        assert isinstance(facts, HostFacts)
        assert facts.gaps, f"nothing tells that {section} was cut"


def test_a_container_that_was_not_told_is_a_gap(pieces):
    sections = pieces.HOSTS["crash-loop"]
    fewer = {**sections, "docker/containers": sections["docker/containers"].split("\n", 1)[1]}

    facts = reading.read(pieces.framed(fewer), HOST)

    assert facts.gaps["docker"].detail.startswith("1 of 4 containers")


def test_a_container_that_went_away_meanwhile_is_no_gap(pieces):
    sections = pieces.HOSTS["crash-loop"]
    first, rest = sections["docker/containers"].split("\n", 1)
    message = f"Error: No such container: {first.split()[1]}\n@exit 1"

    facts = reading.read(pieces.framed({**sections, "docker/containers": f"{rest}\n{message}"}), HOST)

    assert dict(facts.gaps) == {}
    assert len(facts.workloads) == 3


def test_more_containers_than_one_host_runs_are_counted_but_not_read(pieces):
    containers = tuple(pieces.container(number, name=f"c{number}") for number in range(1, 2101))
    sections = pieces.host("x86_64", "amd64", pieces.flags(3), engines=pieces.docker(
        "amd64", containers=containers, images=(pieces.image(1, "amd64"),)))  # fmt: skip

    facts = reading.read(pieces.framed(sections), HOST)

    assert facts.gaps["docker"].reason is Reason.HOST_TOO_MANY
    assert len(facts.workloads) == 2000


@pytest.mark.parametrize("name", ["amd64-docker", "every-plan", "containerd-only"])
def test_an_answer_cut_anywhere_gives_no_facts(recorded, name):
    raw = recorded(name)
    for end in range(len(raw)):
        found = reading.read(raw[:end], HOST)
        assert isinstance(found, Failure)
        assert found.reason is Reason.HOST_INCOMPLETE, (end, found)


@given(st.sampled_from(NAMES), st.data())
def test_damage_anywhere_never_raises(name, data):
    raw = bytearray((HOSTS / f"{name}.txt").read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))

    found = reading.read(bytes(raw), HOST)

    assert isinstance(found, HostFacts | Failure)


@given(st.data())
def test_any_text_in_any_section_never_raises(pieces, data):
    name = data.draw(st.sampled_from(NAMES))
    section = data.draw(st.sampled_from(sorted(pieces.HOSTS[name])))
    body = data.draw(
        st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda t: t.encode("utf-8", "replace")))
    )

    found = reading.read(pieces.framed({**pieces.HOSTS[name], section: body}), HOST)

    assert isinstance(found, HostFacts)
    for workload in found.workloads:
        assert workload.name.isprintable()
