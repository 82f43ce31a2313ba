"""The machine that the scanner runs on."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from scanner.domain.facts import HostFacts
from scanner.domain.failure import Failure
from scanner.domain.host import Host
from scanner.domain.verdict.reason import Reason
from scanner.hosts.local import read_local
from scanner.probe import reading
from scanner.probe.script import script

MIB = 1 << 20
ASLEEP = f"743.{os.getpid()}"
"""How a number of seconds begins for which no other run of the tests has anything sleep."""


def alive(marker):
    """The processes that sleep for so many seconds as only this test has them do."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if marker.encode() in words and int(entry.name) != os.getpid():
                found.append(entry.name)
    return found


async def gone(marker):
    """Whether such processes end: a killed one takes a moment to leave."""
    for _ in range(500):
        if not alive(marker):
            return True
        await asyncio.sleep(0.01)
    return False


async def test_this_machine_answers_like_every_other():
    raw = await read_local(script(), 30, 4 * MIB)

    assert isinstance(raw, bytes)
    facts = reading.read(raw, Host(name="here", local=True))
    assert isinstance(facts, HostFacts)
    assert facts.kernel.machine == os.uname().machine


async def test_a_script_that_hangs_is_late_and_ended_with_its_children():
    started = time.monotonic()

    found = await read_local(f"sleep {ASLEEP}1 & sleep {ASLEEP}1".encode(), 0.3, MIB)

    assert isinstance(found, Failure)
    assert found.reason is Reason.HOST_TIMEOUT
    assert time.monotonic() - started < 60
    assert await gone(f"{ASLEEP}1")


async def test_a_flood_is_too_large_and_not_kept():
    found = await read_local(b"while :; do printf '%4096s' x; done", 20, 100_000)

    assert isinstance(found, Failure)
    assert found.reason is Reason.HOST_TOO_LARGE


async def test_words_on_stderr_are_ignored():
    noise = b"i=0; while [ $i -lt 2000 ]; do printf '%4096s' x >&2; i=$((i+1)); done; echo fine"

    assert await read_local(noise, 20, MIB) == b"fine\n"


@pytest.mark.parametrize("ending", [b"exit 3", b"kill -9 $$"])
async def test_a_script_that_fails_is_incomplete(ending):
    found = await read_local(b"echo part\n" + ending, 20, MIB)

    assert isinstance(found, Failure)
    assert found.reason is Reason.HOST_INCOMPLETE


async def test_a_script_that_is_not_read_to_its_end_is_no_fault():
    assert await read_local(b"exec printf done\n" + b"# more\n" * 100_000, 20, MIB) == b"done"


async def test_a_cancelled_reading_leaves_no_process():
    task = asyncio.create_task(read_local(f"sleep {ASLEEP}2".encode(), 60, MIB))
    while not alive(f"{ASLEEP}2"):
        await asyncio.sleep(0.01)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await gone(f"{ASLEEP}2")
