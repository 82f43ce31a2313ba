"""How long what runs had been up."""

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


def test_what_runs_has_been_up_since_its_last_start():
    facts = builders.host_facts(workloads=[running()])
    assert uptime.at(facts, 1_700_000_090).workloads[0].up_s == 90.0


@pytest.mark.parametrize(
    "changes",
    [{"state": "exited"}, {"state": "restarting"}, {"state": "paused"}, {"started_at": None}, {"started_at": 1_800_000_000.0}],
)  # fmt: skip
def test_what_does_not_run_or_has_no_start_in_the_past_has_not_been_up(changes):
    facts = builders.host_facts(workloads=[running(**changes)])
    assert uptime.at(facts, 1_700_000_090) is facts


def test_without_a_clock_nothing_is_told():
    facts = builders.host_facts(workloads=[running()])
    assert uptime.at(facts, None) is facts


def test_only_the_uptime_changes():
    facts = builders.host_facts(workloads=[running(), running(name="b", state="exited")])
    later = uptime.at(facts, 1_700_000_090)
    assert later == replace(facts, workloads=(replace(facts.workloads[0], up_s=90.0), facts.workloads[1]))
