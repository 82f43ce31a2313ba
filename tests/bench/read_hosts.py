"""A program: read, then judge every host of a fleet over SSH, first with fresh connections, then with kept ones."""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from scanner.domain.facts import Failure
from scanner.domain.host import Host
from scanner.domain.image.offers import ImageFacts, Offer
from scanner.domain.platform.platform import Platform
from scanner.domain.verdict.verdict import Depth
from scanner.formats.offload import Budget, Workers
from scanner.hosts.ssh.config import SshConfig
from scanner.hosts.ssh.connection_pool import ConnectionPool
from scanner.probe import reading
from scanner.probe.answer_cache import AnswerCache
from scanner.probe.script import script
from scanner.scan.scan import Limits, Scanner

OFFERS = tuple(
    Offer("sha256:" + letter * 64, platform, platform)
    for letter, platform in (("a", Platform("linux", "amd64")), ("b", Platform("linux", "arm64")))
)


WORKERS = Workers()


class EveryImage:
    """A registry that has every image for both CPUs, so that only hosts are measured."""

    async def resolve(self, reference, *, depth, wanted=None):
        """The same for all."""
        return ImageFacts(str(reference), "sha256:" + "f" * 64, is_index=True, offers=OFFERS)


async def in_a_worker(raw: bytes, host: Host):
    """As the service reads answers, in a process of its own."""
    return await WORKERS.run(reading.read, Budget(), raw, host)


async def main(told: dict, scans: int) -> None:
    """One line for each scan: seconds, CPU seconds."""
    config = SshConfig(Path(told["key"]), Path(told["known_hosts"]), user=told["user"], concurrency=200)
    pool, readings, probe = ConnectionPool.open(config), AnswerCache(in_a_worker), script()

    async def read(host):
        raw = await pool.read(host, probe)
        return raw if isinstance(raw, Failure) else await readings.read(raw, host)

    hosts = [Host(name, "127.0.0.1", port) for name, port in told["ports"].items()]
    scanner = Scanner(read, EveryImage(), None, Limits(Depth.CONFIG, 200, 600.0))
    for turn in range(scans):
        began, cpu = time.monotonic(), time.process_time()
        report = await scanner.scan(hosts)
        failed = [host.reading for host in report.hosts if isinstance(host.reading, Failure)]
        assert not failed, failed[0]
        took = {"wall_s": time.monotonic() - began, "cpu_s": time.process_time() - cpu}
        rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"kept": turn > 0, "rss_mb": rss, "findings": len(report.findings)} | took), flush=True)
    await pool.close()
    WORKERS.close()


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2])))
