"""The engine dies, or its whole machine, while the script puts a container back: it ends in one of the two good states."""

from __future__ import annotations

import os
import signal
import uuid

import pytest

from tests.hosts.test_rollback_script import inspected
from tests.real.hand import Hand
from tests.real.mortal import MortalEngine
from tests.real.process import until

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def mortal(require, require_root, tmp_path_factory, pusher, image_factory, elf_factory):
    made = MortalEngine.started(require, tmp_path_factory)
    for number in (1, 2):
        image = image_factory.image({"app": elf_factory("amd64", f"dies {number}", forever=True)}, entrypoint=["/app"])
        made.ids.append(image.config.digest)
        made.image = pusher.push("back/dies", str(number), image)
        made.engine.docker("pull", "-q", made.image)
    yield made
    made.stop()


@pytest.fixture
def dying(mortal, require, tmp_path):
    """``dying("api")``: a container of it, prepared to be brought back: the hand, the rollback's id."""

    def make(name, seconds=1):
        mortal.engine.docker("rm", "-f", name, check=False)
        mortal.engine.docker("run", "-d", "--network", "none", "--restart", "always", "--stop-timeout", "0", "--name", name,
                             mortal.image)  # fmt: skip
        clients = {"docker": str(mortal.engine.client), "curl": str(require("curl", "curl"))}
        hand = Hand(tmp_path / uuid.uuid4().hex[:8], clients, mortal.engine.environment, seconds)
        rollback = hand.begin(name, mortal.ids[0], mortal.ids[1])
        assert hand.do(rollback, "find", "prepare")["state"] == "prepared", hand.log(rollback)
        return hand, rollback

    return make


def image_that_runs(mortal, name):
    now = inspected(mortal.engine, name)
    return now["Image"] if now["State"]["Running"] else ""


def test_an_engine_that_dies_in_the_midst_of_it_leaves_one_of_the_two_good_states(mortal, dying):
    hand, rollback = dying("api", seconds=3)
    hand.ask(f"do {rollback} switch")
    until(lambda: hand.state(rollback) == "watching", "the new one")
    mortal.dies()
    mortal.starts()
    told = hand.wait(rollback)
    assert (told["state"], image_that_runs(mortal, "api")) == ("up", mortal.ids[0]), (told, hand.log(rollback))
    told = _without_engine(mortal, hand, rollback, "undo", 2)
    assert (told["state"], image_that_runs(mortal, "api")) == ("undone", mortal.ids[1]), (told, hand.log(rollback))


UP = {"undo": 4, "finish": 1}
CALLS = [("switch", turn) for turn in range(1, 6)] + [
    (step, turn) for step, last in UP.items() for turn in range(1, last + 1)
]
"""Each step's calls that change something, by their number."""


@pytest.mark.engines
@pytest.mark.parametrize(("step", "turn"), CALLS)
def test_an_engine_that_dies_at_any_call_leaves_one_of_the_two_good_states(mortal, dying, step, turn):
    hand, rollback = dying("any")
    if step in UP:
        hand.do(rollback, "switch")
    told = _without_engine(mortal, hand, rollback, step, turn)
    ends = ("done", mortal.ids[0]) if step == "finish" else ("undone", mortal.ids[1])
    assert (told["state"], image_that_runs(mortal, "any")) == ends, (told, hand.log(rollback))
    assert not mortal.engine.docker("ps", "-aq", "--filter", "name=archscan-").split()


def _without_engine(mortal, hand, rollback, step, turn):
    """How it stands after a step in which the engine dies behind that call."""
    hand.kill(turn, "after", engine=mortal.engine.daemon.process.pid)
    hand.ask(f"do {rollback} {step}")
    until(hand.killed, "the call")
    mortal.dies()
    mortal.starts()
    return hand.wait(rollback)


def test_what_a_reboot_ended_comes_to_a_good_end_with_the_next_start(mortal, dying):
    halfway, first = dying("halfway")
    halfway.kill(3, "after")
    assert halfway.do(first, "switch")["state"] == "switching"
    watched, second = dying("watched", seconds=2)
    watched.ask(f"do {second} switch")
    until(lambda: watched.state(second) == "watching", "the new one")
    os.kill(watched.worker(second), signal.SIGKILL)
    mortal.reboots()
    for hand, rollback, name in ((halfway, first, "halfway"), (watched, second, "watched")):
        hand.spare()
        assert hand.ask(f"status {rollback}")["busy"] == "no"
        told = hand.do(rollback, "resume")
        expected = {"halfway": ("undone", mortal.ids[1]), "watched": ("up", mortal.ids[0])}[name]
        assert (told["state"], image_that_runs(mortal, name)) == expected, (told, hand.log(rollback))
