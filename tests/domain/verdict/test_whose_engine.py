"""Which of a host's engines runs what somebody's unit starts."""

from dataclasses import replace

import pytest

from scanner.domain.facts import Engine, EngineKind, EngineState, ImageStore
from scanner.domain.failure import Failure
from scanner.domain.verdict.engine import engine_of
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
