"""Strangers' documents are read where they can be ended."""

import asyncio
import ctypes
import dataclasses
import operator
import os
import pickle
import platform
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import MappingProxyType

import pytest

from scanner.domain.facts import HOSTS_SHARE, Mount, Privileges, Process
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.verdict.reason import Reason, Status
from scanner.formats.parsing import kept_once, offload, offload_worker, worker_values
from scanner.formats.parsing.offload import BudgetExceeded, CallBudget, Parsers, WorkerError
from scanner.probe import reading
from scanner.probe.answer_budget import too_large
from tests import counted
from tests.formats.parsing import confined
from tests.real.require import missing

ANSWERS = sorted((Path(__file__).parents[2] / "data/hosts").glob("*.txt"))


@pytest.fixture
def workers():
    made = Parsers(1)
    yield made
    made.close()


def test_nothing_runs_until_the_first_call():
    made = Parsers()
    assert made.started == 0
    made.close()


def test_an_answer_read_elsewhere_gives_the_same_facts(workers):
    for path in ANSWERS[:12]:
        raw, host = path.read_bytes(), Host("web-1", "web-1")
        assert workers.call(reading.read, CallBudget(), raw, host) == reading.read(raw, host)
    assert workers.started == 1


async def test_a_loop_goes_on_while_others_read(workers):
    found = await asyncio.gather(*(workers.run(operator.add, CallBudget(), i, 1) for i in range(20)))
    assert found == list(range(1, 21))
    assert isinstance(await workers.run(Failure, CallBudget(), Reason.HOST_TIMEOUT, "x"), Failure)


async def test_whoever_brings_much_waits_for_all_who_bring_little(workers):
    order = []

    async def read(raw):
        await workers.run(len, CallBudget(), raw)
        order.append(len(raw))

    large = [asyncio.create_task(read(bytes(4 << 20))) for _ in range(3)]
    await asyncio.sleep(0)
    await asyncio.gather(*large, *(read(bytes(size)) for size in (1, 2, 3)))
    assert order == [4 << 20, 1, 2, 3, 4 << 20, 4 << 20]


async def test_whoever_gives_up_in_the_line_keeps_nobody_waiting(workers):
    first, second = (asyncio.create_task(workers.run(time.sleep, CallBudget(), each)) for each in (0.1, 60))
    await asyncio.sleep(0)
    second.cancel()
    assert await workers.run(len, CallBudget(), b"abc") == 3
    assert await first is None


def test_a_worker_that_hangs_is_ended_and_another_takes_its_place(workers):
    began = time.monotonic()
    found = workers.call(time.sleep, CallBudget(seconds=0.2), 600)
    assert found == BudgetExceeded("seconds", "it takes longer than 0.2 s to read")
    assert time.monotonic() - began < 60
    assert workers.call(operator.add, CallBudget(), 1, 2) == 3
    assert workers.started == 2


def test_a_worker_that_dies_costs_the_one_call(workers):
    assert workers.call(os._exit, CallBudget(), 3) == BudgetExceeded("process", "the process that read it ended")
    fallen = BudgetExceeded("process", "the process that read it ended by SIGSEGV")
    assert workers.call(ctypes.string_at, CallBudget(), 0) == fallen
    assert workers.call(operator.add, CallBudget(), 1, 2) == 3
    (worker,) = workers._idle
    os.kill(worker._process.pid, signal.SIGRTMIN + 1)  # a signal without a name
    by_number = BudgetExceeded("process", f"the process that read it ended by signal {signal.SIGRTMIN + 1}")
    assert workers.call(operator.add, CallBudget(), 1, 2) == by_number


def test_where_no_descriptor_is_left_a_call_is_refused_and_the_next_goes_on(workers):
    most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with tempfile.TemporaryFile() as file:
        resource.setrlimit(resource.RLIMIT_NOFILE, (file.fileno() + 1, most[1]))
        try:
            found = workers.call(operator.add, CallBudget(), 1, 2)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, most)
    assert found == BudgetExceeded("start", "no process can be started to read it: Too many open files")
    assert too_large(found).reason is Reason.INTERNAL_EXHAUSTED
    assert workers.call(operator.add, CallBudget(), 1, 2) == 3


def test_memory_beyond_the_budget_is_refused(workers):
    found = workers.call(operator.mul, CallBudget(memory_bytes=256 << 20), b"x", 1 << 30)
    assert found == BudgetExceeded("memory", "it takes more than 256 MiB to read")
    assert workers.call(operator.add, CallBudget(), 1, 2) == 3
    assert workers.started == 2, "what the first one remembers may be what filled it"


