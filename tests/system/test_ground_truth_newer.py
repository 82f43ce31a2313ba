"""Our verdict against what a newer Docker with containerd's image store makes of another sample."""

import pytest

from tests.system.truth import claims
from tests.system.truth.pending import PENDING_ON_NEWER, PENDING_WHEN_RUN
from tests.system.truth.sample import NEWER_SAMPLE

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]  # a root may have to be made, all the images are run
ROWS = claims.rows(NEWER_SAMPLE)


@pytest.mark.parametrize("kind", ROWS)
def test_the_verdict_agrees_with_what_docker_did(kind, newer_docker_truth):
    if kind.id in PENDING_ON_NEWER:
        with pytest.raises(AssertionError):  # once this holds it goes off PENDING_ON_NEWER
            claims.the_verdict_agrees(newer_docker_truth[kind.id])
    else:
        claims.the_verdict_agrees(newer_docker_truth[kind.id])


@pytest.mark.parametrize("kind", ROWS)
def test_docker_does_as_it_did_when_it_was_recorded(kind, newer_docker_truth):
    claims.it_was_recorded(kind, newer_docker_truth[kind.id], "docker-26.1-containerd")


@pytest.mark.parametrize("kind", ROWS)
def test_a_planned_image_is_judged_as_when_docker_has_run_it(kind, newer_docker_truth):
    if kind.id in {*PENDING_WHEN_RUN, *PENDING_ON_NEWER}:
        with pytest.raises(AssertionError):  # once this holds it goes off the table that has it
            claims.running_changes_nothing(newer_docker_truth[kind.id])
    else:
        claims.running_changes_nothing(newer_docker_truth[kind.id])
