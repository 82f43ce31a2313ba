"""Our verdict against what the oldest Docker makes of a sample of images, both ways, running ones included."""

import pytest

from tests.system.truth import claims
from tests.system.truth.sample import OLDEST_SAMPLE

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]  # all the images are run before the first test
ROWS = claims.rows(OLDEST_SAMPLE)


@pytest.mark.parametrize("kind", ROWS)
def test_the_verdict_agrees_with_what_docker_did(kind, docker_truth):
    claims.the_verdict_agrees(docker_truth[kind.id])


@pytest.mark.parametrize("kind", ROWS)
def test_docker_does_as_it_did_when_it_was_recorded(kind, docker_truth):
    claims.it_was_recorded(kind, docker_truth[kind.id], "docker-20.10")


@pytest.mark.parametrize("kind", ROWS)
def test_a_planned_image_is_judged_as_when_docker_has_run_it(kind, docker_truth):
    claims.running_changes_nothing(docker_truth[kind.id])


def test_both_sorts_are_there_in_number(docker_truth):
    started = sum(case.outcome.started for case in docker_truth.values())
    assert min(started, len(docker_truth) - started) >= 20
