"""Every parser of strangers' bytes reads or refuses what real samples become: in time, in little memory, as it declares."""

import itertools

import pytest

from tests.fuzz import running
from tests.fuzz.mutations import MAX_BYTES, inputs
from tests.fuzz.targets import TARGETS

INPUTS = 700
"""For some ten seconds of one processor over all targets; ``make fuzz`` tries a million."""


@pytest.mark.parametrize("name", TARGETS)
def test_strangers_bytes_are_read_or_refused_in_time(name):
    target = TARGETS[name]
    found = running.run(name, target, max(20, int(INPUTS * target.share)), seed=1)
    assert found.faults == []


def test_one_seed_makes_one_sequence():
    def made(seed):
        return list(itertools.islice(inputs((b"a = 1\n", b"b"), (b"=",), seed), 200))

    assert made(1) == made(1) != made(2)
    assert max(map(len, made(1))) <= MAX_BYTES


@pytest.mark.parametrize("name", TARGETS)
def test_the_samples_of_a_target_are_understood(name):
    target = TARGETS[name]
    understood = 0
    for sample in target.samples:
        try:
            target.read(sample)
        except target.refusals:
            continue
        understood += 1
    assert understood, "what is made of refused samples is mostly refused at the same place"
