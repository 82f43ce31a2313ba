"""What is remembered of programs, whose bytes may speak for whose image."""

import asyncio

import pytest

from scanner.domain.failure import Failure
from scanner.domain.image.offers import Offer, Program
from scanner.domain.image.reference import parse
from scanner.domain.verdict.reason import Reason
from scanner.scan.images.inspections import Inspections

OURS, THEIRS = parse("ours.example/app:1"), parse("theirs.example/app:1")
OFFER = Offer("sha256:" + "1" * 64)
WHOLE = Program(("/app",))
PART = Program(("/app",), partly_read=("sha256:" + "2" * 64,))


class Cache(dict):
    """Keeps programs as the store does."""

    async def get_program(self, manifest, argv, tool):
        return self.get((manifest, argv, tool))

    async def put_program(self, manifest, argv, tool, program):
        self[manifest, argv, tool] = program


@pytest.fixture
def make():
    """``make(answers)``: inspections that find this under each reference, what they were asked in ``asked``."""

    def made(answers, cache=None, early=True):
        asked = []

        async def inspect(reference, _offer, _override):
            asked.append(reference)
            await asyncio.sleep(0)
            return answers[reference]

        found = Inspections(inspect, lambda _o, _p: ("/app",), cache, "t", lambda _reference: early)
        return found, asked

    return made


async def test_what_whole_layers_prove_holds_wherever_the_manifest_is_served(make):
    inspections, asked = make({OURS: WHOLE, THEIRS: PART})
    assert await inspections(OURS, OFFER, None) is WHOLE
    assert await inspections(THEIRS, OFFER, None) is WHOLE
    assert asked == [OURS]


async def test_what_was_read_in_part_speaks_for_its_own_repository_alone(make):
    cache = Cache()
    inspections, asked = make({OURS: WHOLE, THEIRS: PART}, cache)
    assert await asyncio.gather(inspections(THEIRS, OFFER, None), inspections(OURS, OFFER, None)) == [PART, WHOLE]
    assert asked == [THEIRS, OURS]
    again, asked = make({}, Cache(cache))
    assert await again(OURS, OFFER, None) == WHOLE
    only_part = Cache({key: program for key, program in cache.items() if program is PART})
    again, asked = make({OURS: WHOLE}, Cache(only_part))
    assert await again(OURS, OFFER, None) == WHOLE
    assert asked == [OURS]
    assert await make({}, only_part)[0](THEIRS, OFFER, None) == PART


async def test_what_was_read_in_part_is_read_anew_once_that_is_no_longer_allowed(make):
    cache = Cache()
    await make({OURS: PART}, cache)[0](OURS, OFFER, None)
    strict, asked = make({OURS: WHOLE}, cache, early=False)
    assert await strict(OURS, OFFER, None) is WHOLE
    assert asked == [OURS]


async def test_what_is_not_known_is_asked_again(make):
    unknown = Program(("/app",), problem=Failure(Reason.IMAGE_TIMEOUT))
    inspections, asked = make({OURS: unknown})
    for _ in range(2):
        assert await inspections(OURS, OFFER, None) is unknown
    assert asked == [OURS, OURS]


async def test_what_is_remembered_is_bounded_by_its_words_too(monkeypatch):
    asked = []

    async def inspect(_reference, offer, _override):
        asked.append(offer.digest[-1])
        return WHOLE

    monkeypatch.setattr("scanner.scan.images.inspections.MAX_REMEMBERED_CHARS", 10)
    found = Inspections(inspect, lambda offer, _: ("x" * (5 if offer.digest[-1] != "c" else 11),))
    for each in "abcbabc":
        await found(OURS, Offer("sha256:" + each * 64), None)
    assert asked == ["a", "b", "c", "b", "a", "c"]


async def test_what_a_scan_s_deadline_cut_off_is_read_on_for_the_next_scan():
    asked, may_end = [], asyncio.Event()

    async def inspect(_reference, offer, _override):
        asked.append(offer.digest)
        await may_end.wait()
        return WHOLE

    offers = [Offer(f"sha256:{number:064}") for number in range(20)]  # more than have a place at once
    inspections = Inspections(inspect, lambda _o, _p: ("/app",), Cache(), "t")

    async def all_of_them():
        return await asyncio.gather(*(inspections(OURS, offer, None, "h") for offer in offers))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await all_of_them()
    may_end.set()
    inspections.begin_scan()
    assert await all_of_them() == [WHOLE] * 20
    assert sorted(asked) == [offer.digest for offer in offers]
    await inspections.close()
