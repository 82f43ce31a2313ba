"""What surrounds argv, judged before a container starts, held against what real engines make of it."""

import pytest

from tests.rows import each_row
from tests.system.truth import process
from tests.system.truth.outcomes import removed

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]  # all containers are started before the first test
ENGINES = ("docker", "podman")


@pytest.fixture(scope="module", params=ENGINES)
def truth(request, pusher, tmp_path_factory):
    """The name of an engine with the cases of its rows."""
    folder = tmp_path_factory.mktemp("host")
    for above in (folder.parent, folder.parent.parent):
        above.chmod(0o755)  # users of containers look into it
    engine = request.getfixturevalue("docker_engine" if request.param == "docker" else "podman")
    scanner = request.getfixturevalue(f"{request.param}_scanner")
    command = engine.docker if request.param == "docker" else engine.podman
    pull = () if request.param == "docker" else ("--tls-verify=false",)
    yield request.param, process.compare(pusher, scanner, command, folder, process.rows_of(request.param), pull)
    removed(command)


def test_there_are_enough_rows_each_with_a_name_of_its_own():
    assert len({row.id for row in process.ROWS}) == len(process.ROWS) >= 60


def test_every_row_runs_on_an_engine():
    assert {row.id for engine in ENGINES for row in process.rows_of(engine)} == {row.id for row in process.ROWS}


def test_an_engine_has_run_the_rows_whose_turn_it_is(truth):
    engine, cases = truth
    assert set(cases) == {row.id for row in process.rows_of(engine)}


@each_row("row", process.ROWS, ids=lambda row: row.id)
def test_the_verdict_before_and_after_agrees_with_what_the_engine_did(row, truth):
    case = truth[1].get(row.id)
    if case is None:
        return  # it is the other engine's turn
    for finding in filter(None, (case.planned, case.container)):
        assert not case.disagreement(finding)
    assert case.planned or not case.outcome.started, case.outcome


@each_row("row", process.ROWS, ids=lambda row: row.id)
def test_the_reason_is_told_before_it_starts(row, truth):
    engine, cases = truth
    case = cases.get(row.id)
    if case is not None and case.planned:
        assert case.planned["reason"] == row.expected(engine), f"{case.planned['detail']}; it {case.outcome}"
        assert bool(case.planned["fix"]["summary"]) == (case.planned["status"] != "ok")


def test_both_sorts_are_there_in_number(truth):
    outcomes = [case.outcome.started for case in truth[1].values()]
    assert min(outcomes.count(True), outcomes.count(False)) >= len(outcomes) / 4
