"""What one host more costs, counted: neither calls nor bytes depend on what else a machine has to do."""

import pytest

from scanner.domain.facts import HOSTS_SHARE
from scanner.domain.host import Host
from scanner.formats.parsing.offload_worker import pickled
from scanner.formats.parsing.worker_values import Shared, value_of
from scanner.probe import reading
from scanner.probe.brief_facts import Patterns, brief
from scanner.probe.engines import docker
from scanner.probe.engines.alike_containers import AlikeContainers
from scanner.scan.scan import _each_once
from tests.bench import made_up
from tests.counted import calls

WORKLOADS = 20

READ_CALLS = 6000
"""Of the process that parses; they were 13,850 when each container was read by itself."""

TOLD_BYTES = 1900
"""From there to the scanner; they were 8,890 when each workload was told whole."""

HEARD_CALLS = 2900
"""Of the scanner until it has the facts; they were 9,220."""

LISTED_CALLS = 90
"""Until each workload stands once; they were 965."""


@pytest.fixture(scope="module")
def answers():
    """Of hosts of one kind that run the same images, the first ten of which were read before."""
    _, images = made_up.stock(40)
    return [
        (raw, Host(name, name))
        for number, (name, raw) in enumerate(made_up.answers(101, WORKLOADS, "registry.example", images).items())
        if number % 5
    ]


def test_one_host_more_costs_no_more_than_it_did(monkeypatch, answers):
    monkeypatch.setattr(docker, "_containers", AlikeContainers())
    told, shared = {}, Shared(HOSTS_SHARE)
    patterns = Patterns(lambda said: value_of(said, shared))
    for raw, host in answers[:-1]:
        patterns.whole(brief(reading.read(raw, host), told))
    raw, host = answers[-1]
    assert calls(lambda: reading.read(raw, host)) <= READ_CALLS
    message = pickled(brief(reading.read(raw, host), told), shared.names)
    assert len(message) <= TOLD_BYTES
    assert calls(lambda: patterns.whole(value_of(message, shared))) <= HEARD_CALLS
    facts = patterns.whole(value_of(message, shared))
    assert facts == reading.read(raw, host)
    assert len(facts.workloads) == WORKLOADS
    assert calls(lambda: _each_once(facts.workloads)) <= LISTED_CALLS