def test_an_answer_or_a_question_too_long_is_refused(workers):
    assert workers.call(operator.mul, CallBudget(max_bytes=1000), b"x", 2000).limit == "bytes"
    assert workers.call(len, CallBudget(max_bytes=1000), b"x" * 2000).limit == "bytes"
    assert workers.call(operator.add, CallBudget(), 1, 2) == 3


def test_a_bug_of_a_reader_is_told_as_one(workers):
    with pytest.raises(WorkerError, match="ZeroDivisionError"):
        workers.call(operator.floordiv, CallBudget(), 1, 0)
    assert workers.started == 1


def test_a_worker_holds_nothing_of_ours(workers, monkeypatch, tmp_path):
    monkeypatch.setenv("ARCHSCAN_SECRET", "s")
    with (tmp_path / "f").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        assert workers.call(confined.descriptors, CallBudget()) == [0, 1, 2]
        assert workers.call(os.getenv, CallBudget(), "ARCHSCAN_SECRET", "none") == "none"
    soft, _ = workers.call(resource.getrlimit, CallBudget(), resource.RLIMIT_NOFILE)
    assert soft == offload_worker.MAX_DESCRIPTORS
    assert workers.call(resource.getrlimit, CallBudget(), resource.RLIMIT_FSIZE) == (0, 0)


def test_a_worker_is_renewed_after_its_share_of_calls(workers, monkeypatch):
    monkeypatch.setattr(offload, "CALLS_A_WORKER", 2)
    for _ in range(4):
        workers.call(operator.add, CallBudget(), 1, 2)
    assert workers.started == 2


async def test_workers_end_when_nobody_calls_and_start_again(workers, monkeypatch):
    def in_a_loop_of_its_own():
        return asyncio.run(workers.run(operator.add, CallBudget(), 1, 2))

    assert await asyncio.to_thread(in_a_loop_of_its_own) == 3
    monkeypatch.setattr(offload, "REST_AFTER_S", 0.01)
    assert await workers.run(operator.add, CallBudget(), 1, 2) == 3
    (worker,) = workers._idle
    while worker._process.returncode is None:
        await asyncio.sleep(0.01)
    assert workers._idle == []
    assert await workers.run(operator.add, CallBudget(), 1, 2) == 3
    assert workers.started == 2


class _Evil:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.mark.parametrize(
    "said",
    [
        pickle.dumps(_Evil(), 5),
        b"\x80\x05}" + b")" + b"\x85" * 200_000 + b"Ns.",
        b"\x80\x05})\x94" + b"".join(b"h%c\x86\x94" % n for n in range(60)) + b"Ns.",
        b"\x80\x05" + b"]\x94(" * 41 + b"e" + b"".join(b"h%ce" % n for n in range(40, 0, -1)) + b".",
        b"\x80\x05](]\x94h\x00e.",
        b"\x80\x05]\x94(]\x94h\x00Nae.",
        b"\x80\x05]\x94h\x00a.",
        b"\x80\x05]\x94(" + b"]\x94" * 1_000_000 + b"e.",
        b"\x80\x05" + pickle.dumps(Parsers, 5)[11:-1] + b")R.",
        b"\x80\x05" + pickle.dumps(Failure, 5)[11:-1] + b"N\x85R.",
        b"\x80\x05\x8c\x26scanner.formats.parsing.offload_worker\x8c\x04Enum\x93\x8c\x01X\x8c\x01a\x86R.",
        b"\x80\x05}(\x8c\x01a",
        b"c__builtin__\nlist\n.",
        b"\x80\x05N}b.",
        b"",
    ],
    ids=[
        "acts", "deep", "doubling", "doubling lists", "no name", "filled later", "in itself", "many", "a class that acts",
        "a value that is called", "a class of Python's", "cut", "old words", "sets fields", "nothing",
    ],
)  # fmt: skip
def test_what_a_worker_says_cannot_act_here_nor_end_this_process(said):
    found = offload._result(bytearray(offload_worker.DONE + said), CallBudget(), worker_values.Shared(()))
    assert isinstance(found, offload._Foreign)


def test_a_worker_that_answers_with_no_value_costs_the_one_call(workers):
    told = "the process that read it answered with something else than a value"
    assert workers.call(Path, CallBudget(), "x") == BudgetExceeded("process", told)
    assert workers.call(operator.add, CallBudget(), 1, 2) == 3
    assert workers.started == 2


