"""Our verdict against what a real Docker makes of every kind of image, both ways."""

import pytest

from tests.system.truth import claims
from tests.system.truth.table import KINDS

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]  # all the images are run before the first test
ROWS = claims.rows(KINDS)


def test_there_are_enough_kinds_each_with_a_name_of_its_own():
    assert len({kind.id for kind in KINDS}) == len(KINDS) >= 60


@pytest.mark.parametrize("kind", ROWS)
def test_the_verdict_agrees_with_what_docker_did(kind, docker_truth):
    claims.the_verdict_agrees(docker_truth[kind.id])


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.id)
def test_the_reason_is_the_one_that_docker_s_user_has_to_know(kind, docker_truth):
    claims.the_reason_is_expected(kind, docker_truth[kind.id], "docker")


@pytest.mark.parametrize("kind", ROWS)
def test_a_planned_image_is_judged_as_when_docker_has_run_it(kind, docker_truth):
    claims.running_changes_nothing(docker_truth[kind.id])


def test_both_sorts_are_there_in_number(docker_truth):
    started = sum(case.outcome.started for case in docker_truth.values())
    assert min(started, len(docker_truth) - started) >= 60
