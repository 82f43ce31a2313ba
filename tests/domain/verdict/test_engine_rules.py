"""What an engine's kind and version decide; the recordings of real engines are the witness of the table."""

import itertools
from dataclasses import replace

import pytest

from scanner.domain import facts
from scanner.domain.facts import EngineKind, EngineState
from scanner.domain.failure import Failure
from scanner.domain.image import offers
from scanner.domain.image.offers import Objection
from scanner.domain.verdict.condition import Condition
from scanner.domain.verdict.engine_rules import on_engine, refuses
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.reason import Reason, Status
from tests import builders
from tests.builders import AMD64, ARM64
from tests.rows import each_row

DENIED = Objection(Condition.EXEC_DENIED, Failure(Reason.PERMISSION_DENIED, "/app: closed", path="/app"))


def engine(kind, version):
    return facts.Engine(EngineKind(kind), EngineState.UP, version, AMD64, facts.ImageStore.CLASSIC)


@pytest.mark.parametrize(
    ("kind", "version", "answer"),
    [
        ("docker", "20.10.24+dfsg1", True),
        ("docker", "19.03.15", None),
        ("docker", "24.0.7", None),
        ("docker", "26.1.5+dfsg1", False),
        ("docker", "28.5.2", False),
        ("docker", "", None),
        ("docker", "dev", None),
        ("podman", "4.3.1", True),
        ("podman", "5.8.0", True),
        ("podman", "3.4.4", None),
        ("containerd", "v1.7.24", False),
        ("containerd", "1.6.20", None),
        ("cri", "v1.7.24", None),
    ],
)
def test_whether_the_user_s_right_to_execute_is_asked_depends_on_the_engine(kind, version, answer):
    assert refuses(engine(kind, version), Condition.EXEC_DENIED) is answer


@each_row("condition, kind", itertools.product(Condition, EngineKind))
def test_every_condition_has_an_answer_for_every_engine(condition, kind):
    assert refuses(engine(kind, "1.0"), condition) in {True, False, None}


def test_a_program_without_objections_is_the_same_everywhere():
    program = builders.program()
    assert on_engine(program, None) is program


@pytest.mark.parametrize(
    ("version", "problem", "expected"),
    [
        ("20.10.24", None, Reason.PERMISSION_DENIED),
        ("28.5.2", None, None),
        ("24.0.7", None, Reason.BINARY_UNKNOWN),
        ("20.10.24", Failure(Reason.BINARY_UNKNOWN), Reason.PERMISSION_DENIED),
        ("20.10.24", Failure(Reason.LOADER_MISSING), Reason.LOADER_MISSING),
        ("28.5.2", Failure(Reason.LOADER_MISSING), Reason.LOADER_MISSING),
        ("24.0.7", Failure(Reason.LOADER_MISSING), Reason.LOADER_MISSING),
    ],
)
def test_an_objection_counts_where_its_engine_makes_it(version, problem, expected):
    program = replace(builders.program(problem=problem), objections=(DENIED,))
    found = on_engine(program, engine("docker", version)).problem
    assert (found.reason if found else None) is expected


@pytest.mark.parametrize(
    ("version", "binary", "status", "reason"),
    [
        ("20.10.24", AMD64, Status.BROKEN, Reason.PERMISSION_DENIED),
        ("28.5.2", AMD64, Status.OK, Reason.NATIVE),
        ("25.0.1", AMD64, Status.UNKNOWN, Reason.BINARY_UNKNOWN),
        ("20.10.24", ARM64, Status.MISMATCH, Reason.WRONG_BINARY),
    ],
)
def test_the_host_s_own_engine_decides_the_verdict(version, binary, status, reason):
    program = replace(builders.program(binary), objections=(DENIED,))
    host = builders.host_facts(engines=(builders.docker(version=version),))
    verdict = judge(host, builders.plan(), builders.image_facts(builders.offer(program=program)))
    assert (verdict.status, verdict.reason) == (status, reason)
    assert bool(verdict.fix.summary) == (status is not Status.OK)


def test_an_image_that_only_the_host_has_is_judged_by_its_engine_too():
    program = replace(builders.program(), objections=(DENIED,))
    local = facts.LocalImage("sha256:" + "1" * 64, platform=AMD64, program=program)
    host = builders.host_facts(engines=(builders.docker(version="20.10.24"),))
    stopped = builders.workload(stage=facts.Stage.STOPPED, state="created", engine="docker", local=local)
    assert judge(host, stopped, None).reason is Reason.PERMISSION_DENIED


# ---------------------------------------------------------------- mounts without exec


