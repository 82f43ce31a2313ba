"""Ends a store's writer, tears its files, at random moments: what was acknowledged is there, what is there is a prefix."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from scanner.domain.report import Report
from scanner.store.store import Store

if TYPE_CHECKING:
    from typing import BinaryIO

AT_LEAST, AT_MOST = 1, 20
"""Reports that a writer has acknowledged when it is killed."""

TORN_BYTES = 512
"""A sector of a disk."""

READ_AT_MOST = 100_000


@dataclass(frozen=True)
class Killed:
    """So many writers, what they acknowledged in all, what of that was gone."""

    writers: int
    acknowledged: int
    lost: int


def killed(times: int, seed: int) -> Killed:
    """Kill writers of one store one after the other, each while it writes."""
    chance, there, acknowledged, lost = random.Random(seed), {0}, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/a.db"
        for _ in range(times):
            first = max(there)
            last = _killed_after(url, first, chance.randint(AT_LEAST, AT_MOST))
            acknowledged += last - first
            before, there = there - {0}, asyncio.run(_stored(url))  # one more may be there than it could tell of
            lost += len((before | set(range(first + 1, last + 1))) - there)
    return Killed(times, acknowledged, lost)


def torn(times: int, seed: int) -> int:
    """Tear what a killed writer left so many times; how often that was no prefix of what was written."""
    chance, bad = random.Random(seed), 0
    with tempfile.TemporaryDirectory() as name:
        folder, copy = Path(name, "left"), Path(name, "torn")
        folder.mkdir()
        _killed_after(f"sqlite:///{folder}/a.db", 0, AT_MOST)
        for number in range(times):
            shutil.copytree(folder, copy)
            tear(copy / "a.db-wal", number, chance)
            there = asyncio.run(_stored(f"sqlite:///{copy}/a.db"))
            bad += there != set(range(1, len(there) + 1))
            shutil.rmtree(copy)
    return bad


def tear(wal: Path, number: int, chance: random.Random) -> None:
    """Cut a write-ahead log, zero its end, or garble one sector of it."""
    image = bytearray(wal.read_bytes())
    at = chance.randrange(len(image))
    match number % 3:
        case 0:
            image = image[:at]
        case 1:
            image[at:] = bytes(len(image) - at)
        case 2:
            image[at : at + TORN_BYTES] = chance.randbytes(min(TORN_BYTES, len(image) - at))
    wal.write_bytes(image)


def _killed_after(url: str, first: int, acknowledged: int) -> int:
    """The last report that a writer told of, which begins behind ``first``."""
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.close(told)
            asyncio.run(_write(url, first, tell))
        finally:
            os._exit(1)
    os.close(tell)
    with os.fdopen(told, "rb") as lines:
        last = _until(lines, first + acknowledged)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        rest = lines.read().split()
    return int(rest[-1]) if rest else last


def _until(lines: BinaryIO, wanted: int) -> int:
    last = 0
    while last < wanted:
        last = int(lines.readline())
    return last


async def _write(url: str, first: int, tell: int) -> None:
    store = await Store.open(url, clock=lambda: 0.0)
    number = first
    while True:
        number += 1
        await store.save(Report(str(number), number, number, (), ()))
        os.write(tell, b"%d\n" % number)


async def _stored(url: str) -> set[int]:
    store = await Store.open(url, clock=lambda: 0.0)
    try:
        return {int(scan["id"]) for scan in await store.scans(READ_AT_MOST)}
    finally:
        await store.close()
