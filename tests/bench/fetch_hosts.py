"""A program: fetch what every host of a loopback fleet answers, first over fresh connections, then over kept ones.

The hosts have the probe installed, as for every other tool that is measured: nothing is sent to them.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import resource
import time
from pathlib import Path

from scanner.domain.host import Host
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.connection_pool import ConnectionPool


async def main(chosen: argparse.Namespace) -> None:
    """One line for each turn: seconds, CPU seconds."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    gc.freeze()
    config = SshConfig(chosen.key, chosen.known_hosts, user=chosen.user, concurrency=100, command="archscan-probe")
    pool = ConnectionPool.open(config)
    hosts = [Host(address, address, chosen.port) for address in chosen.hosts.read_text().split()]
    waiting = iter(hosts)

    async def worker() -> None:
        for host in waiting:
            answer = await pool.read(host, b"")
            assert isinstance(answer, bytes), answer
            assert answer.endswith(b"@end\n")

    for turn in range(chosen.turns):
        began, cpu, waiting = time.monotonic(), time.process_time(), iter(hosts)
        await asyncio.gather(*(worker() for _ in range(100)))
        took = {"wall_s": time.monotonic() - began, "cpu_s": time.process_time() - cpu}
        print(json.dumps({"kept": turn > 0} | took), flush=True)
    await pool.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("hosts", type=Path)
    parser.add_argument("--port", type=int)
    parser.add_argument("--user")
    parser.add_argument("--key", type=Path)
    parser.add_argument("--known-hosts", type=Path)
    parser.add_argument("--turns", type=int, default=1)
    asyncio.run(main(parser.parse_args()))
