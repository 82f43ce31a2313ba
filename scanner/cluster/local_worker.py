"""A worker's process on the scanner's own machine, which ends with whoever started it."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scanner import descriptors
from scanner.cluster.exchange import Exchanges
from scanner.cluster.worker import Membership, NotJoinedError, join
from scanner.hosts.ssh.trust import TrustError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scanner.cluster.reading_setup import ReadingSetup

LENGTH_BYTES = 8

BOOT = "import sys,json;sys.path[:]=json.loads(sys.argv[1]);from scanner.cluster.local_worker import main;main()"


@dataclass(frozen=True, slots=True)
class Start:
    """What the process is told by the one that starts it: paths of keys, no key."""

    membership: Membership
    setup: ReadingSetup


def request(start: Start) -> bytes:
    """As the process takes it from its standard input."""
    payload = pickle.dumps(start)
    return len(payload).to_bytes(LENGTH_BYTES, "big") + payload


def main() -> None:
    """Read hosts until standard input is closed."""
    stdin = sys.stdin.buffer
    start: Start = pickle.loads(stdin.read(int.from_bytes(stdin.read(LENGTH_BYTES), "big")))  # noqa: S301 -- of the parent
    descriptors.raise_granted()
    gc.freeze()
    sys.exit(asyncio.run(_work(start)))


async def _work(start: Start) -> int:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    os.set_blocking(sys.stdin.fileno(), False)
    loop.add_reader(sys.stdin.fileno(), _on_input, stop)
    try:
        reading = start.setup.open()
    except TrustError as error:
        print(f"archscan: {error}", file=sys.stderr)  # noqa: T201 -- the parent's terminal
        return 2
    exchanges = Exchanges(reading.read)
    try:
        await join(start.membership, exchanges, stop, lambda _version: stop.set())
    except NotJoinedError:
        return 0 if stop.is_set() else 1
    finally:
        await exchanges.close()
        await reading.close()
        loop.remove_reader(sys.stdin.fileno())
    return 0 if stop.is_set() else 1


def _on_input(stop: asyncio.Event) -> None:
    """Nothing comes any more but the end."""
    try:
        ended = not os.read(sys.stdin.fileno(), 1)
    except BlockingIOError:
        return
    if ended:
        stop.set()


def arguments(path: Sequence[str]) -> list[str]:
    """How the process is started, with where its modules are."""
    import json  # noqa: PLC0415 -- for whoever starts it alone

    return [sys.executable, "-I", "-S", "-c", BOOT, json.dumps([os.path.abspath(entry) for entry in path])]  # noqa: PTH100 -- text
