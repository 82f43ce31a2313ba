"""Which of a host's engines runs what somebody's unit starts."""

from dataclasses import replace

import pytest

from scanner.domain.facts import Engine, EngineKind, EngineState, ImageStore, Since
from scanner.domain.failure import Failure
from scanner.domain.verdict.engine import engine_of
from scanner.domain.verdict.judge import judge
from scanner.domain.verdict.reason import Reason
from tests import builders
from tests.builders import AMD64

SYSTEM = Engine(EngineKind.PODMAN, EngineState.UP, "5.4", AMD64, ImageStore.CLASSIC)
ALICE = replace(SYSTEM, owner="alice", version="5.5")
DOCKER = replace(SYSTEM, kind=EngineKind.DOCKER)


@pytest.mark.parametrize(
    ("engines", "asked", "version"),
    [
        ((SYSTEM, ALICE), "podman:alice", "5.5"),
        ((SYSTEM, ALICE), "podman", "5.4"),
        ((SYSTEM,), "podman:bob", "5.4"),
        ((DOCKER, ALICE), "podman:*", "5.5"),
        ((DOCKER,), "podman:bob", None),
        ((ALICE,), "podman", None),
    ],
)
def test_a_user_s_engine_that_is_not_seen_is_the_same_program_of_others(engines, asked, version):
    host = replace(builders.host_facts(), engines=engines)

    found = engine_of(host, replace(builders.workload(), engine=asked))

    assert isinstance(found, Failure) if version is None else found.version == version


@pytest.mark.parametrize(
    ("version", "reason", "detail"),
    [
        ("4.9.3", Reason.PART_INCOMPLETE, "podman 4.9.3 makes no service of it: Pod= came with version 5.0"),
        ("5.0.0", Reason.NATIVE, ""),
        ("", Reason.NATIVE, ""),
    ],
)
def test_a_plan_in_words_that_its_engine_is_too_old_for_is_unknown(version, reason, detail):
    host = builders.host_facts(engines=(builders.podman(version=version),))
    planned = replace(builders.plan(), engine="podman", since=Since((5, 0), "Pod="))
    found = judge(host, planned, builders.image_facts(builders.offer(program=builders.program())))

    assert found.reason is reason
    assert found.detail == detail or not detail
