"""Whatever dies, is cut off, or comes twice while a host does a step: it ends in one of the two good states."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import ThreadPoolExecutor

import pytest

from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.rollback_plan import Manager
from scanner.domain.rollback_record import Rollback, RollbackState
from scanner.hosts.rollback_script import rollback_answer
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.connection_pool import ConnectionPool
from scanner.service.rollback.carrying_out import Agent
from tests.hosts.conftest import EXPECTED, FORMER, HEX, IMAGE
from tests.real.process import until

pytestmark = pytest.mark.system

ID = "0" * 32
JOURNAL = """#!/bin/sh
# mv, by which the journal is written: it kills whoever calls it before the write whose turn it is.
turn=$(($(cat {folder}/turn) - 1))
echo "$turn" >{folder}/turn
[ "$turn" -ne 0 ] || { kill -9 "$PPID"; exit 1; }
exec /bin/mv "$@"
"""
STEP_AFTER = {"begun": "find", "found": "prepare", "prepared": "switch", "up": "finish"}


@pytest.mark.parametrize(
    ("status", "spared", "ends", "met"),
    [
        ("paused", "", "undone", {"begun", "finding", "found", "preparing", "prepared", "switching", "watching", "undoing"}),
        ("completed", "begun found", "done", {"prepared", "switching", "watching", "up", "finishing"}),
    ],
)  # fmt: skip
def test_killed_before_any_write_of_its_journal_it_goes_on_to_a_good_end(manager, tmp_path, status, spared, ends, met):
    journal = tmp_path / "mv"
    hand, folder = manager(status, mv=str(journal))
    turns = hand.folder / "turn"
    turns.write_text("0\n")
    journal.write_text(JOURNAL.replace("{folder}", str(hand.folder)))
    journal.chmod(0o755)
    rollback = hand.begin("shop_api", IMAGE, EXPECTED, kind="swarm")
    killed, turn, state = set(), 0, "begun"
    while state not in FORMER.keys() - {"up"}:
        turn += 1
        turns.write_text(f"{0 if state in spared.split() else turn}\n")
        step = STEP_AFTER.get(state, "resume")
        hand.ask(f"resume {rollback}" if step == "resume" else f"do {rollback} {step}")
        told = until(lambda: (told := hand.ask(f"status {rollback}"))["busy"] == "no" and told, "the end of a step")
        if told["state"] != state:
            turn = 0
        state = told["state"]
        if hand.killed() and state not in spared.split():
            killed.add(state)
        assert state != "refused", told
    assert (state, (folder / "image").read_text()) == (ends, FORMER[ends]), (told, hand.log(rollback))
    assert met <= killed


def test_an_engine_that_never_answers_ends_what_has_touched_nothing_and_interrupts_what_has(manager):
    hand, _ = manager("completed")
    text = hand.script.read_text()
    assert "engine_patience=120 " in text
    hand.script.write_text(text.replace("engine_patience=120 ", "engine_patience=0 "))
    untouched, touched = (hand.begin("shop_api", IMAGE, EXPECTED, kind="swarm") for _ in range(2))
    assert hand.do(touched, "find", "prepare", "switch")["state"] == "up"
    hand.clients["docker"] = "false"
    hand.spare()
    says = "docker does not answer"
    assert hand.do(untouched, "find") == {"state": "refused", "busy": "no", "says": says}
    assert hand.do(touched, "undo") == {"state": "undoing", "busy": "no", "says": says}


HANGING = """#!/bin/sh
# timeout, for which the client hangs at what "hangs" names: it is killed, or is told to end and says that there is no such thing.
if [ -f {folder}/hangs ]; then
  case $* in *"$(cat {folder}/hangs)"*) [ "$1" != -s ] || exit 137; exit 1 ;; esac
