"""The service and its agent end at each step of a rollback: the next ones bring it to a good end, which the trail tells."""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import count

import pytest

from scanner.service.answers import Refusal, RefusalReason
from scanner.service.rollback.carrying_out import Agent, LedgerError, OutOfTurnError
from scanner.store.store import Store
from scanner.trail.leaf import decode
from scanner.trail.note import Signer
from scanner.trail.trail import Trail
from scanner.trail.verify import verify
from tests.service.environment import WithContainers, container, scanned

SIGNER = Signer.made("example.com/test")
MANY = 50
"""Waits of one life: who waits for longer goes no further."""


class EndedError(Exception):
    """Service and agent are gone."""


class Life:
    """What one service does with one agent; before their ``ends_before``-th exchange both are gone."""

    def __init__(self, service, hand, ends_before=0):
        self.rollbacks, self.hand, self.ends_before = service.rollbacks, hand, ends_before
        self.exchanges = self.waits = 0

    def exchange(self):
        self.exchanges += 1
        if self.exchanges == self.ends_before:
            raise EndedError

    async def sleep(self, _seconds):
        self.waits += 1
        assert self.waits < MANY

    async def host(self, _name, line):
        self.exchange()
        return self.hand(line, self.rollbacks)

    async def step(self, rollback_id, step, detail):
        self.exchange()
        _answered(await self.rollbacks.step(rollback_id, step, detail, "agent"))

    async def verify(self, rollback_id):
        self.exchange()
        return _answered(await self.rollbacks.verify(rollback_id, "agent"))

    async def end(self, rollback_id, outcome, detail):
        self.exchange()
        _answered(await self.rollbacks.end(rollback_id, outcome, detail, "agent"))

    async def carry_out(self):
        (rollback,) = await self.rollbacks.work(0)
        return await Agent(self.host, self, self.sleep).carry_out(rollback)


def _answered(answer):
    if isinstance(answer, Refusal):
        raise (OutOfTurnError if answer.reason is RefusalReason.ROLLBACK_STATE else LedgerError)(answer.detail)
    return answer


STEPS = {"begun": ("find", "found"), "found": ("prepare", "prepared"), "prepared": ("switch", "up")}
ENDS = {"finish": "done", "undo": "undone"}


class Hand:
    """A host's journal, which outlives them; ``up`` is what its container is once it was switched."""

    def __init__(self, environment, up):
        self.environment, self.up, self.state = environment, up, ""

    def __call__(self, line, rollbacks):
        verb, rollback_id, *words = line.split()
        self.state = self.state or "begun"
        if verb == "do":
            assert rollbacks.find(rollback_id).steps[-1].step == words[0], "no host is ahead of the trail"
            step, becomes = STEPS.get(self.state, ("", ""))
            if self.state == "up":
                step, becomes = words[0], ENDS[words[0]]
            assert words[0] == step
            self.state = becomes
            self.environment.now += 1
            if becomes in {"up", "undone"}:
                self.environment.containers = (self.up if becomes == "up" else NEWER,)
        return {"state": self.state, "busy": "no", "says": "so"}


RUNS, FAILS = container("1"), container("1", state="restarting", settled=False, restart_count=3)
NEWER = container("2", state="restarting", settled=False, restart_count=3)


@asynccontextmanager
async def lived(store, environment):
    """A service with its trail over this store, as one that was started again: it knows what was durable."""
    trail = Trail(store, SIGNER, clock=environment.clock)
    await trail.open()
    service = environment.service(store, trail)
    await service.rollbacks.load()
    try:
        yield service, trail
    finally:
        await service.stop()
        await trail.close()


async def confirmed(store, environment):
    """Somebody confirms a rollback."""
    async with lived(store, environment) as (service, _):
        await scanned(service)
        environment.now += 60
        environment.containers = (NEWER,)
        await scanned(service)
        await service.rollbacks.work(0)
        plan = await service.rollbacks.plan("a", "api", "", "kim")
        assert str((await service.rollbacks.confirm(plan.id, "kim")).state) == "confirmed"
    environment.now += 1


async def story(trail, store):
    """What the trail tells of steps and of the end."""
    entries = [decode(body) for _, body in await trail.leaves(0, trail.head.size)]
    assert (await store.trail(lambda rows: verify(rows, trail.verifier))).found == []
    told = [one.about.get("step") or one.about.get("outcome") for one in entries if one.event.startswith("rollback")]
    return [one for one in told if one]


@pytest.mark.parametrize(
    ("at_first", "after", "ends"),
    [(RUNS, RUNS, {"done"}), (FAILS, FAILS, {"undone"}), (FAILS, RUNS, {"done", "undone"})],
    ids=["runs", "does not run", "is slow to run"],
)
async def test_whoever_dies_at_any_step_the_next_start_ends_it_well(at_first, after, ends):
    for ends_before in count(1):
        environment = WithContainers()
        store = await Store.open("sqlite://", clock=environment.clock)
        await confirmed(store, environment)
        hand = Hand(environment, at_first)
        async with lived(store, environment) as (service, _):
            try:
                await Life(service, hand, ends_before).carry_out()
            except EndedError:
                survived = False
            else:
                survived = True
        hand.up = after
        if hand.state == "up":
            environment.containers = (after,)
        environment.now += 1
        async with lived(store, environment) as (service, trail):
            if not survived:
                await Life(service, hand).carry_out()
            told, (known,) = await story(trail, store), service.rollbacks.all()
        await store.close()
        state = str(known.state)
        assert state in ends, ends_before
        assert (hand.state, told[-1], told.count(state)) == (state, state, 1), (ends_before, told)
        assert list(dict.fromkeys(told))[:3] == ["find", "prepare", "switch"], (ends_before, told)
        if survived:
            break
    assert ends_before > 9, "each exchange was the last one once"
