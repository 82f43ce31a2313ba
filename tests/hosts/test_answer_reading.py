"""Facts are those of the host that was asked, whatever the process answers that read them."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from scanner.domain.facts import HOSTS_SHARE, HostFacts
from scanner.domain.host import Host
from scanner.domain.verdict.reason import Reason
from scanner.formats.parsing.offload import Parsers
from scanner.hosts.answer_reading import AnswerReader
from scanner.hosts.login import ProbeLogin
from scanner.probe import brief_facts, reading
from scanner.probe.brief_facts import BriefFacts, Patterns, brief

HOST = Host("web-1", "web-1")
READ = [reading.read(path.read_bytes(), HOST) for path in (Path(__file__).parents[1] / "data/hosts").glob("*.txt")]
FACTS = max((each for each in READ if isinstance(each, HostFacts)), key=lambda facts: len(facts.workloads))


def of_another(facts):
    return replace(facts, workloads=tuple(replace(each, host="db-1") for each in facts.workloads))


@pytest.fixture
def reader(monkeypatch):
    """One whose processes tell ``told``."""
    parsers = Parsers(1, HOSTS_SHARE)

    def telling(told):
        async def run(*_asked):
            return told

        monkeypatch.setattr(parsers, "run", run)
        return AnswerReader(parsers, ProbeLogin("archscan"))

    yield telling
    parsers.close()


@pytest.mark.parametrize("told", [FACTS, brief(FACTS, {})], ids=["whole", "in brief"])
async def test_facts_of_the_host_that_was_asked_are_told(reader, told):
    assert await reader(told).facts(b"", HOST) == FACTS


@pytest.mark.parametrize(
    "told",
    [
        replace(FACTS, host="db-1"),
        of_another(FACTS),
        brief(replace(of_another(FACTS), host="db-1"), {}),
        brief(replace(FACTS, host="db-1"), {}),
        replace(FACTS, workloads=(1,)),
        replace(FACTS, workloads=1),
        replace(brief(FACTS, {}), patterns=()),
        BriefFacts(1, (), ()),
        BriefFacts(FACTS, (), 1),
        1,
    ],
)  # fmt: skip
async def test_facts_of_another_host_or_none_at_all_are_refused(reader, told):
    found = await reader(told).facts(b"", HOST)
    assert (found.reason, "no facts of this host" in found.detail) == (Reason.HOST_TOO_LARGE, True)


@pytest.mark.parametrize(("most", "is_aside"), [(0, True), (1 << 20, False)])
async def test_many_patterns_at_once_are_read_beside_the_event_loop(monkeypatch, reader, most, is_aside):
    where, whole = [], Patterns.whole

    def noticed(self, told):
        where.append(threading.current_thread() is not threading.main_thread())
        return whole(self, told)

    monkeypatch.setattr(Patterns, "whole", noticed)
    monkeypatch.setattr(brief_facts, "LITTLE_BYTES", most)
    assert await reader(brief(FACTS, {})).facts(b"", HOST) == FACTS
    assert where == [is_aside]
