"""The judgement, statement by statement."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.domain import facts
from scanner.domain.failure import Failure
from scanner.domain.image import offers as image_offers
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.reason import STATUS_OF, Reason, Status
from scanner.domain.verdict.started import NEVER_STARTED_CODES
from scanner.domain.verdict.verdict import Depth, Evidence, NextPull
from tests import builders
from tests.builders import AMD64, ARM64, ARM_V7, I386, S390X

ZSTD_LAYER = image_offers.Layer("sha256:" + "1" * 64, "application/vnd.oci.image.layer.v1.tar+zstd", 1)


an_index, plan = builders.image_facts, builders.plan


def a_host(platform=AMD64, *, engine=None, store=facts.ImageStore.CLASSIC, state=facts.EngineState.UP, **kernel):
    engines = (builders.docker(engine or platform, "20.10.24", state, store),)
    return builders.host_facts("h", platform, engines=engines, **kernel)


def of_no_version(host):
    return replace(host, engines=tuple(replace(engine, version="") for engine in host.engines))


def offer(entry, config="same", binary="same", problem=None, digest="a"):
    config = entry if config == "same" else config
    binary = config if binary == "same" else binary
    chain = (builders.executable(binary),) if isinstance(binary, Platform) else ()
    program = image_offers.Program(("/app",), chain, problem) if binary is not None or problem else None
    return builders.offer(entry, digest, config=config, program=program)


def a_single(config, binary="same", problem=None):
    made = offer(None, config, binary, problem)
    return image_offers.ImageFacts("r.example/app:1", made.digest, is_index=False, offers=(made,))


def container(platform=AMD64, *, digest="a", **more):
    held = {"platform": platform, "manifest_digest": builders.digest(digest)}
    return builders.container("c", f"r.example/app@{builders.INDEX}", local=held, **more)


def reason_of(*arguments, **more):
    return str(judge(*arguments, **more).reason)


# ---------------------------------------------------------------- planned images


@pytest.mark.parametrize(
    ("host", "image", "reason"),
    [
        (a_host(), an_index(offer(AMD64)), "native"),
        (a_host(), an_index(offer(ARM64), offer(AMD64, digest="b")), "native"),
        (a_host(), an_index(offer(ARM64)), "platform_missing"),
        (a_host(ARM64), an_index(offer(AMD64)), "platform_missing"),
        (a_host(S390X), an_index(offer(AMD64), offer(ARM64, digest="b")), "platform_missing"),
        (a_host(), a_single(AMD64), "native"),
        (a_host(), a_single(ARM64), "wrong_platform"),
        (a_host(), a_single(AMD64, binary=ARM64), "wrong_binary"),
        (a_host(), an_index(offer(AMD64, binary=ARM64)), "wrong_binary"),
        (a_host(), an_index(offer(AMD64, config=ARM64, binary=AMD64)), "config_disagrees"),
        (a_host(), an_index(offer(AMD64, config=ARM64, binary=ARM64)), "wrong_platform"),
        (a_host(), a_single(ARM64, binary=AMD64), "mislabelled"),
        (a_host(), a_single(Platform("freebsd", "amd64"), binary=AMD64), "image_refused"),
        (a_host(), a_single(Platform("darwin", "amd64"), binary=ARM64), "image_refused"),
        (a_host(), an_index(offer(AMD64, binary=None)), "binary_not_inspected"),
        (a_host(), an_index(offer(AMD64, config=Failure(Reason.IMAGE_MALFORMED))), "image_malformed"),
        (a_host(), an_index(offer(AMD64, config=None, binary=AMD64)), "image_arch_unknown"),
        (a_host(), a_single(Platform("linux", ""), binary=AMD64), "config_disagrees"),
        (a_host(), a_single(Platform("", "amd64"), binary=AMD64), "config_disagrees"),
        (a_host(), a_single(Platform("", ""), binary=AMD64), "config_disagrees"),
        (a_host(), a_single(Platform("linux", ""), binary=ARM64), "wrong_binary"),
        (a_host(), a_single(Platform("linux", ""), binary=None), "binary_not_inspected"),
        (a_host(), an_index(offer(AMD64, config=Platform("linux", ""), binary=AMD64)), "config_disagrees"),
        (a_host(), a_single(Platform("", "amd64"), problem=Failure(Reason.LOADER_MISSING)), "loader_missing"),
        (a_host(), an_index(), "image_refused"),
        (a_host(), Failure(Reason.IMAGE_NO_PLATFORMS), "image_refused"),
        (a_host(), an_index(offer(AMD64, binary=Platform("linux", "amd64", "v4"))), "cpu_level_too_low"),
        (a_host(cpu_level=None), an_index(offer(AMD64, binary=Platform("linux", "amd64", "v4"))), "cpu_level_unknown"),
        (a_host(), an_index(offer(AMD64, problem=Failure(Reason.CRLF_SHEBANG), binary=None)), "crlf_shebang"),
        (a_host(), an_index(offer(AMD64, problem=Failure(Reason.LAYER_LIMIT), binary=None)), "layer_limit"),
        (a_host(), an_index(offer(AMD64, problem=Failure(Reason.LOADER_MISSING), binary=ARM64)), "wrong_binary"),
        (a_host(), an_index(offer(AMD64, problem=Failure(Reason.LOADER_MISSING))), "loader_missing"),
        (a_host(ARM64, aarch32=False), an_index(offer(ARM_V7)), "aarch32_missing"),
        (a_host(ARM64, aarch32=None), an_index(offer(ARM_V7)), "aarch32_unknown"),
        (a_host(ARM64, aarch32=True), an_index(offer(ARM_V7)), "native"),
        (a_host(ia32=False), a_single(I386), "ia32_missing"),
        (a_host(), an_index(offer(I386)), "platform_missing"),  # Docker 20.10 does not fall back to 386
        (a_host(), an_index(replace(offer(AMD64), nested=True)), "image_refused"),
        (a_host(), an_index(replace(offer(AMD64), layers=(ZSTD_LAYER,))), "engine_unknown"),
        (a_host(engine=ARM64), an_index(offer(AMD64)), "host_contradictory"),
        (a_host(state=facts.EngineState.DOWN), an_index(offer(AMD64)), "native"),
        (a_host(state=facts.EngineState.DOWN), an_index(offer(ARM64)), "platform_missing"),
        (of_no_version(a_host(state=facts.EngineState.DOWN)), an_index(offer(AMD64)), "engine_down"),
        (a_host(state=facts.EngineState.UNUSED), an_index(offer(AMD64)), "native"),
        (a_host(state=facts.EngineState.UNUSED), an_index(offer(ARM64)), "platform_missing"),
        (of_no_version(a_host(state=facts.EngineState.UNUSED)), an_index(offer(AMD64)), "engine_unknown"),
        (a_host(state=facts.EngineState.DENIED), an_index(offer(AMD64)), "engine_denied"),
        (a_host(state=facts.EngineState.ABSENT), an_index(offer(AMD64)), "engine_absent"),
        (a_host(), Failure(Reason.IMAGE_DENIED), "image_denied"),
        (Failure(Reason.HOST_TIMEOUT), an_index(offer(AMD64)), "host_timeout"),
    ],
)
def test_a_planned_image_is_judged_by_its_deepest_evidence(host, image, reason):
    assert reason_of(host, plan(), image) == reason


def test_only_the_layers_that_are_asked_for_must_agree():
    image = an_index(offer(AMD64, config=None, binary=None))
    assert reason_of(a_host(), plan(), image, Depth.INDEX) == "native"
    assert reason_of(a_host(), plan(), image, Depth.CONFIG) == "image_arch_unknown"


@pytest.mark.parametrize("config", [Platform("linux", ""), Platform("", "amd64"), Platform("", "")])
def test_a_config_that_lacks_a_word_is_never_ok_nor_its_fix_silent_about_it(config):
    for image in (a_single(config, binary=AMD64), an_index(offer(AMD64, config=config, binary=AMD64))):
        assert reason_of(a_host(), plan(), image, Depth.CONFIG) == "image_arch_unknown"
        found = judge(a_host(), plan(), image)
        assert "the config names no" in found.detail
        assert "image's own config" in found.fix.summary


def test_a_config_that_contradicts_its_index_entry_degrades_a_shallow_verdict():
    image = an_index(offer(AMD64, config=ARM64, binary=None))
    assert reason_of(a_host(), plan(), image, Depth.CONFIG) == "config_disagrees"


def test_a_config_that_fits_never_makes_a_foreign_index_entry_ok():
    image = an_index(offer(ARM64, config=AMD64, binary=None))
    assert reason_of(a_host(), plan(pinned=ARM64), image, Depth.CONFIG) == "config_disagrees"


def test_a_foreign_single_manifest_is_the_wrong_platform_when_nobody_opens_the_binary():
    assert reason_of(a_host(), plan(), a_single(ARM64, binary=None), Depth.CONFIG) == "wrong_platform"


def test_a_level_that_only_the_label_names_still_counts():
    image = a_single(Platform("linux", "amd64", "v4"), binary=AMD64)
    assert reason_of(a_host(), plan(), image) == "cpu_level_unknown"


def test_a_missing_platform_names_what_is_offered_and_the_build_that_adds_ours():
    verdict = judge(a_host(), plan(), an_index(offer(ARM64)))
    assert verdict.offered == (ARM64,)
    assert verdict.fix.commands == (
        "docker buildx build --platform linux/amd64,linux/arm64 --tag r.example/app:1 --push .",
    )


# ---------------------------------------------------------------- containers that exist


def test_a_container_is_judged_by_the_manifest_it_was_made_from_not_by_its_tag():
    runs = an_index(offer(AMD64, binary=ARM64, digest="a"), offer(AMD64, digest="b"))
    assert reason_of(a_host(), container(digest="a", state="exited", stage=facts.Stage.STOPPED), runs) == "wrong_binary"
    assert reason_of(a_host(), container(digest="b"), runs) == "native"


def test_an_image_id_that_no_config_has_is_not_guessed_by_a_label():
    image = an_index(replace(offer(AMD64, digest="b"), config_digest="sha256:" + "d" * 64))
    classic = container(digest="e", state="exited", stage=facts.Stage.STOPPED, exit_code=1)
    assert reason_of(a_host(), classic, image) == "image_local_only"
    containerd = replace(classic, local=replace(classic.local, image_id=image.digest))
    assert reason_of(a_host(), containerd, image) == "native"


def test_a_tag_that_lost_the_platform_degrades_what_still_runs():
    verdict = judge(a_host(), container(), an_index(offer(AMD64)), next_pull=an_index(offer(ARM64)))
    assert (verdict.reason, verdict.status) == (Reason.PLATFORM_LOST, Status.DEGRADED)
    assert f"until then name r.example/app@{builders.INDEX} in its plan" in verdict.fix.summary
    assert verdict.fix.commands == (
        "docker buildx build --platform linux/amd64,linux/arm64 --tag r.example/app:1 --push .",
    )


@pytest.mark.parametrize("reason", [r for r in Reason if STATUS_OF[r] is Status.UNKNOWN and r.startswith("image_")])
def test_not_to_know_what_the_tag_means_today_never_changes_what_runs(reason):
    verdict = judge(a_host(), container(), an_index(offer(AMD64)), next_pull=Failure(reason, "said so"))
    if reason is Reason.IMAGE_TAG_MISSING:
        assert (verdict.reason, verdict.status, verdict.next_pull) == (Reason.TAG_GONE, Status.DEGRADED, NextPull.GONE)
    elif reason is Reason.IMAGE_NO_PLATFORMS:
        assert (verdict.reason, verdict.next_pull) == (Reason.NEXT_PULL_BROKEN, NextPull.BREAKS)
    else:
        assert (verdict.reason, verdict.next_pull) == (Reason.NATIVE, NextPull.UNKNOWN)
        assert verdict.evidence[-1] == Evidence(
            "next_pull", f"what the tag means today is not known: {reason}: said so"
        )


def test_the_next_pull_is_an_answer_of_its_own():
    runs = an_index(offer(AMD64))
    assert judge(a_host(), container(), runs).next_pull is NextPull.NOT_ASKED
    assert judge(a_host(), container(), runs, next_pull=an_index(offer(AMD64, digest="b"))).next_pull is NextPull.STARTS
    assert judge(a_host(), container(), runs, next_pull=an_index(offer(ARM64))).next_pull is NextPull.BREAKS
    unread = an_index(offer(AMD64, binary=None, digest="b"))
    assert judge(a_host(), container(), runs, next_pull=unread).next_pull is NextPull.UNKNOWN


# ---------------------------------------------------------------- what the kernel shows


def head(platform):
    machine = builders.ELF_MACHINES.get(platform.architecture, 3)
    bits, order = (1, "<") if platform.architecture in {"arm", "386"} else (2, ">" if platform == S390X else "<")
    start = b"\x7fELF" + bytes([bits, 2 if order == ">" else 1, 1]) + bytes(9)
    return (start + struct.pack(f"{order}HHI", 2, machine, 1)).ljust(64, b"\0")


def live(*platforms, exe="/app"):
    return tuple(facts.LiveProcess("app", exe, head(platform)) for platform in platforms)


def settled(platform=AMD64, *shown, **more):
    return container(platform, settled=True, live=live(*(shown or (AMD64,))), **more)


NEVER_READ = an_index(offer(AMD64, problem=Failure(Reason.LAYER_LIMIT), binary=None))
FOREIGN = an_index(offer(AMD64, binary=ARM64))


@pytest.mark.parametrize("image", [NEVER_READ, Failure(Reason.IMAGE_RATE_LIMITED), None, an_index(offer(AMD64))])
@pytest.mark.parametrize("restarts", [0, 1, 40])
def test_what_runs_before_the_kernel_s_eyes_is_ok_at_no_registry_byte(image, restarts):
    verdict = judge(a_host(), settled(restart_count=restarts), image)
    assert verdict.status is Status.OK
    assert Evidence("kernel", "/app runs: ELF linux/amd64") in verdict.evidence


@pytest.mark.parametrize(
    "unseen",
    [
        {"settled": False, "live": live(AMD64)},
        {"settled": None, "live": live(AMD64)},
        {"settled": True, "live": None},
        {"settled": True, "live": ()},
        {"settled": True, "live": (facts.LiveProcess("app", "/app", b""),)},
        {"settled": True, "live": (facts.LiveProcess("app", "/app", b"#!/bin/sh"),)},
        {"settled": True, "live": live(AMD64), "state": "restarting"},
        {"settled": True, "live": live(AMD64), "state": "exited", "stage": facts.Stage.STOPPED, "exit_code": 1},
    ],
)
def test_what_was_not_seen_for_a_minute_proves_nothing(unseen):
    assert judge(a_host(), container(**unseen), NEVER_READ).status is Status.UNKNOWN


def test_an_executable_that_is_the_emulator_is_emulation():
    qemu = facts.BinfmtEntry("qemu-aarch64", enabled=True, interpreter="/usr/bin/qemu-aarch64-static", flags="F")
    host = a_host(binfmt=facts.Binfmt(enabled=True, entries=(qemu,)))
    shown = container(ARM64, settled=True, live=live(AMD64, exe="/usr/bin/qemu-aarch64-static"))
    assert reason_of(host, shown, Failure(Reason.IMAGE_TIMEOUT)) == "emulated"
    assert reason_of(host, shown, FOREIGN) == "emulated"


def test_a_volume_that_stands_in_is_no_mismatch_however_often_the_container_restarted():
    mounted = settled(restart_count=1, mounts=(facts.Mount("/app"),))
    assert reason_of(a_host(), mounted, FOREIGN) == "native"
    assert reason_of(a_host(), replace(mounted, mounts=()), FOREIGN) == "mislabelled"


@pytest.mark.parametrize(
    ("over", "reason"), [("/app", "binary_unknown"), ("/ap", "wrong_binary"), ("/", "binary_unknown")]
)
@pytest.mark.parametrize("state", ["exited", "created", "planned"])
def test_a_file_below_a_mount_is_not_the_image_s(over, reason, state):
    stage = facts.Stage.PLANNED if state == "planned" else facts.Stage.STOPPED
    found = container(state=state, stage=stage, exit_code=1, mounts=(facts.Mount(over),))
    assert reason_of(a_host(), found, FOREIGN) == reason


def test_a_contradiction_between_kernel_and_engine_is_settled_by_no_process():
    assert reason_of(a_host(engine=ARM64), settled(), an_index(offer(AMD64))) == "host_contradictory"


# ---------------------------------------------------------------- ends that nobody explains


@pytest.mark.parametrize("code", sorted(NEVER_STARTED_CODES))
@pytest.mark.parametrize("state", ["exited", "restarting", "dead"])
def test_an_end_that_nothing_explains_is_no_start(code, state):
    ended = container(state=state, stage=facts.Stage.STOPPED, exit_code=code, restart_count=5)
    verdict = judge(a_host(), ended, an_index(offer(AMD64)))
    assert (verdict.reason, verdict.status) == (Reason.CRASH_UNEXPLAINED, Status.UNKNOWN)
    assert judge(a_host(), ended, FOREIGN).reason is Reason.WRONG_BINARY


@pytest.mark.parametrize("code", [1, 2, 3, 137, 143, 255])
def test_any_other_end_is_one_of_a_program_that_started(code):
    verdict = judge(a_host(), container(state="restarting", exit_code=code), an_index(offer(AMD64)))
    assert verdict.reason is Reason.NATIVE
    assert verdict.evidence[-1] == Evidence("runtime", f"it keeps ending with {code}")


def test_what_an_engine_refused_was_never_started():
    created = container(
        state="created", stage=facts.Stage.STOPPED, error="driver failed: port is already allocated", exit_code=128
    )
    verdict = judge(a_host(), created, an_index(offer(AMD64)))
    assert (verdict.reason, verdict.status) == (Reason.ENGINE_REFUSED, Status.UNKNOWN)
    assert verdict.detail == (
        "the engine refused it, not for the CPU: a port is in use (driver failed: port is already allocated)"
    )


def test_what_an_engine_refused_in_unknown_words_is_never_ok():
    created = container(state="created", stage=facts.Stage.STOPPED, error="the moon is full", exit_code=128)
    verdict = judge(a_host(), created, an_index(offer(AMD64)))
    assert (verdict.reason, verdict.status) == (Reason.ENGINE_REFUSED, Status.UNKNOWN)
    assert verdict.detail == "the engine refused it, and nobody knows why (the moon is full)"


def test_a_runtime_s_words_in_the_log_of_what_ran_for_hours_are_the_application_s():
    words = ("exec /app: exec format error",)
    ended = container(
        state="exited", stage=facts.Stage.STOPPED, log=words, exit_code=255, started_at=1_000.0, finished_at=9_000.0
    )
    assert reason_of(a_host(), ended, an_index(offer(AMD64))) == "native"
    assert reason_of(a_host(), replace(ended, finished_at=1_001.0), an_index(offer(AMD64))) == "exec_format_error"


def test_a_broken_next_pull_degrades_what_still_runs():
    ahead = an_index(offer(AMD64, problem=Failure(Reason.NO_SHEBANG), binary=None, digest="b"))
    assert reason_of(a_host(), container(), an_index(offer(AMD64)), next_pull=ahead) == "next_pull_broken"


def test_a_local_image_that_runs_is_proof_of_itself():
    assert reason_of(a_host(), container(), None) == "native"


def test_a_local_image_that_was_never_seen_to_start_is_unknown_until_its_binary_is_read():
    created = container(state="created", stage=facts.Stage.STOPPED)
    verdict = judge(a_host(), created, None)
    assert verdict.reason is Reason.IMAGE_LOCAL_ONLY
    assert verdict.evidence[-1] == Evidence("local", f"linux/amd64 ({builders.digest('c')[:19]})")
    assert reason_of(a_host(), created, None, Depth.CONFIG) == "native"


def test_a_local_image_for_another_cpu_that_is_not_up_will_not_start():
    assert (
        reason_of(a_host(), container(ARM64, state="exited", stage=facts.Stage.STOPPED, exit_code=1), None)
        == "wrong_platform"
    )


def test_a_local_image_that_runs_although_its_label_says_otherwise_is_mislabelled():
    assert reason_of(a_host(), container(ARM64), None) == "mislabelled"


def test_a_container_that_runs_overrules_what_its_image_lacks_for_a_volume_may_hold_it():
    image = an_index(offer(AMD64, problem=Failure(Reason.ENTRYPOINT_MISSING), binary=None))
    assert reason_of(a_host(), container(), image) == "native"
    assert reason_of(a_host(), container(state="paused"), image) == "native"
    assert reason_of(a_host(), container(state="created", stage=facts.Stage.STOPPED), image) == "entrypoint_missing"


@pytest.mark.parametrize(
    ("runs", "platform"),
    [
        (an_index(offer(AMD64, binary=ARM64)), AMD64),
        (a_single(ARM64), ARM64),
    ],
)
def test_what_runs_is_no_mismatch_but_degraded_and_one_when_it_has_failed(runs, platform):
    verdict = judge(a_host(), container(platform), runs)
    assert (verdict.reason, verdict.status) == (Reason.MISLABELLED, Status.DEGRADED)
    assert verdict.detail.startswith("it runs here although ")
    failed = container(platform, state="exited", stage=facts.Stage.STOPPED, exit_code=1)
    assert judge(a_host(), failed, runs).status is Status.MISMATCH


def test_of_a_container_that_runs_and_whose_image_is_not_told_only_the_tag_is_wrong():
    runs = replace(container(), local=None)
    assert reason_of(a_host(), runs, an_index(offer(ARM64))) == "platform_lost"
    assert reason_of(a_host(), replace(runs, state="created", stage=facts.Stage.STOPPED), an_index(offer(ARM64))) == (
        "platform_missing"
    )


def test_a_command_that_is_not_the_image_s_own_may_be_in_a_volume():
    image = an_index(offer(AMD64, problem=Failure(Reason.ENTRYPOINT_MISSING), binary=None))
    overridden = plan(process=facts.Process(entrypoint=("/mounted/run.sh",)))
    assert reason_of(a_host(), overridden, image) == "binary_unknown"
    assert reason_of(a_host(), plan(), image) == "entrypoint_missing"


def test_an_observed_exec_format_error_overrules_every_label():
    crashed = container(state="restarting", restart_count=7, log=("exec /app: exec format error",), exit_code=255)
    verdict = judge(a_host(), crashed, an_index(offer(AMD64)))
    assert (verdict.reason, verdict.status) == (Reason.EXEC_FORMAT_ERROR, Status.MISMATCH)


def test_a_container_that_is_up_between_two_crashes_is_judged_by_its_last_words():
    words = ("exec /app: exec format error",)
    between = container(state="running", restart_count=7, log=words)
    assert reason_of(a_host(), between, an_index(offer(AMD64))) == "exec_format_error"
    recovered = container(state="running", restart_count=7, log=(*words, "listening on :8080"))
    assert reason_of(a_host(), recovered, an_index(offer(AMD64))) == "native"


def test_an_observed_error_confirms_the_more_precise_reason_that_the_binary_gave():
    crashed = container(state="restarting", restart_count=7, log=("exec /app: exec format error",), exit_code=255)
    image = an_index(offer(AMD64, problem=Failure(Reason.NO_SHEBANG), binary=None))
    verdict = judge(a_host(), crashed, image)
    assert verdict.reason is Reason.NO_SHEBANG
    assert verdict.evidence[-1].layer == "runtime"


@pytest.mark.parametrize(
    ("docker", "reason"),
    [
        ("absent", "native"),
        ("unused", "native"),
        ("up", "platform_missing"),
        ("down", "platform_missing"),
        ("denied", "engine_denied"),
    ],
)
def test_a_plan_is_judged_by_the_likeliest_engine_that_is_there(docker, reason):
    """An armhf Docker takes no arm64 image, though the Podman beside it does."""
    host = a_host(ARM64, engine=ARM_V7, state=facts.EngineState(docker), aarch32=True)
    podman = facts.Engine(facts.EngineKind.PODMAN, facts.EngineState.UP, "5.0", ARM64, facts.ImageStore.PODMAN)
    both = replace(host, engines=(*host.engines, podman))
    assert reason_of(both, plan(), an_index(offer(ARM64))) == reason


def test_an_engine_that_is_down_says_so_in_the_evidence_and_vouches_for_no_container():
    host = a_host(state=facts.EngineState.DOWN)
    assert judge(host, plan(), an_index(offer(AMD64))).evidence[1].says.endswith("which is down now")
    assert reason_of(host, container(), an_index(offer(AMD64))) == "engine_down"


def test_an_engine_in_a_virtual_machine_is_judged_by_its_own_platform():
    host = a_host(ARM64)
    engine = replace(host.engines[0], in_vm=True, platform=ARM64)
    mac = replace(host, engines=(engine,), kernel=facts.Kernel("Darwin", "arm64", platform=Platform("darwin", "arm64")))
    assert reason_of(mac, plan(), an_index(offer(ARM64))) == "native"
    assert reason_of(mac, plan(), an_index(offer(AMD64))) == "platform_missing"


# ---------------------------------------------------------------- invariants

PLATFORMS = st.sampled_from([AMD64, ARM64, ARM_V7, I386, S390X, Platform("linux", "amd64", "v3")])
FAILURES = st.sampled_from(list(Reason)).filter(lambda r: STATUS_OF[r] is Status.UNKNOWN).map(Failure)
PROBLEMS = st.sampled_from([r for r in Reason if STATUS_OF[r] in (Status.UNKNOWN, Status.BROKEN)]).map(Failure)
OFFERS = st.builds(
    offer,
    st.none() | PLATFORMS,
    st.none() | PLATFORMS | FAILURES,
    st.none() | PLATFORMS,
    st.none() | PROBLEMS,
    st.sampled_from("abcde"),
)
IMAGES = st.lists(OFFERS, max_size=4).map(lambda offers: an_index(*offers)) | st.builds(a_single, PLATFORMS, PLATFORMS)
HOSTS = st.builds(
    a_host,
    st.sampled_from([AMD64, ARM64, ARM_V7, S390X]),
    store=st.sampled_from(list(facts.ImageStore)),
    state=st.sampled_from(list(facts.EngineState)),
    cpu_level=st.none() | st.integers(1, 4),
    aarch32=st.none() | st.booleans(),
    ia32=st.none() | st.booleans(),
    binfmt=st.none() | st.just(facts.Binfmt(enabled=True)),
)
WORKLOADS = st.one_of(
    st.just(plan()),
    st.builds(
        container,
        PLATFORMS,
        state=st.sampled_from(["running", "exited", "created", "restarting", "paused", "dead"]),
        stage=st.sampled_from([facts.Stage.RUNNING, facts.Stage.STOPPED]),
        digest=st.sampled_from("abcde"),
        exit_code=st.none() | st.sampled_from([0, 1, 126, 127, 132, 255]),
    ),
)


@given(HOSTS | FAILURES, WORKLOADS, st.none() | IMAGES | FAILURES, st.sampled_from(list(Depth)), st.none() | IMAGES)
def test_every_combination_of_facts_has_exactly_one_verdict(host, workload, image, depth, ahead):
    verdict = judge(host, workload, image, depth, ahead)
    assert verdict.status is STATUS_OF[verdict.reason]
    assert (verdict.fix.summary == "") == (verdict.status is Status.OK)


@given(HOSTS, WORKLOADS, FAILURES, st.sampled_from(list(Depth)))
def test_a_failure_on_either_side_is_never_ok(host, workload, failure, depth):
    assert judge(failure, workload, an_index(offer(AMD64)), depth).status is Status.UNKNOWN
    assert judge(host, workload, failure, depth).status is not Status.OK


@given(HOSTS, IMAGES)
def test_a_planned_image_is_ok_only_if_something_it_offers_runs_natively(host, image):
    if judge(host, plan(), image).status is not Status.OK:
        return
    binaries = {file.elf.needs.architecture for o in image.offers if o.program for file in o.program.chain}
    runs = {"amd64": {"amd64", "386"}, "arm64": {"arm64", "arm"}}.get(host.kernel.platform.architecture)
    assert binaries & (runs or {host.kernel.platform.architecture})


@given(HOSTS, st.lists(PLATFORMS, max_size=4), PLATFORMS)
def test_adding_a_platform_never_turns_ok_into_mismatch(host, platforms, added):
    offers = [offer(p, digest="abcde"[i]) for i, p in enumerate(platforms)]
    if judge(host, plan(), an_index(*offers)).status is Status.OK:
        more = an_index(*offers, offer(added, digest="e"))
        assert judge(host, plan(), more).status is not Status.MISMATCH


# ---------------------------------------------------------------- a handler whose emulator stands in the image

QEMU = "/usr/bin/qemu-aarch64-static"


def emulator(needs=AMD64, path=QEMU, interpreter=""):
    made = builders.executable(needs)
    return replace(made, path=path, role="emulator", elf=replace(made.elf, interpreter=interpreter))


@pytest.mark.parametrize(
    ("path", "emulators", "reason"),
    [
        (QEMU, (), "emulator_unusable"),
        (QEMU, None, "emulator_unknown"),
        (QEMU, (emulator(),), "emulated"),
        (QEMU, (emulator(path="/usr/bin/qemu-aarch64"),), "emulator_unusable"),
        (QEMU, (emulator(ARM64),), "emulator_unknown"),
        (QEMU, (emulator(interpreter="/lib64/ld-linux-x86-64.so.2"),), "emulator_unknown"),
        ("/opt/own", (), "emulator_unknown"),
    ],
)
def test_a_handler_without_f_starts_what_brings_its_emulator_along(path, emulators, reason):
    magic = bytes.fromhex("7f454c460201010000000000000000000200b700")
    mask = bytes.fromhex("ffffffffffffff00fffffffffffffffffeffffff")
    entry = facts.BinfmtEntry("qemu-aarch64", True, path, "OC", magic=magic, mask=mask)
    host = a_host(binfmt=facts.Binfmt(enabled=True, entries=(entry,)))
    made = a_single(ARM64)
    program = replace(made.offers[0].program, emulators=emulators)
    assert reason_of(host, plan(), made.with_program(made.offers[0].digest, program)) == reason
