"""Every condition of the judgement both ways: what differs by it alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scanner.domain import facts
from scanner.domain.facts import Mount, Stage
from scanner.domain.failure import Failure
from scanner.domain.image.offers import Objection
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import NextPull
from tests.builders import AMD64, ARM64, S390X
from tests.domain.verdict.test_judge import (
    FOREIGN,
    ZSTD_LAYER,
    a_host,
    a_single,
    an_index,
    container,
    live,
    of_no_version,
    offer,
    plan,
    reason_of,
    settled,
)

GOOD = an_index(offer(AMD64))
STOPPED = {"state": "exited", "stage": Stage.STOPPED, "exit_code": 1}
CRASHED = {"log": ("exec /app: exec format error",), "exit_code": 255}
QEMU = facts.BinfmtEntry("qemu-aarch64", enabled=True, interpreter="/usr/bin/qemu-aarch64-static", flags="F")
WITH_QEMU = a_host(binfmt=facts.Binfmt(enabled=True, entries=(QEMU,)))
BEHIND_QEMU = live(AMD64, exe="/usr/bin/qemu-aarch64-static")


def lacking(reason, detail="", path="/app"):
    return an_index(offer(AMD64, problem=Failure(reason, detail, path=path), binary=None))


# ---------------------------------------------------------------- which offer, with what evidence


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (GOOD, ["linux/amd64", "linux/amd64 (sha256:aaaaaaaaaaaa)"]),
        (a_single(AMD64), []),
        (an_index(offer(ARM64)), ["linux/arm64"]),
        (an_index(offer(None, config=None, binary=None)), ["no platform"]),
    ],
)
def test_only_an_index_is_evidence_as_one(image, said):
    assert [each.says for each in judge(a_host(), plan(), image).evidence if each.layer == "index"] == said


def test_what_an_engine_might_refuse_hides_nothing_that_is_certain():
    packed = replace(offer(AMD64), layers=(ZSTD_LAYER,))
    foreign = replace(offer(AMD64, binary=ARM64), layers=(ZSTD_LAYER,))
    assert reason_of(a_host(), plan(), an_index(packed)) == "engine_unknown"
    assert reason_of(a_host(), plan(), an_index(foreign)) == "wrong_binary"


def test_a_verdict_that_no_offer_was_taken_for_names_the_digest_that_was_asked():
    down = of_no_version(a_host(state=facts.EngineState.DOWN))
    assert judge(down, plan(), GOOD).digest == GOOD.digest
    assert judge(a_host(), plan(), GOOD).digest == GOOD.offers[0].digest
    assert judge(a_host(), plan(), Failure(Reason.IMAGE_DENIED)).digest is None


@pytest.mark.parametrize(("path", "is_kept"), [("/app", True), ("", False)])
def test_a_failure_is_kept_where_it_concerns_something(path, is_kept):
    failure = Failure(Reason.LAYER_LIMIT, "too large", path=path)
    kept = judge(a_host(), plan(), an_index(offer(AMD64, problem=failure, binary=None))).failure
    assert kept == (failure if is_kept else None)
    assert judge(a_host(), plan(), GOOD).failure is None


# ---------------------------------------------------------------- what the kernel shows


@pytest.mark.parametrize(
    ("image", "detail"),
    [
        (lacking(Reason.LAYER_LIMIT, "4 GiB are too many"), "its processes run (4 GiB are too many)"),
        (lacking(Reason.LAYER_LIMIT), "its processes run"),
        (lacking(Reason.LOADER_MISSING, "no /lib/ld.so"), "its processes run (no /lib/ld.so)"),
    ],
)
def test_what_runs_says_what_is_not_known_of_it(image, detail):
    assert judge(a_host(), settled(), image).detail == detail


def test_what_runs_behind_an_emulator_says_which():
    shown = container(ARM64, settled=True, live=BEHIND_QEMU)
    said = "app runs through the emulator /usr/bin/qemu-aarch64-static (qemu-aarch64)"
    for image in (lacking(Reason.LAYER_LIMIT, "too large"), FOREIGN, GOOD, an_index(offer(AMD64, binary=S390X))):
        verdict = judge(WITH_QEMU, shown, image)
        assert (verdict.reason, verdict.detail) == (Reason.EMULATED, said)
    for over in ((), (Mount("/app"),)):
        verdict = judge(WITH_QEMU, replace(shown, mounts=over), lacking(Reason.WRONG_LIBRARY))
        assert (verdict.reason, verdict.detail) == (Reason.EMULATED, said)


def test_a_mount_over_a_foreign_file_is_named():
    over = settled(mounts=(Mount("/app"),))
    assert judge(a_host(), over, FOREIGN).detail == "a mount stands over /app"


# ---------------------------------------------------------------- mounts


def test_a_mount_forbids_to_execute_only_a_file_that_is_known():
    over = {"mounts": (Mount("/", noexec=True),), **STOPPED}
    assert reason_of(a_host(), container(**over), lacking(Reason.LOADER_MISSING)) == "permission_denied"
    assert reason_of(a_host(), container(**over), lacking(Reason.LOADER_MISSING, path="")) != "permission_denied"


def test_a_container_of_another_image_than_the_index_has_is_judged_by_its_own():
    assert reason_of(a_host(), container(AMD64, digest="b"), GOOD) == "native"
    assert reason_of(a_host(), container(ARM64, digest="b", **STOPPED), GOOD) == "wrong_platform"


def test_a_label_that_is_wrong_is_no_file_below_a_mount():
    assert reason_of(a_host(), container(ARM64, mounts=(Mount("/"),), **STOPPED), None) == "wrong_platform"


@pytest.mark.parametrize(
    ("platform", "reason"), [(AMD64, "native"), (S390X, "loader_missing"), (None, "loader_missing")]
)
def test_a_volume_stands_in_where_the_host_s_own_copy_fits(platform, reason):
    assert reason_of(a_host(), container(platform), lacking(Reason.LOADER_MISSING)) == reason


def test_what_runs_below_a_mount_is_mislabelled_where_its_binary_is_known():
    assert reason_of(a_host(), container(mounts=(Mount("/app"),)), FOREIGN) == "mislabelled"


def test_what_cannot_be_known_below_a_mount_is_known_by_its_start():
    unread = lacking(Reason.BINARY_UNKNOWN, "it is on a mount")
    over = {"mounts": (Mount("/app"),)}
    verdict = judge(a_host(), container(**over), unread)
    assert (verdict.reason, verdict.evidence[-1].layer) == (Reason.NATIVE, "runtime")
    assert reason_of(a_host(), container(mounts=()), unread) == "binary_unknown"
    assert reason_of(a_host(), container(**over, **STOPPED), unread) == "binary_unknown"
    assert reason_of(a_host(), replace(container(**over), local=None), unread) == "binary_unknown"


@pytest.mark.parametrize(
    ("reason", "more", "expected"),
    [
        (Reason.BINARY_UNKNOWN, STOPPED, "permission_denied"),
        (Reason.BINARY_UNKNOWN, {}, "native"),
        (Reason.LAYER_LIMIT, STOPPED, "layer_limit"),
        (Reason.ENTRYPOINT_MISSING, STOPPED, "permission_denied"),
    ],
)
def test_a_mount_without_execution_forbids_what_stands_on_it_and_did_not_start(reason, more, expected):
    over = (Mount("/", noexec=False), Mount("/app", noexec=True))
    assert reason_of(a_host(), container(mounts=over, **more), lacking(reason)) == expected


def test_the_innermost_mount_decides_what_may_be_executed():
    over = (Mount("/", noexec=True), Mount("/app/", noexec=False))
    assert reason_of(a_host(), container(mounts=over, **STOPPED), lacking(Reason.BINARY_UNKNOWN)) == "binary_unknown"


# ---------------------------------------------------------------- what the runtime said


@pytest.mark.parametrize(
    ("workload", "reason"),
    [
        (replace(plan(), **CRASHED), "native"),
        (container(state="restarting", restart_count=7, **CRASHED), "exec_format_error"),
        (container(settled=True, restart_count=7, **CRASHED), "native"),
        (container(settled=False, restart_count=7, **CRASHED), "exec_format_error"),
        (container(settled=False, restart_count=7, error="the moon is full"), "native"),
        (container(state="created", stage=Stage.STOPPED, error="the moon is full"), "engine_refused"),
        (container(state="created", stage=Stage.STOPPED, error="  "), "native"),
    ],
)
def test_a_runtime_is_heard_of_what_it_tried_and_what_did_not_stand(workload, reason):
    assert reason_of(a_host(), workload, GOOD) == reason


# ---------------------------------------------------------------- what comes next


@pytest.mark.parametrize(
    ("runs", "workload", "asked"),
    [
        (GOOD, container(), NextPull.STARTS),
        (FOREIGN, container(**STOPPED), NextPull.NOT_ASKED),
        (lacking(Reason.NO_SHEBANG), container(**STOPPED), NextPull.NOT_ASKED),
        (lacking(Reason.LAYER_LIMIT), container(**STOPPED), NextPull.NOT_ASKED),
    ],
)
def test_what_comes_next_is_asked_of_what_starts_now(runs, workload, asked):
    assert judge(a_host(), workload, runs, next_pull=an_index(offer(AMD64, digest="b"))).next_pull is asked


# ---------------------------------------------------------------- the host in the evidence


@pytest.mark.parametrize(
    ("host", "said"),
    [
        (a_host(), ("Linux x86_64 x86-64-v3", "")),
        (a_host(cpu_level=None), ("Linux x86_64", "")),
        (a_host(state=facts.EngineState.DOWN), ("Linux x86_64 x86-64-v3", ", which is down now")),
        (a_host(state=facts.EngineState.UNUSED), ("Linux x86_64 x86-64-v3", ", never used yet")),
    ],
)
def test_a_verdict_tells_the_host_and_its_engine(host, said):
    of_host, of_engine, *_ = judge(host, plan(), GOOD).evidence
    assert (of_host.says, of_engine.says) == (said[0], f"docker 20.10.24 for linux/amd64{said[1]}")


def test_a_fix_knows_what_the_host_holds_by_the_manifest_that_ran():
    ran = replace(container(**STOPPED), local=replace(container().local, platform=None))
    held = judge(a_host(ARM64), ran, an_index(offer(AMD64)), next_pull=an_index(offer(ARM64, digest="b")))
    assert held.reason is Reason.WRONG_PLATFORM
    assert held.fix.summary.startswith("The copy of r.example/app:1 on h is for linux/amd64, while")


def test_an_engine_that_has_the_image_is_not_asked_what_it_would_pull():
    objection = Objection(Condition.DIFF_ID_WRONG, Failure(Reason.IMAGE_REFUSED, "not pulled"))
    image = an_index(replace(GOOD.offers[0], program=replace(GOOD.offers[0].program, objections=(objection,))))
    assert reason_of(a_host(), container(**STOPPED), image) == "native"
    assert reason_of(a_host(), plan(), image) != "native"


def test_where_nothing_is_known_of_an_image_it_is_said_of_what():
    assert judge(a_host(), plan(), None).detail == "nothing is known of the image"
    told = judge(a_host(), replace(container(), local=None), None)
    assert told.detail == "the image is in no registry and its platform is not known"
    nothing_offered = Failure(Reason.IMAGE_NO_PLATFORMS)  # today: what runs was made from something
    assert judge(a_host(), replace(container(), local=None), nothing_offered).reason is Reason.IMAGE_NO_PLATFORMS


@pytest.mark.parametrize(("mounts", "reason"), [(None, "binary_unknown"), ((), "entrypoint_missing")])
def test_a_volume_that_nobody_told_of_may_hold_a_command_that_is_not_the_image_s(mounts, reason):
    overridden = container(process=facts.Process(entrypoint=("/run.sh",)), mounts=mounts, **STOPPED)
    assert reason_of(a_host(), overridden, lacking(Reason.ENTRYPOINT_MISSING)) == reason


@pytest.mark.parametrize(("code", "said"), [(0, []), (3, ["it keeps ending with 3"]), (None, [])])
def test_an_end_is_evidence_where_it_was_none_of_success(code, said):
    ended = container(state="exited", stage=Stage.STOPPED, exit_code=code)
    assert [each.says for each in judge(a_host(), ended, GOOD).evidence if each.layer == "runtime"] == said


def test_what_started_on_a_mount_without_execution_is_not_forbidden_to():
    over = container(None, mounts=(Mount("/app", noexec=True),))
    assert reason_of(a_host(), over, lacking(Reason.ENTRYPOINT_MISSING)) == "binary_unknown"


def test_a_command_that_is_not_the_image_s_own_excuses_only_what_is_missing():
    overridden = container(process=facts.Process(entrypoint=("/run.sh",)), mounts=None, **STOPPED)
    assert reason_of(a_host(), overridden, FOREIGN) == "wrong_binary"


def test_an_engine_that_tells_only_the_index_is_told_apart_from_an_image_of_the_host_alone():
    known = facts.LocalImage(GOOD.digest, (f"r.example/app@{GOOD.digest}",), "", None)
    image = replace(
        GOOD, offers=(replace(GOOD.offers[0], config_digest="sha256:" + "d" * 64), offer(ARM64, digest="b"))
    )
    verdict = judge(a_host(), replace(container(**STOPPED), local=known, pinned=S390X), image)
    assert verdict.reason is Reason.IMAGE_LOCAL_ONLY
    assert verdict.detail == "its engine tells the index that it was made from, not which image of it"


def test_a_copy_from_today_s_tag_is_proposed_where_that_would_start():
    held = container(ARM64, **STOPPED)
    for today, proposed in ((AMD64, True), (ARM64, False)):
        ahead = an_index(offer(AMD64, binary=today, digest="b"))
        fix = judge(a_host(), held, a_single(ARM64), next_pull=ahead).fix
        assert fix.summary.startswith("The copy of r.example/app:1") is proposed


def test_a_mount_over_everything_covers_no_label():
    assert reason_of(a_host(), settled(ARM64, mounts=(Mount("/"),)), None) == "mislabelled"


def test_why_an_engine_cannot_choose_is_the_reason():
    unread = a_single(Failure(Reason.IMAGE_MALFORMED, "no JSON"), binary=None)
    assert reason_of(a_host(), plan(), unread) == "image_malformed"
    assert reason_of(a_host(), replace(plan(), pinned=AMD64), unread) == "image_malformed"


def test_a_program_of_the_host_s_own_store_is_pulled_by_nobody():
    objection = Objection(Condition.DIFF_ID_WRONG, Failure(Reason.IMAGE_REFUSED, "not pulled"))
    program = replace(GOOD.offers[0].program, objections=(objection,))
    ended = container(**STOPPED)
    assert reason_of(a_host(), replace(ended, local=replace(ended.local, program=program)), None) == "native"