@pytest.mark.parametrize(
    ("mounts", "reason"),
    [
        ((facts.Mount("/data", "bind", noexec=True),), Reason.PERMISSION_DENIED),
        ((facts.Mount("/data", "bind"),), Reason.BINARY_UNKNOWN),
        ((facts.Mount("/other", "bind", noexec=True), facts.Mount("/data", "bind")), Reason.BINARY_UNKNOWN),
        ((facts.Mount("/", "bind", noexec=True), facts.Mount("/data/", "bind")), Reason.BINARY_UNKNOWN),
        ((facts.Mount("/data", "bind"), facts.Mount("/data/bin", "bind", noexec=True)), Reason.PERMISSION_DENIED),
    ],
)
@pytest.mark.parametrize("problem", [Reason.BINARY_UNKNOWN, Reason.ENTRYPOINT_MISSING, Reason.INTERPRETER_MISSING])
def test_nothing_starts_from_a_mount_without_exec(mounts, reason, problem):
    program = offers.Program(("/data/bin/app",), (), Failure(problem, path="/data/bin/app"))
    workload = builders.plan(mounts=mounts)
    verdict = judge(builders.host_facts(), workload, builders.image_facts(builders.offer(program=program)))
    assert verdict.reason is reason


def test_a_mount_without_exec_is_no_matter_for_what_lies_beside_it():
    workload = builders.plan(mounts=(facts.Mount("/data", "bind", noexec=True),))
    verdict = judge(builders.host_facts(), workload, builders.image_facts(builders.offer(program=builders.program())))
    assert verdict.status is Status.OK


@pytest.mark.parametrize(("version", "status"), [("20.10.24", Status.BROKEN), ("28.5.2", Status.OK)])
def test_an_objection_counts_on_every_way_that_a_script_may_go(version, status):
    ways = tuple(offers.Program((path,), (builders.executable(path=path),)) for path in ("/one", "/other"))
    program = offers.Program(("/run.sh",), branches=ways, objections=(DENIED,))
    host = builders.host_facts(engines=(builders.docker(version=version),))
    verdict = judge(host, builders.plan(), builders.image_facts(builders.offer(program=program)))
    assert verdict.status is status


def damaged(condition):
    """A program that may not be all there, for one of its layers cannot be unpacked by everybody."""
    failure = Failure(Reason.LAYER_UNREADABLE, "words")
    return builders.program(), replace(builders.program(), problem=failure), Objection(condition, failure)


@pytest.mark.parametrize(
    ("condition", "store", "version", "expected"),
    [
        (Condition.LAYER_DAMAGED, "classic", "27.0", Reason.LAYER_UNREADABLE),
        (Condition.GZIP_TAIL, "classic", "20.10", Reason.LAYER_UNREADABLE),
        (Condition.GZIP_TAIL, "classic", "28.5", Reason.LAYER_UNKNOWN),
        (Condition.GZIP_CHECK, "containerd", "28.5", Reason.LAYER_UNREADABLE),
        (Condition.PACKED_OTHERWISE, "classic", "28.5", Reason.LAYER_UNKNOWN),
        (Condition.ZSTD, "classic", "20.10", Reason.LAYER_UNREADABLE),
        (Condition.NAMED_TWICE, "classic", "24.0", Reason.LAYER_UNREADABLE),
        (Condition.WHITEOUT_TWICE, "containerd", "26.1", Reason.LAYER_UNREADABLE),
        (Condition.BELOW_WHITEOUT, "classic", "20.10", Reason.LAYER_UNREADABLE),
        (Condition.BELOW_UNREAD_LAYER, "containerd", "28.5", Reason.LAYER_UNKNOWN),
    ],
)
def test_a_layer_that_the_engine_does_not_unpack_is_broken_until_it_has_the_image(condition, store, version, expected):
    own = replace(engine("docker", version), store=facts.ImageStore(store))
    whole, cut, objection = damaged(condition)
    asked = replace(cut, objections=(objection,))
    assert on_engine(asked, own).problem.reason is expected
    assert on_engine(asked, own, pulls=False).problem.reason is Reason.LAYER_UNKNOWN
    beside = on_engine(replace(whole, objections=(objection,)), own)
    assert beside.problem.reason in {expected, Reason.BINARY_UNKNOWN}
    assert on_engine(replace(whole, objections=(objection,)), own, pulls=False).problem is None


def test_a_layer_that_could_not_be_unpacked_for_a_reason_of_nobody_s_is_unknown():
    assert on_engine(damaged(Condition.ZSTD)[1], engine("docker", "28.5")).problem.reason is Reason.LAYER_UNKNOWN
