"""Every kind of image on every generation of engines, recorded: what `make engines` runs."""

import pytest

from scanner.domain.facts import HostFacts
from scanner.domain.host import Host
from scanner.hosts.local import read_local
from scanner.probe.answer_cache import AnswerCache
from scanner.probe.script import script
from tests.system.truth import recordings
from tests.system.truth.generations import GENERATIONS, host_of, running

pytestmark = [pytest.mark.system, pytest.mark.engines, pytest.mark.timeout(3600)]
NAMES = [generation.name for generation in GENERATIONS]


@pytest.fixture
async def kernel():
    raw = await read_local(script(), 60, 1 << 20)
    facts = AnswerCache().read(raw, Host("here", local=True))
    assert isinstance(facts, HostFacts), facts
    return facts.kernel


@pytest.mark.parametrize("generation", GENERATIONS, ids=NAMES)
def test_an_engine_s_answers_are_renewed(generation, request, pusher, amd64, kernel):
    engine = running(generation, request)
    references = {kind.id: pusher.push(kind.repository, "1", kind.build()) for kind in generation.kinds}
    outcomes = engine.run(references)
    engine.clear()
    found = {kind: recordings.recorded(outcome) for kind, outcome in outcomes.items()}
    recordings.save(recordings.Recording(generation, engine.version, host_of(kernel), found))
    started = sum(outcome.started for outcome in found.values())
    assert min(started, len(found) - started) >= len(found) // 10
