"""Our verdict against what a real Podman makes of the sample, both ways."""

import pytest

from tests.system.truth import claims
from tests.system.truth.sample import OF_THE_ENGINE

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]  # all the images are run before the first test
ROWS = claims.rows(OF_THE_ENGINE)


@pytest.mark.parametrize("kind", ROWS)
def test_the_verdict_agrees_with_what_podman_did(kind, podman_truth):
    claims.the_verdict_agrees(podman_truth[kind.id])


@pytest.mark.parametrize("kind", ROWS)
def test_a_planned_image_is_judged_as_when_podman_has_run_it(kind, podman_truth):
    claims.running_changes_nothing(podman_truth[kind.id])
