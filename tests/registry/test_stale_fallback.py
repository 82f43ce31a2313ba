"""What is said of an image whose registry fails."""

import pytest

from scanner.domain.failure import Failure
from scanner.domain.image.offers import ImageFacts, Offer
from scanner.domain.image.reference import Digest
from scanner.domain.image.reference import parse as reference
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.reason import Reason
from scanner.domain.verdict.verdict import Depth
from scanner.registry.client import StaleFacts
from scanner.registry.stale_fallback import StaleFallback

DIGEST = Digest("sha256:" + "a" * 64)
DOWN = Failure(Reason.IMAGE_UNREACHABLE, "connection refused")
TAKEN_AT = 1_800_000_000.0


def facts(*architectures):
    offers = tuple(Offer(DIGEST, Platform("linux", name)) for name in architectures)
    return ImageFacts("r.example/app:1", DIGEST, True, offers, TAKEN_AT)


class Source:
    def __init__(self, answer, last):
        self.answer, self.last = answer, last

    async def resolve(self, reference, *, depth, wanted=None):
        return self.answer

    def stale(self, reference):
        return self.last


async def recalled(answer, last):
    return await StaleFallback(Source(answer, last)).resolve(reference("r.example/app:1"), depth=Depth.INDEX)


@pytest.mark.parametrize(
    ("age_s", "said"),
    [
        (0, "less than 1 min"), (59, "less than 1 min"), (60, "over 1 min"), (720, "over 10 min"),
        (3600, "over 1 h"), (86_399, "over 6 h"), (86_400, "over a day"), (1e9, "over a week"),
    ],
)  # fmt: skip
async def test_a_failure_tells_what_was_last_seen_and_how_old_that_is(age_s, said):
    found = await recalled(DOWN, StaleFacts(facts("amd64", "arm64"), age_s))
    assert found == Failure(
        Reason.IMAGE_UNREACHABLE,
        f"connection refused; last seen {said} ago (2027-01-15T08:00:00Z) offering linux/amd64, linux/arm64",
    )


async def test_scan_after_scan_says_the_same_for_a_while():
    assert await recalled(DOWN, StaleFacts(facts("amd64"), 700)) == await recalled(
        DOWN, StaleFacts(facts("amd64"), 1000)
    )


async def test_many_platforms_are_cut_visibly():
    found = await recalled(DOWN, StaleFacts(facts(*(f"cpu{number}" for number in range(9))), 0))
    assert found.detail.endswith("linux/cpu7 …")


async def test_what_was_never_seen_adds_nothing():
    assert await recalled(DOWN, None) is DOWN


async def test_an_answer_is_what_the_registry_says_now():
    now = facts("arm64")
    assert await recalled(now, StaleFacts(facts("amd64"), 720)) is now