def test_read_only_mappings_pass(workers):
    assert workers.call(dict, CallBudget(), MappingProxyType({"a": 1})) == {"a": 1}


async def test_closing_ends_who_is_at_work():
    made = Parsers(1)
    waiting = asyncio.create_task(made.run(time.sleep, CallBudget(seconds=100), 100))
    while not made._busy:
        await asyncio.sleep(0.01)
    began = time.monotonic()
    await asyncio.to_thread(made.close)
    assert (await waiting).limit == "process"
    assert time.monotonic() - began < 60
    assert made.call(operator.add, CallBudget(), 1, 2).limit == "process"


def test_a_word_of_a_closed_list_comes_back_by_its_class_on_every_python():
    assert b"getattr" not in offload_worker.pickled(Status.BROKEN)


def test_values_that_hosts_have_alike_are_one_value(workers):
    sharing, found = Parsers(1, HOSTS_SHARE), []
    try:
        raw = next(path for path in ANSWERS if reading.read(path.read_bytes(), Host("a", "a")).workloads).read_bytes()
        for name in ("web-1", "web-2"):
            found.append(sharing.call(reading.read, CallBudget(), raw, Host(name, name)))
            assert found[-1] == workers.call(reading.read, CallBudget(), raw, Host(name, name))
    finally:
        sharing.close()
    first, second = found
    assert first.kernel is second.kernel
    assert first.workloads
    for one, other in zip(first.workloads, second.workloads, strict=True):
        assert one is not other
        assert (one.local, one.process, one.reference) == (other.local, other.process, other.reference)
        assert one.local is other.local
        assert one.process is other.process
        assert one.reference is other.reference


def test_fields_are_looked_up_once_for_all_values_of_a_class(monkeypatch):
    shared, host = worker_values.Shared(HOSTS_SHARE), Host("web-1", "web-1")
    every = [reading.read(path.read_bytes(), host) for path in ANSWERS]

    def passed():
        answers = [offload_worker.DONE + offload_worker.pickled(facts, shared.names) for facts in every]
        return [offload._result(bytearray(answer), CallBudget(), shared) for answer in answers]

    assert passed() == every
    monkeypatch.setattr(dataclasses, "fields", None)  # what a dataclass with slots asks each time
    assert passed() == every


@pytest.mark.parametrize("said", [lambda words: (None, words), lambda words: (*[None] * 9, (), Privileges(words))])
@pytest.mark.parametrize(("bound", "most", "kept"), [("MAX_VALUES", 3, 3), ("MAX_CHARS", 300, 4)])
def test_shared_values_do_not_pile_up(monkeypatch, said, bound, most, kept):
    """Neither many nor long ones: a host may say another argument, or group, of 100 kB in each answer, for years."""
    monkeypatch.setattr(kept_once, bound, most)
    shared = worker_values.Shared((Process,))
    every = [said(("x" * 100, str(number))) for number in range(10)]
    assert [shared.value(Process, *each) for each in every] == [Process(*each) for each in every]
    assert len(shared._kept._known) <= kept


def test_what_a_shared_value_holds_many_times_is_looked_at_once():
    doubling = ()
    for _ in range(15):
        doubling = (doubling, doubling)
    shared = worker_values.Shared((Process,))
    assert counted.calls(lambda: shared.value(Process, None, doubling)) < 1000


def test_a_worker_cannot_have_another_class_shared():
    with pytest.raises(pickle.UnpicklingError):
        worker_values.Shared((Mount,)).value(Host, "web-1", "web-1")


@pytest.mark.skipif(platform.machine() not in {"x86_64", "aarch64"}, reason="no filter is made for this processor")
def test_a_worker_that_was_taken_over_finds_nothing_to_take_and_nowhere_to_go(workers, tmp_path):
    secret = tmp_path / "id_ed25519"
    secret.write_text("key")
    found = workers.call(confined.everything, CallBudget(), os.getpid(), str(secret))
    in_force = subprocess.run(
        [sys.executable, "-c", "from scanner.formats.parsing.confinement import confine; print(*confine([]))"],
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3],
    ).stdout.split()  # fmt: skip
    if "seccomp" not in in_force:
        missing("this kernel has no seccomp: run the tests on one that has")
    by_landlock = {"secret", "passwd", "parent's environment"}
    passed = {name for name, came in found.items() if came == "done"}
    assert passed <= (set() if "landlock" in in_force else by_landlock)
    assert secret.read_text() == "key"
