"""What surrounds argv, judged before a container starts, held against what real engines make of it."""

import pytest

from tests.system.truth import process
from tests.system.truth.outcomes import removed

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]  # all containers are started before the first test
ENGINES = ("docker", "podman")
ROWS = [pytest.param(row, id=row.id) for row in process.ROWS]


@pytest.fixture(scope="module", params=ENGINES)
def truth(request, pusher, tmp_path_factory):
    """The name of an engine with the cases of all rows on it."""
    folder = tmp_path_factory.mktemp("host")
    for above in (folder.parent, folder.parent.parent):
        above.chmod(0o755)  # users of containers look into it
    engine = request.getfixturevalue("docker_engine" if request.param == "docker" else "podman")
    scanner = request.getfixturevalue(f"{request.param}_scanner")
    command = engine.docker if request.param == "docker" else engine.podman
    pull = () if request.param == "docker" else ("--tls-verify=false",)
    yield request.param, process.compare(pusher, scanner, command, folder, pull)
    removed(command)


def test_there_are_enough_rows_each_with_a_name_of_its_own():
    assert len({row.id for row in process.ROWS}) == len(process.ROWS) >= 60


@pytest.mark.parametrize("row", ROWS)
def test_the_verdict_before_and_after_agrees_with_what_the_engine_did(row, truth):
    case = truth[1][row.id]
    for finding in filter(None, (case.planned, case.container)):
        assert not case.disagreement(finding)
    assert case.planned or not case.outcome.started, case.outcome


@pytest.mark.parametrize("row", ROWS)
def test_the_reason_is_told_before_it_starts(row, truth):
    engine, cases = truth
    case = cases[row.id]
    if case.planned:
        assert case.planned["reason"] == row.expected(engine), f"{case.planned['detail']}; it {case.outcome}"
        assert bool(case.planned["fix"]["summary"]) == (case.planned["status"] != "ok")


def test_both_sorts_are_there_in_number(truth):
    outcomes = [case.outcome.started for case in truth[1].values()]
    assert min(outcomes.count(True), outcomes.count(False)) >= 30
