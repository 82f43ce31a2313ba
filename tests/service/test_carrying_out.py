"""The agent's story with a host and a service that fail where a test wants it."""

from __future__ import annotations

import pytest

from scanner.domain.failure import Failure
from scanner.domain.rollback_plan import Manager
from scanner.domain.rollback_record import Rollback, RollbackState, Step
from scanner.domain.verdict.reason import Reason
from scanner.service.rollback.carrying_out import TRIES_TO_BEGIN, Agent, LedgerError
from tests.builders import digest

WORKS = {"find": "found", "prepare": "prepared", "switch": "up", "finish": "done", "undo": "undone"}


class Host:
    """A host's journal; ``lost`` are verbs whose answer does not arrive, once each."""

    def __init__(self, state="", becomes=WORKS, lost=(), unreachable=0):
        self.state, self.becomes, self.lost, self.unreachable = state, becomes, list(lost), unreachable
        self.busy, self.heard = 0, []

    async def __call__(self, host, line):
        verb = line.split()[0]
        if self.unreachable:
            self.unreachable -= 1
            return Failure(Reason.HOST_TIMEOUT, "nobody there")
        self.heard.append(line.split()[-1] if verb == "do" else verb)
        if verb == "begin":
            self.state = self.state or "begun"
        elif verb in {"do", "resume"}:
            step = line.split()[-1] if verb == "do" else {"switching": "switch", "finishing": "finish"}[self.state]
            self.state, self.busy = self.becomes[step], 1
        elif self.busy:
            self.busy -= 1
        if self.heard[-1] in self.lost:
            self.lost.remove(self.heard[-1])
            return Failure(Reason.HOST_INCOMPLETE, "cut")
        return {"state": self.state, "busy": "yes" if self.busy else "no", "says": "so"}


class Service:
    """The ledger; the first ``down`` questions are not answered."""

    def __init__(self, runs=(True,), down=0):
        self.runs, self.down, self.told = list(runs), down, []

    def _up(self):
        if self.down:
            self.down -= 1
            raise LedgerError("down")

    async def step(self, rollback_id, step, detail):
        self._up()
        self.told.append(step)

    async def verify(self, rollback_id):
        self._up()
        return self.runs.pop(0), "scanned"

    async def end(self, rollback_id, outcome, detail):
        self._up()
        self.told.append(str(outcome))


async def no_sleep(_seconds):
    pass


def rollback(*steps):
    return Rollback(
        "0" * 32, "web-1", "api", "api", "docker", Manager.CONTAINER, digest("a"), digest("b"), digest("c"), digest("d"),
        f"r.example/api@{digest('b')}", 60, "ok native", (), (), (), (), True, 0.0, "kim", RollbackState.CONFIRMED,
        steps=tuple(Step(step, 0.0) for step in steps),
    )  # fmt: skip


async def carried(host, service, of=None):
    return await Agent(host, service, no_sleep).carry_out(of or rollback())


GOOD = ["find", "prepare", "switch", "finish", "done"]


async def test_each_step_is_told_before_it_is_done():
    host, service = Host(), Service()
    seen = []
    heard = host.__call__

    async def hand(name, line):
        seen.append((list(service.told), line.split()[0] if not line.startswith("do") else line.split()[-1]))
        return await heard(name, line)

    assert await carried(hand, service) is RollbackState.DONE
    assert service.told == GOOD
    for told, verb in seen:
        assert verb in {"begin", "status"} or told[-1] == verb


@pytest.mark.parametrize("down", [1, 5])
async def test_nothing_is_done_while_the_service_does_not_answer(down):
    host, service = Host(), Service(down=down)
    assert await carried(host, service) is RollbackState.DONE
    assert service.told == GOOD


@pytest.mark.parametrize("verb", ["begin", "find", "prepare", "switch", "status", "finish"])
async def test_an_answer_that_was_lost_is_asked_for_again_and_no_step_is_done_twice(verb):
    host, service = Host(lost=[verb]), Service()
    assert await carried(host, service) is RollbackState.DONE
    assert service.told == GOOD
    assert [one for one in host.heard if one in WORKS] == ["find", "prepare", "switch", "finish"]


async def test_what_a_scan_does_not_show_running_is_put_back():
    host, service = Host(), Service(runs=(False,))
    assert await carried(host, service) is RollbackState.UNDONE
    assert service.told == ["find", "prepare", "switch", "undo", "undone"]


async def test_what_is_not_known_to_run_after_three_scans_is_put_back():
    service = Service(runs=(None, None, None))
    assert await carried(Host(), service) is RollbackState.UNDONE
    service = Service(runs=(None, True))
    assert await carried(Host(), service) is RollbackState.DONE


async def test_a_host_that_undid_or_refused_by_itself_is_believed():
    assert await carried(Host(becomes=WORKS | {"switch": "undone"}), Service()) is RollbackState.UNDONE
    assert await carried(Host(becomes={"find": "refused"}), Service()) is RollbackState.REFUSED


async def test_a_host_that_cannot_be_reached_before_anything_was_touched_is_left_alone():
    host, service = Host(unreachable=TRIES_TO_BEGIN), Service()
    assert await carried(host, service) is RollbackState.REFUSED
    assert (host.heard, service.told) == ([], ["refused"])


async def test_a_host_that_may_be_in_the_midst_of_it_is_asked_until_it_answers():
    host, service = Host(state="switching", unreachable=40), Service()
    assert await carried(host, service, rollback("find", "prepare", "switch")) is RollbackState.DONE
    assert service.told == ["resume", "finish", "done"]
