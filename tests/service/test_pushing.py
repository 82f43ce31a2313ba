"""Who pushes is told whether its answer is wrong or the place for it, which it may try again."""

from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.verdict.reason import Reason
from scanner.hosts.pushed import NO_PLACE
from scanner.service.pushing import TRY_AGAIN_S, Pushing

CUT = Failure(Reason.HOST_INCOMPLETE, "cut")


@pytest.mark.parametrize(
    ("failure", "answered"),
    [
        (None, ("a", 7.0)),
        (NO_PLACE, ("push_failed", TRY_AGAIN_S)),
        (CUT, ("answer_invalid", None)),
        (Failure(Reason.HOST_TOO_LARGE, "long", setting="ssh.max_output"), ("answer_invalid", None)),
    ],
)
async def test_an_answer_that_is_wrong_is_told_from_one_that_cannot_be_kept(failure, answered):
    async def receive(host, raw):
        return failure

    fleet = SimpleNamespace(hosts=(Host("a", pushed=True),))
    reloading = SimpleNamespace(current=(fleet, SimpleNamespace(receive=receive)), using=nullcontext)
    got = await Pushing(reloading, lambda: 7.0).receive("a", b"x", "t")
    assert answered == ((got.host, got.at) if failure is None else (str(got.reason), got.retry_after_s))
