"""Our verdict on every kind of image against what every generation of engines made of it, both ways."""

import asyncio

import pytest

from tests.rows import each_row
from tests.system.truth import recordings
from tests.system.truth.generations import GENERATIONS
from tests.system.truth.judged import judge_all
from tests.system.truth.pending import NOT_ASKED, NOT_ASKED_OF, NOT_RECORDED, PENDING, PENDING_ON_NEWER
from tests.system.truth.table import KINDS

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]  # all the images are judged before the first test


@pytest.fixture(scope="module")
def recorded():
    return recordings.all_recordings()


@pytest.fixture(scope="module")
def judged(recorded, tmp_path_factory):
    return asyncio.run(judge_all(recorded, KINDS, tmp_path_factory.mktemp("judged")))


def test_each_kind_has_a_name_of_its_own():
    assert len({kind.id for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize("name", sorted({each.name for each in GENERATIONS} - NOT_RECORDED))
def test_each_engine_was_asked_for_every_kind_that_it_can_tell_apart(name):
    generation = next(each for each in GENERATIONS if each.name == name)
    not_asked = set(NOT_ASKED) if name in NOT_ASKED_OF else set()
    outcomes = set(recordings.load(generation).outcomes)
    assert generation.needed - not_asked <= outcomes <= {kind.id for kind in KINDS}
    assert not not_asked & outcomes, "it was asked by now: take the engine off NOT_ASKED_OF, or the kinds off NOT_ASKED"


def test_each_engine_is_of_the_generation_that_it_is_called_after(recorded):
    named = {each.generation.name: each.generation.name.split("-")[1] for each in recorded}
    assert {
        each.generation.name: each.version.removeprefix("v")[: len(named[each.generation.name])] for each in recorded
    } == named


@each_row("kind", KINDS, ids=lambda kind: kind.id)
def test_the_verdict_agrees_with_every_engine(kind, judged):
    contradictions = "\n".join(filter(None, (each.contradiction for each in judged[kind.id])))
    if kind.id in PENDING:
        assert contradictions, "verdict and engines agree by now: take it off PENDING"
    else:
        assert not contradictions


@pytest.mark.parametrize(("engine", "generation"), [("docker", "docker-20.10"), ("podman", "podman-4.3")])
@each_row("kind", [kind for kind in KINDS if kind.reason], ids=lambda kind: kind.id)
def test_the_reason_is_the_one_that_its_user_has_to_know(kind, engine, generation, judged):
    verdicts = {each.generation: each.verdict for each in judged[kind.id]}
    if generation in verdicts and kind.id not in PENDING:
        verdict = verdicts[generation]
        assert verdict.reason == kind.expected(engine), verdict.detail
        assert verdict.evidence, "a verdict names what it rests on"
        assert bool(verdict.fix.summary) == (verdict.status != "ok")


def test_what_is_not_recorded_is_an_engine_without_a_recording(recorded):
    assert {each.name for each in GENERATIONS} - {each.generation.name for each in recorded} == NOT_RECORDED


def test_only_what_is_a_kind_is_pending():
    assert {*PENDING, *PENDING_ON_NEWER, *NOT_ASKED} <= {kind.id for kind in KINDS}


def test_only_an_engine_with_a_recording_was_not_asked_of_some_kinds(recorded):
    assert {each.generation.name for each in recorded} >= NOT_ASKED_OF
    assert bool(NOT_ASKED) == bool(NOT_ASKED_OF), "one of them is of no use without the other"


def test_what_the_newer_docker_contradicts_is_not_recorded_of_it(recorded):
    newer = next(each for each in recorded if each.generation.name == "docker-26.1-containerd")
    assert not set(PENDING_ON_NEWER) & set(newer.outcomes), "it is recorded by now: it goes to PENDING"
