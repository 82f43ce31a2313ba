"""Every kind of image on every generation of engines, recorded: what `make engines` runs."""

import os
from functools import cache

import pytest

from scanner.domain.facts import HostFacts
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.hosts.local import read_local
from scanner.probe.reading import read
from scanner.probe.script import script
from tests.system.truth import recordings
from tests.system.truth.generations import GENERATIONS, host_of, running
from tests.system.truth.table import MODULES

pytestmark = [pytest.mark.system, pytest.mark.engines, pytest.mark.timeout(3600)]

ONLY = frozenset(os.environ.get("ENGINE_KINDS", "").split())
"""The kinds to run, all of them where none is named: what is new need not wait for what is recorded already."""


@pytest.fixture
async def kernel():
    raw = await read_local(script(), 60, 1 << 20)
    assert not isinstance(raw, Failure), raw
    facts = read(raw, Host("here", local=True))
    assert isinstance(facts, HostFacts), facts
    return facts.kernel


@pytest.fixture(scope="module")
def engine_of(request):
    """Each generation started once, ended with the tests."""
    return cache(lambda generation: running(generation, request))


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("generation", GENERATIONS, ids=lambda generation: generation.name)
def test_an_engine_s_answers_are_renewed(generation, module, engine_of, lenient_registry, amd64, kernel):
    engine = engine_of(generation)
    kinds = [kind for kind in generation.kinds(module) if not ONLY or kind.id in ONLY]
    if not kinds:
        pytest.skip("none of these kinds is asked for")
    references = {kind.id: lenient_registry.push(kind.repository, "1", kind.made()) for kind in kinds}
    outcomes = engine.run(references)
    engine.clear()
    lenient_registry.let_go()
    recordings.renew(generation, engine.version, host_of(kernel), outcomes)
    assert ONLY or {outcome.started for outcome in outcomes.values()} == {True, False}
