"""Facts in brief say what the facts say: patterns are told once, believed by their digest alone."""

from dataclasses import replace
from pathlib import Path

import pytest

from scanner.domain.facts import HOSTS_SHARE, HostFacts
from scanner.domain.host import Host
from scanner.formats.parsing.offload import Parsers
from scanner.formats.parsing.offload_worker import pickled
from scanner.formats.parsing.worker_values import Shared, value_of
from scanner.hosts.answer_reading import AnswerReader
from scanner.hosts.login import ProbeLogin
from scanner.probe import brief_facts, reading
from scanner.probe.brief_facts import BriefFacts, Patterns, brief

ANSWERS = sorted((Path(__file__).parents[1] / "data/hosts").glob("*.txt"))


def facts_of(path, name="web-1"):
    return reading.read(path.read_bytes(), Host(name, name))


READ = [facts for facts in map(facts_of, ANSWERS) if isinstance(facts, HostFacts)]
RICH = max(READ, key=lambda facts: len(facts.workloads))


@pytest.fixture
def patterns():
    shared = Shared(HOSTS_SHARE)
    return Patterns(lambda told: value_of(told, shared))


def test_facts_in_brief_are_the_facts_again(patterns):
    told = {}
    for facts in READ:
        assert patterns.whole(brief(facts, told)) == facts


def test_a_pattern_is_told_once_for_all_hosts_that_have_it(patterns):
    told = {}
    first = patterns.whole(brief(RICH, told))
    other = replace(RICH, host="web-2", workloads=tuple(replace(each, host="web-2") for each in RICH.workloads))
    again = brief(other, told)
    assert again.patterns == ()
    assert len(pickled(again)) < len(pickled(other)) / 2
    found = patterns.whole(again)
    assert found == other
    assert all(one.local is two.local for one, two in zip(first.workloads, found.workloads, strict=True))


def test_of_a_pattern_that_nobody_told_there_are_no_facts(patterns):
    assert RICH.workloads
    assert patterns.whole(replace(brief(RICH, {}), patterns=())) is None


def test_a_pattern_is_what_its_digest_says_whoever_tells_it(patterns):
    """A process that was taken over tells another pattern: nothing that was told before is another thing for it."""
    told = {}
    assert patterns.whole(brief(RICH, told)) == RICH
    forged = tuple(pickled(replace(each, image="evil")) for each in RICH.workloads)
    assert patterns.whole(replace(brief(RICH, told), patterns=forged)) == RICH


@pytest.mark.parametrize("said", [b"", b"\x80\x05N.", pickled(Host("web-1", "web-1")), b"x" * 5000])
def test_what_is_no_workload_is_no_pattern(said):
    shared = Shared(HOSTS_SHARE)
    parsers = Parsers(1, HOSTS_SHARE)
    known = Patterns(parsers.value)
    known.whole(BriefFacts(replace(RICH, workloads=()), (), (said,)))
    assert known._known == {}
    assert shared.names
    parsers.close()


@pytest.mark.parametrize(
    "forged",
    [
        lambda told: replace(told, rows=told.rows * (brief_facts.MAX_BRIEF + 1)),
        lambda told: replace(told, patterns=told.patterns * (brief_facts.MAX_BRIEF + 1)),
        lambda told: replace(told, rest=1),
        lambda told: replace(told, rows=1),
        lambda told: replace(told, rows=((told.rows[0][0],),)),
        lambda told: replace(told, rows=(([], "web", None, None),)),
        lambda told: replace(told, patterns=(1,)),
    ],
    ids=["many rows", "many patterns", "no facts", "no rows", "a short row", "no digest", "no bytes"],
)  # fmt: skip
def test_what_no_process_of_ours_tells_is_no_fact(patterns, forged):
    told = brief(RICH, {})
    assert patterns.whole(forged(told)) is None
    assert patterns.whole(told) == RICH


def test_patterns_of_what_is_no_fact_do_not_pile_up(monkeypatch, patterns):
    monkeypatch.setattr(brief_facts, "MAX_PATTERNS", 2)
    for number in range(9):
        facts = replace(RICH, workloads=(replace(RICH.workloads[0], image=f"shop/web:{number}"),))
        assert patterns.whole(replace(brief(facts, {}), rows=((b"?", "web", None, None),))) is None
    assert len(patterns._known) <= 2


@pytest.mark.parametrize(("bound", "value"), [("MAX_PATTERN_BYTES", 10), ("MAX_BRIEF", 0)])
def test_what_says_much_is_told_whole(monkeypatch, bound, value):
    monkeypatch.setattr(brief_facts, bound, value)
    assert brief(RICH, {}) is RICH


def test_patterns_do_not_pile_up(monkeypatch, patterns):
    monkeypatch.setattr(brief_facts, "MAX_PATTERNS", 2)
    told = {}
    for number in range(9):
        facts = replace(RICH, workloads=(replace(RICH.workloads[0], image=f"shop/web:{number}"),))
        assert patterns.whole(brief(facts, told)) == facts
    assert len(told) <= 2
    assert len(patterns._known) <= 2


async def test_whoever_forgot_a_pattern_has_it_told_anew():
    raw = max(ANSWERS, key=lambda path: len(getattr(facts_of(path), "workloads", ()))).read_bytes()
    parsers = Parsers(1, HOSTS_SHARE)
    reader = AnswerReader(parsers, ProbeLogin("archscan"))
    try:
        first = await reader.facts(raw, Host("web-1", "web-1"))
        reader._patterns._known.clear()
        assert await reader.facts(raw, Host("web-1", "web-1")) == first
        assert first.workloads == RICH.workloads
    finally:
        parsers.close()