fi
[ "$1" != -s ] || shift 2
shift
exec "$@"
"""


def test_a_question_that_the_engine_leaves_unanswered_is_no_ground_to_touch_anything(manager, tmp_path):
    timeout, hangs = tmp_path / "timeout", tmp_path / "hangs"
    timeout.write_text(HANGING.replace("{folder}", str(tmp_path)))
    timeout.chmod(0o755)
    hand, folder = manager("completed", timeout=str(timeout))
    touched, untouched, again, unseen = (hand.begin("shop_api", IMAGE, EXPECTED, kind="swarm") for _ in range(4))
    assert hand.do(touched, "find", "prepare", "switch")["state"] == "up"
    (folder / "image").write_text(FORMER["undone"])
    hangs.write_text("RepoDigests")
    assert hand.do(untouched, "find", "prepare")["state"] == "prepared"
    assert hand.do(again, "find")["state"] == "found"
    hangs.unlink()
    updates = (folder / "updates").read_text()
    assert hand.do(untouched, "switch")["says"] == "docker did not answer a question within 60 seconds"
    assert (folder / "updates").read_text() == updates
    (hand.folder / "store" / again / "state").write_text("finding\n")  # as where it went away meanwhile
    assert hand.do(again, "resume")["state"] == "found"
    assert not (hand.folder / "store" / again / "hung").exists(), "all was asked anew"
    assert hand.do(unseen, "find", "prepare")["state"] == "prepared"
    hangs.write_text("service ps")
    assert hand.do(unseen, "switch")["says"] == "as it was: the new one cannot be seen: docker does not answer"
    hangs.write_text("version")
    hand.script.write_text(hand.script.read_text().replace("engine_patience=120 ", "engine_patience=0 "))
    assert hand.do(touched, "undo") == {"state": "undoing", "busy": "no", "says": "docker does not answer"}


def test_of_equal_questions_that_come_at_once_one_is_worked_on(manager):
    hand, folder = manager("completed")
    rollback = hand.begin("shop_api", IMAGE, EXPECTED, kind="swarm")
    (hand.folder / "store" / rollback / "turn.1").write_text("1 of before it was killed\n")
    with ThreadPoolExecutor(8) as askers:
        told = list(askers.map(hand.ask, [f"do {rollback} find"] * 8))
    assert {"begun no"}.isdisjoint(f"{one['state']} {one['busy']}" for one in told), (
        "whoever asked knows that it goes on"
    )
    assert until(lambda: hand.ask(f"status {rollback}")["state"] == "found", "the end of the step")
    assert (folder / "versions").read_text() == "\n", "one of them asked the engine"


# ---------------------------------------------------------------- the connection


class Way:
    """A way to an sshd; the next connection is cut once ``cut_after`` bytes came back from there."""

    def __init__(self, sshd):
        self.sshd, self.cut_after, self.came_back, self.under_way = sshd, None, 0, []

    async def accept(self, reader, writer):
        self.under_way.append(asyncio.current_task())
        limit, self.cut_after, self.came_back = self.cut_after, None, 0
        there_reads, there_writes = await asyncio.open_connection(self.sshd.address, self.sshd.port)
        there = asyncio.ensure_future(_passed_on(reader, there_writes))
        with contextlib.suppress(OSError):
            while self.came_back != limit and (
                piece := await there_reads.read(limit - self.came_back if limit else 1 << 16)
            ):
                self.came_back += len(piece)
                writer.write(piece)
                await writer.drain()
        for one in (writer, there_writes):
            one.transport.abort()
        there.cancel()
        await asyncio.wait([there])


async def _passed_on(reader, writer):
    with contextlib.suppress(OSError):
        while piece := await reader.read(1 << 16):
            writer.write(piece)
    writer.close()


class Ledger:
    """A trail whose service always answers."""

    def __init__(self):
        self.told = []

    async def step(self, _rollback_id, step, _detail):
        self.told.append(step)

    async def verify(self, _rollback_id):
        return True, "it runs"

    async def end(self, _rollback_id, outcome, detail):
        self.told.append(f"{outcome}: {detail}")


LAST_BYTES = 100
"""Of what a connection brings: by them the script has said something, but not all."""

PLAN = Rollback(
    ID, "web-1", "shop_api", "shop_api", "docker", Manager.SWARM, "", "", EXPECTED, HEX, IMAGE, 1, "ok native", (), (), (), (),
    True, 0.0, "kim", RollbackState.CONFIRMED,
)  # fmt: skip


@pytest.mark.parametrize("place", ["at its beginning", "in its midst", "before its answer has come"])
async def test_each_step_s_connection_is_cut_and_no_step_is_done_twice(sshd, manager, tmp_path, place):
    hand, folder = manager("completed")
    way = Way(sshd)
    server = await asyncio.start_server(way.accept, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    known = tmp_path / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {sshd.host_key.with_suffix('.pub').read_text()}")
    pool = ConnectionPool.open(SshConfig(sshd.client_key, known, command=f"sh {hand.script}", keep_connections=False))
    host, cut, asked = Host("web-1", "127.0.0.1", port=port, user=sshd.user), [], set()
    await pool.read(host, f"status {ID}\n".encode())
    limit = {"at its beginning": 1, "in its midst": way.came_back * 2 // 3}.get(place, way.came_back - LAST_BYTES)

    async def ask(_host, line):
        way.cut_after = None if line in asked else limit
        asked.add(line)
        raw = await pool.read(host, f"{line}\n".encode())
        told = raw if isinstance(raw, Failure) else rollback_answer(raw)
        if isinstance(told, Failure):
            cut.append(line.split()[-1])
        return told

    ledger = Ledger()
    try:
        outcome = await Agent(ask, ledger, lambda _: asyncio.sleep(0.2)).carry_out(PLAN)
    finally:
        await pool.close()
        server.close()
        await asyncio.wait(way.under_way)
    assert outcome is RollbackState.DONE, ledger.told
    assert {"find", "prepare", "switch", "finish"} <= set(cut), "each step's connection was cut once"
    assert list(dict.fromkeys(ledger.told))[:4] == ["find", "prepare", "switch", "finish"], ledger.told
    assert (folder / "image").read_text() == FORMER["done"]
    assert (folder / "updates").read_text().count("service update") == 1
    if place == "before its answer has come":
        assert len(ledger.told) == len(set(ledger.told)), "what the host has heard is not told twice"
