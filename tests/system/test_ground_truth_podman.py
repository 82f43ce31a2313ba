"""Our verdict against what a real Podman makes of images, both ways."""

import pytest

from tests.system.truth import claims
from tests.system.truth.table import PODMAN_KINDS

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]  # all the images are run before the first test
ROWS = claims.rows(PODMAN_KINDS)


@pytest.mark.parametrize("kind", ROWS)
def test_the_verdict_agrees_with_what_podman_did(kind, podman_truth):
    claims.the_verdict_agrees(podman_truth[kind.id])


@pytest.mark.parametrize("kind", PODMAN_KINDS, ids=lambda kind: kind.id)
def test_the_reason_is_the_one_that_podman_s_user_has_to_know(kind, podman_truth):
    claims.the_reason_is_expected(kind, podman_truth[kind.id], "podman")


@pytest.mark.parametrize("kind", ROWS)
def test_a_planned_image_is_judged_as_when_podman_has_run_it(kind, podman_truth):
    claims.running_changes_nothing(podman_truth[kind.id])
