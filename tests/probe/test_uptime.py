"""Whether what runs had been up for long."""

from dataclasses import replace

import pytest

from scanner.probe import uptime
from tests import builders

CLOCK = b"@section clock 10\n1700000060\n@end\n"
BEFORE = b"archscan-probe 1\n@section a 1\nx\n"


def running(**changes):
    return builders.workload(**{"state": "running", "started_at": 1_700_000_000.0, **changes})


def test_the_clock_is_what_an_answer_ends_with():
    assert uptime.split(BEFORE + CLOCK) == (len(BEFORE), 1_700_000_060)


@pytest.mark.parametrize(
    "end",
    [
        b"@end\n",
        b"@section clock 9\n1700000060\n@end\n",
        b"@section clock 10 truncated\n1700000060\n@end\n",
        b"@section clock 10\n17000000x0\n@end\n",
        CLOCK[:-1],
        CLOCK + b"x",
        b"",
    ],
)
def test_an_answer_without_a_whole_clock_at_its_end_has_none(end):
    raw = BEFORE + end
    assert uptime.split(raw) == (len(raw), None)


@pytest.mark.parametrize(
    ("up_s", "settled"), [(90, True), (60, True), (59, False), (0, False), (-1, False), (-5, None)]
)
def test_what_has_been_up_for_a_minute_since_its_last_start_has_settled(up_s, settled):
    facts = builders.host_facts(workloads=[running()])
    assert uptime.at(facts, 1_700_000_000 + up_s).workloads[0].settled is settled


@pytest.mark.parametrize(
    "changes", [{"state": "exited"}, {"state": "restarting"}, {"state": "paused"}, {"started_at": None}]
)
def test_what_does_not_run_or_has_no_known_start_tells_nothing(changes):
    facts = builders.host_facts(workloads=[running(**changes)])
    assert uptime.at(facts, 1_700_000_090) is facts


def test_without_a_clock_nothing_is_told():
    facts = builders.host_facts(workloads=[running()])
    assert uptime.at(facts, None) is facts


def test_facts_are_the_same_until_something_settles():
    facts = builders.host_facts(workloads=[running(), running(name="b", state="exited")])
    young = uptime.at(facts, 1_700_000_010)
    assert uptime.at(young, 1_700_000_050) is young
    settled = uptime.at(young, 1_700_000_090)
    assert settled == replace(facts, workloads=(replace(facts.workloads[0], settled=True), facts.workloads[1]))
    assert uptime.at(settled, 1_700_009_999) is settled
