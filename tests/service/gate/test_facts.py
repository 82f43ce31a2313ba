"""What the gate knows of a host is as old as the host's own answer."""

from dataclasses import replace

from scanner.domain.failure import Failure
from scanner.domain.verdict.reason import Reason
from scanner.service.gate.facts import GateFacts
from tests.builders import host, host_facts

NOW = 10_000.0


class Nothing:
    """No scan has ended yet."""

    def reading(self, _host):
        return None


async def asked(answered_at, max_age_s=60.0, times=1):
    facts, questions = replace(host_facts("web-9"), answered_at=answered_at), []

    async def read(one):
        questions.append(one.name)
        return facts

    known = GateFacts(Nothing(), lambda: NOW)
    tells = known.reader(read, {"web-9": max_age_s}, 5.0)
    found = [await tells(host("web-9", pushed=True)) for _ in range(times)]
    await known.close()
    return found, questions


async def test_an_answer_that_was_pushed_long_ago_is_not_one_of_now():
    (found,), _ = await asked(NOW - 3000)
    assert isinstance(found, Failure)
    assert (found.reason, found.setting) == (Reason.HOST_STALE, "push.max_age")
    assert "3000 s ago" in found.detail


async def test_an_answer_that_was_pushed_just_now_is_believed_until_it_is_old():
    found, questions = await asked(NOW - 30, times=2)
    assert not any(isinstance(one, Failure) for one in found)
    assert questions == ["web-9"], "the second question is answered from memory"


async def test_an_answer_of_now_is_believed():
    (found,), _ = await asked(None)
    assert not isinstance(found, Failure)
