"""A program: as many SSH hosts as wanted, in one process, until its input ends."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from scanner.hosts.ssh.recorded import RecordedHosts
from tests.bench import made_up

REGISTRY = "registry.example:5000"


async def main(count: int, workloads: int, folder: Path) -> None:
    """Listen, tell where, wait."""
    _, images = made_up.stock()
    answers = made_up.answers(count, workloads, REGISTRY, images)
    async with RecordedHosts(answers, folder) as hosts:
        account = hosts.account
        told = {"user": account.user, "key": str(account.identity_file), "known_hosts": str(account.known_hosts_file)}
        print(json.dumps(told | {"ports": hosts.ports}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
